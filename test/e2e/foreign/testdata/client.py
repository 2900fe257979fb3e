"""The steps by Python's http.client, urllib or requests. Arguments: which of them, the base URL, a file to send."""
import gzip
import hashlib
import http.client
import sys
import urllib.error
import urllib.parse
import urllib.request

kind, base, file = sys.argv[1:]
with open(file, "rb") as opened:
    large = opened.read()


def pieces():
    for start in range(0, len(large), 100_000):
        yield large[start:start + 100_000]


def tell(step, status, headers, body):
    coding = headers.get("Content-Encoding") or "none"
    if coding == "gzip" and body and kind != "requests":
        body = gzip.decompress(body)
    print(step, status, headers.get("Content-Type"), coding, hashlib.sha256(body).hexdigest())


if kind == "http.client":
    url = urllib.parse.urlsplit(base)
    connection = http.client.HTTPConnection(url.hostname, url.port)

    def send(step, method, path, headers, body=None):
        chunked = body is pieces
        if chunked:
            headers = {**headers, "Transfer-Encoding": "chunked"}
        connection.request(method, url.path + path, pieces() if chunked else body, headers, encode_chunked=chunked)
        response = connection.getresponse()
        tell(step, response.status, response.headers, response.read())

elif kind == "urllib":
    def send(step, method, path, headers, body=None):
        request = urllib.request.Request(base + path, pieces() if body is pieces else body, headers, method=method)
        try:
            response = urllib.request.urlopen(request)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            tell(step, response.status, response.headers, response.read())

else:
    import requests
    session = requests.Session()

    def send(step, method, path, headers, body=None):
        response = session.request(method, base + path, headers=headers, data=pieces() if body is pieces else body)
        tell(step, response.status_code, response.headers, response.content)


send("gzip", "GET", "/text.txt", {"Accept-Encoding": "gzip"})
send("identity", "GET", "/text.txt", {"Accept-Encoding": "identity"})
send("large", "GET", "/large.bin", {})
send("head", "HEAD", "/large.bin", {})
send("missing", "GET", "/missing", {})
send("post", "POST", "/echo", {"Content-Type": "application/octet-stream"}, large)
send("chunked", "POST", "/echo", {"Content-Type": "application/octet-stream"}, pieces)
