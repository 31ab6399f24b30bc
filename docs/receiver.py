"""Takes events: proves who sent them, prints each once. SECRET=whsec_... [PORT=8000] python3 receiver.py"""

import base64
import hmac
import os
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

KEY = base64.b64decode(os.environ["SECRET"].removeprefix("whsec_"))
SEEN = set()  # in earnest: a table, written in one transaction with what the event makes you do


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        event, at, sent = (self.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        ours = b"v1," + base64.b64encode(hmac.digest(KEY, f"{event}.{at}.".encode() + body, "sha256"))
        ok = any(hmac.compare_digest(ours, one.encode()) for one in sent.split()) and abs(time.time() - int(at)) < 300
        if ok and event not in SEEN:
            print(body.decode(), flush=True)
            SEEN.add(event)
        self.send_response(204 if ok else 401)
        self.end_headers()


HTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Receiver).serve_forever()
