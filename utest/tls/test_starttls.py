from __future__ import annotations

import dataclasses
import socket
import ssl
from pathlib import Path

import pytest
from servers import Saying, TlsServer, strong_context

from waybill.tls.authority import Authority
from waybill.tls.hello import ServerHello
from waybill.tls.places import Outcome
from waybill.tls.probes import probes
from waybill.tls.probing import best_version, run
from waybill.tls.starttls import NotUpgraded, xmpp

STREAM = b"<stream:stream from='localhost' version='1.0' xmlns:stream='http://etherx.jabber.org/streams'>"
OFFER = STREAM + b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"


class XmppServer(TlsServer):
    """As much of an XMPP server as comes before TLS."""

    def answer(self, connection: socket.socket) -> None:
        heard = connection.recv(4096)
        assert b"to='localhost'" in heard.replace(b'"', b"'")
        connection.sendall(OFFER)
        assert b"<starttls" in connection.recv(4096)
        connection.sendall(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        super().answer(connection)


def test_what_is_behind_starttls_can_be_probed(tmp_path: Path) -> None:
    context: ssl.SSLContext = strong_context(Authority(tmp_path).issue(tmp_path / "node", ["localhost"]))
    with XmppServer(context) as server:
        place = dataclasses.replace(server.place, upgrade=xmpp("localhost"))
        assert isinstance(best_version(place), ServerHello)
        assert {run(probe, place).outcome for probe in probes()} == {Outcome.REFUSED}


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", STREAM + b"<stream:features/></stream:stream>"],
)
def test_a_server_without_starttls_is_no_place_for_probes(answer: bytes) -> None:
    with Saying(answer) as server:
        place = dataclasses.replace(server.place, upgrade=xmpp("localhost"))
        with pytest.raises(NotUpgraded):
            place.connect()
        assert run(probes()[0], place).outcome is Outcome.UNANSWERED
