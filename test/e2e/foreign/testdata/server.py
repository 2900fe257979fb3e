"""An API in Python: the files of a folder, and /echo. It prints its port."""
import gzip
import http.server
import os
import sys

FOLDER = sys.argv[1]


class API(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def answer(self, status, kind, body, coding=None, chunked=False):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if coding:
            self.send_header("Content-Encoding", coding)
        if not chunked:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.command == "HEAD":
            return
        for start in range(0, len(body), 10_000):
            chunk = body[start:start + 10_000]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.wfile.write(b"0\r\n\r\n")

    def do_GET(self):
        file = FOLDER + self.path
        if not os.path.exists(file):
            self.answer(404, "text/plain", b"no such file")
            return
        with open(file, "rb") as opened:
            body = opened.read()
        if file.endswith(".txt") and "gzip" in self.headers.get("Accept-Encoding", ""):
            self.answer(200, "text/plain", gzip.compress(body), "gzip", chunked=True)
            return
        if file.endswith(".txt"):
            self.answer(200, "text/plain", body, chunked=True)
            return
        self.answer(200, "application/octet-stream", body)

    do_HEAD = do_GET

    def do_POST(self):
        self.answer(200, "application/octet-stream", self.body(), chunked=True)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), API)
print(server.server_port, flush=True)
server.serve_forever()
