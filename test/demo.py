#!/usr/bin/env python3
"""Three small servers that play somebody else's API, for the examples in README.md and APIS.md.

    python3 test/demo.py [PORT PORT PORT]        the ports are 7001, 7002 and 7003 when not given

The second one accepts requests and never answers. The others have these:

    GET  /price    {"price": 3}, but the first of each three requests gets {"error": "busy"}, with status 200
    GET  /v1/...   what was asked for, when the request has the token: Authorization: Bearer s3cret
    GET  /latest   {"rate": 1.08}
    POST /orders   status 503, but 201 for an Idempotency-Key that has been seen before
"""

import http.server
import json
import sys
import threading

HANGS = 1  # the number of the server that never answers, from 0

lock = threading.Lock()
prices = 0
keys = set()


def answer(request):
    """Returns the status and the JSON for a request."""
    global prices
    with lock:
        if request.command == "POST" and request.path == "/orders":
            key = request.headers.get("Idempotency-Key")
            if key in keys:
                return 201, {"order": request.body, "key": key}
            if key:
                keys.add(key)
            return 503, {"error": "busy"}
        if request.path.split("?")[0] == "/price":
            prices += 1
            return 200, {"error": "busy"} if prices % 3 == 1 else {"price": 3}
    if request.path == "/latest":
        return 200, {"rate": 1.08}
    if request.path.startswith("/v1/"):
        if request.headers.get("Authorization") != "Bearer s3cret":
            return 401, {"error": "no token"}
        return 200, {"asked": request.path, "cookie": request.headers.get("Cookie")}
    return 404, {"error": "not found"}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # which would hold an answer's body back for 40 ms

    def handle_one(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.server.hangs:
            threading.Event().wait()
        status, value = answer(self)
        text = (json.dumps(value) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = handle_one

    def log_message(self, *_):
        pass


def main():
    ports = [int(port) for port in sys.argv[1:]] or [7001, 7002, 7003]
    for number, port in enumerate(ports):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        server.daemon_threads = True
        server.hangs = number == HANGS
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print("listening on", *ports, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
