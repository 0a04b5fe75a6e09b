"""Serving small HTTPS requests in threads: the part that the issuer and a node's administration share."""

from __future__ import annotations

import base64
import binascii
import json
import ssl
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from waybill_server.logs import log

LARGEST_BODY = 16_384
DISCARDED_BYTES = 1_048_576
IDLE_SECONDS = 10.0
CONNECTIONS = 256
"""Connections that are served at once; each has a thread."""

PLACE_SECONDS = 1.0
"""How long one more connection waits for a place before it is dropped."""


class BodyRefused(Exception):
    """The body of a request is not read."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class CredentialsRefused(Exception):
    """The header with the credentials cannot be read."""


class HttpsServer(ThreadingHTTPServer):
    """An HTTPS server; the TLS handshake is done in the connection's own thread.

    Args:
        address: Where to listen.
        context: The server's side of TLS.
        exchange: Serves the requests of one connection.

    Raises:
        OSError: It cannot listen there.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext, exchange: type[Exchange]) -> None:
        super().__init__(address, exchange)
        self._context = context
        self._places = threading.BoundedSemaphore(CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Gives a connection its thread, as soon as there is a place for it."""
        if not self._places.acquire(timeout=PLACE_SECONDS):
            log("connection-dropped", peer=str(client_address), served=CONNECTIONS)
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._places.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serves one connection and gives its place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serves one connection, unless the two sides do not come to terms about TLS."""
        request.settimeout(IDLE_SECONDS)
        try:
            secured = self._context.wrap_socket(request, server_side=True)
        except OSError as error:
            log("handshake-failed", peer=str(client_address), error=str(error))
            return
        try:
            with secured:
                super().finish_request(secured, client_address)
        except OSError as error:
            log("connection-failed", peer=str(client_address), error=str(error))

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Notes what went wrong while serving, in one line."""
        log("request-failed", peer=str(client_address))


class Exchange(BaseHTTPRequestHandler):
    """One connection of an HTTP client: reading requests, writing answers in JSON."""

    protocol_version = "HTTP/1.1"
    server_version = "waybill"
    sys_version = ""
    disable_nagle_algorithm = True
    no_store: ClassVar[dict[str, str]] = {"Cache-Control": "no-store", "Pragma": "no-cache"}

    def serve(self) -> None:
        """Answers one request, whatever its method is."""
        raise NotImplementedError

    def _serve(self) -> None:
        self.serve()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815 - the base's names

    def body(self) -> bytes:
        """The request's body; empty where it has none.

        Raises:
            BodyRefused: It has no length, or is too long; the connection ends with the answer.
        """
        length = self.headers.get("Content-Length")
        if length is None and "Transfer-Encoding" not in self.headers:
            return b""
        known = length is not None and length.isascii() and length.isdigit() and len(length) < 8
        if length is None or not known or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            raise BodyRefused(400, "a body with its length (Content-Length) is needed")
        if int(length) > LARGEST_BODY:
            self.close_connection = True
            # A client that is answered while it still writes may see a reset instead of the answer.
            self._discard(min(int(length), DISCARDED_BYTES))
            raise BodyRefused(413, f"the body has {length} bytes, at most {LARGEST_BODY} are read")
        return self.rfile.read(int(length))

    def basic(self) -> tuple[str, str] | None:
        """The HTTP basic credentials; None without any.

        Raises:
            CredentialsRefused: They cannot be read.
        """
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise CredentialsRefused("the basic credentials cannot be read") from None
        return user, password

    def bearer(self) -> str:
        """The bearer token (RFC 6750, section 2.1); empty without one."""
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        return value.strip() if scheme.lower() == "bearer" else ""

    def answer(
        self, status: int, document: Mapping[str, object], headers: Mapping[str, str] | None = None
    ) -> None:
        """Writes an answer."""
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Requests are not logged; they hold passwords and tokens."""

    def _discard(self, count: int) -> None:
        while count > 0 and (part := self.rfile.read(min(count, 65_536))):
            count -= len(part)
