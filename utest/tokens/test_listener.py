"""Whoever looks where a false token says is noted, whatever it asks; a listener that nobody asks notes nothing."""

from __future__ import annotations

import json
import socket
import ssl
import urllib.request

import pytest

from waybill.tokens.forge import own_keys
from waybill.tokens.listener import Listener


def test_nobody_asks() -> None:
    with Listener() as listener:
        pass
    assert listener.asked == []


def test_a_request_is_noted_and_answered_with_the_attackers_key() -> None:
    with Listener() as listener, urllib.request.urlopen(f"http://{listener.place}/jku") as answer:
        assert json.load(answer) == {"keys": [own_keys().jwk("own")]}
        assert listener.asked == ["GET /jku HTTP/1.1"]


def test_a_handshake_and_a_mere_connection_are_noted_too() -> None:
    with Listener() as listener:
        host, port = listener.place.split(":")
        with socket.create_connection((host, int(port))) as plain, pytest.raises((ssl.SSLError, OSError)):
            ssl.create_default_context().wrap_socket(plain, server_hostname=host)
        socket.create_connection((host, int(port))).close()
        with socket.create_connection((host, int(port))) as last:
            last.sendall(b"GET /last HTTP/1.1\r\n\r\n")
            assert last.recv(100).startswith(b"HTTP/1.1 200")
        assert listener.asked == ["a TLS handshake", "a connection that said nothing", "GET /last HTTP/1.1"]


def test_nobody_can_ask_after_its_end() -> None:
    listener = Listener()
    listener.close()
    listener.close()
    host, port = listener.place.split(":")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((host, int(port)), timeout=1)
