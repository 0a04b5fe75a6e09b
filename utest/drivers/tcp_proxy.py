"""A TCP proxy that counts what passes and cuts a connection after exactly so many bytes."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from dataclasses import dataclass, field

UP, DOWN = "up", "down"


@dataclass
class _Link:
    """One proxied connection."""

    client: socket.socket
    server: socket.socket
    passed: dict[str, int] = field(default_factory=lambda: {UP: 0, DOWN: 0})
    begun: dict[str, bytes] = field(default_factory=lambda: {UP: b"", DOWN: b""})
    left: dict[str, int | None] = field(default_factory=lambda: {UP: None, DOWN: None})
    reset: bool = True
    ended: str = ""
    over: threading.Event = field(default_factory=threading.Event)
    is_cut: bool = False

    def cut(self) -> None:
        self.is_cut = True
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                if self.reset:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    end.shutdown(socket.SHUT_RD)
                else:
                    end.shutdown(socket.SHUT_RDWR)


class TcpProxy:
    """Forwards connections to one address; `up` is towards the server."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._links: list[_Link] = []
        self._next: tuple[str, int, bool] | None = None
        self._flowing = threading.Event()
        self._flowing.set()
        self._waiting = threading.Event()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> TcpProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._flowing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        for link in self._links:
            link.cut()

    def passed(self, direction: str) -> int:
        """Bytes that the newest connection has passed in one direction."""
        return self._links[-1].passed[direction]

    def secured(self) -> bool:
        """Whether the newest connection began with a TLS handshake."""
        return self._links[-1].begun[UP] == b"\x16"

    def cut_after(self, direction: str, count: int, *, reset: bool = True) -> None:
        """Lets so many more bytes of the newest connection pass in this direction, then cuts it."""
        link = self._links[-1]
        link.reset = reset
        link.left[direction] = count

    def cut_next_after(self, direction: str, count: int, *, reset: bool = True) -> None:
        """Lets the next connection pass so many bytes in this direction, then cuts it."""
        self._next = (direction, count, reset)

    def cut(self, *, reset: bool = True) -> None:
        """Cuts the newest connection now."""
        self._links[-1].reset = reset
        self._links[-1].cut()

    def hold(self) -> None:
        """Stops forwarding: buffers fill up, nobody sees an end."""
        self._waiting.clear()
        self._flowing.clear()

    def wait_held(self) -> None:
        """Waits until something towards the server is held."""
        assert self._waiting.wait(5), "nothing was sent while nothing was forwarded"

    def release(self) -> None:
        """Forwards again."""
        self._flowing.set()

    def wait_end(self) -> str:
        """How the client ended the newest connection: "reset" or "orderly"."""
        assert self._links[-1].over.wait(5)
        return self._links[-1].ended

    @staticmethod
    def _note_end(link: _Link, direction: str, how: str) -> None:
        if direction == UP and not link.over.is_set():
            link.ended = how
            link.over.set()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                self._listener.close()
                return
            server = socket.create_connection(self._target)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link = _Link(client, server)
            if self._next is not None:
                direction, count, link.reset = self._next
                link.left[direction], self._next = count, None
            self._links.append(link)
            for direction, source, sink in ((UP, client, server), (DOWN, server, client)):
                threading.Thread(target=self._pump, args=(link, direction, source, sink), daemon=True).start()

    def _pump(self, link: _Link, direction: str, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if direction == UP and not self._flowing.is_set():
                    self._waiting.set()
                self._flowing.wait()
                # What comes after the end of reading is still read, if a thread is late to hear of that end.
                if link.is_cut:
                    break
                left = link.left[direction]
                if left is not None:
                    data = data[:left]
                    link.left[direction] = left - len(data)
                link.begun[direction] = link.begun[direction] or data[:1]
                link.passed[direction] += len(data)
                sink.sendall(data)
                if left is not None and left - len(data) == 0:
                    link.cut()
                    break
            self._note_end(link, direction, "orderly")
        except ConnectionResetError:
            self._note_end(link, direction, "reset")
        except OSError:
            pass
        finally:
            if link.reset and link.left[direction] is not None:
                link.cut()
            else:
                with contextlib.suppress(OSError):
                    sink.shutdown(socket.SHUT_WR)
            source.close()
