"""A small HTTPS server that makes accounts, for tests of provisioning; it keeps what it was asked for in a file."""

from __future__ import annotations

import json
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

host, port, bundle, data, key = sys.argv[1:6]
asked = Path(data) / "asked"
unready = Path(data) / "refusals-left"
counting = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with counting:
            left = int(unready.read_text()) if unready.exists() else 0
            unready.write_text(str(max(0, left - 1)))
        allowed = self.headers["Authorization"] == f"Bearer {key}"
        with asked.open("a") as file:
            file.write(json.dumps({"path": self.path, "body": json.loads(body), "allowed": allowed}) + "\n")
        status = 200 if allowed and not left else 503
        answer = b"welcome" if status == 200 else f"no, {body}".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


server = ThreadingHTTPServer((host, int(port)), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(bundle)
server.socket = context.wrap_socket(server.socket, server_side=True)
sys.stdout.write('{"ready": true}\n')
sys.stdout.flush()
server.serve_forever()
