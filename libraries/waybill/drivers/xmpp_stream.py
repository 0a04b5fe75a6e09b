"""An XMPP stream up to the point where a session can be used: TLS, authentication, binding, stream management."""

from __future__ import annotations

import contextlib
import dataclasses
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Iterator
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from slixmpp.util import sasl
from slixmpp.util.sasl.mechanisms import SCRAM
from slixmpp.xmlstream.tostring import escape

from waybill.drivers import xmpp_stanzas as stanzas
from waybill.drivers.base import Login, LoginRefused, Outcome
from waybill.drivers.byte_stream import PIECE, Broken, ByteStream
from waybill.drivers.xmpp_stanzas import Names
from waybill.history.events import Completion

_SCHEMES: Final = {"xmpp": 5222, "xmpps": 5223}
_FEATURES: Final = f"{{{stanzas.STREAMS}}}features"
_SASL: Final = f"{{{stanzas.SASL}}}"


class StanzaReader:
    """Cuts what arrives into the elements directly below the stream's root."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self.restart()

    def restart(self) -> None:
        """Expects a new stream header."""
        self._parser: XMLPullParser[Any] = XMLPullParser(("start", "end"))
        self._flush = getattr(self._parser, "flush", None)
        self._ready: deque[Element | None] = deque()
        self._root: Element | None = None
        self._depth = 0

    @property
    def ahead(self) -> bool:
        """Whether more has arrived than what was read."""
        return bool(self._ready) or self._depth > 1

    def read(self) -> Element | None:
        """The next element; None when the server has closed the stream.

        Raises:
            Broken: The connection ended, or what arrived is no XML.
        """
        while not self._ready:
            arrived = self._stream.recv(PIECE)
            try:
                self._parser.feed(arrived)
                if self._flush is not None:
                    # Newer parsers wait for more before they tell of what is there.
                    self._flush()
                self._cut()
            except ParseError as error:
                raise Broken(f"malformed XML from the server: {error}", code="malformed") from None
        return self._ready.popleft()

    def _cut(self) -> None:
        for event, element in cast("Iterator[tuple[str, Element]]", self._parser.read_events()):
            if event == "start":
                self._depth += 1
                if self._depth == 1:
                    self._root = element
                continue
            self._depth -= 1
            if self._depth == 1 and self._root is not None:
                self._ready.append(element)
                self._root.remove(element)
            elif self._depth == 0:
                self._ready.append(None)


class XmppStream:
    """A connection that logs in step by step. Each step raises `LoginRefused` or `Broken`.

    Attributes:
        bytes: The connection.
        reader: Its elements.
        names: Who logs in where.
        address: The full address that was bound; "" before.
        managed: The server counts stanzas (XEP-0198).
        early: Elements that came after the session began and before it was ready, in order.
        told: How many of these the server was told to be handled: all before the first message.
        asked: The first byte of the credentials may have left.
    """

    def __init__(self, login: Login) -> None:
        """Connects, secured from the first byte for `xmpps` and before anything is said for `xmpp`."""
        url = urlsplit(login.endpoint.url)
        if url.scheme not in _SCHEMES:
            raise ValueError(
                f"expected an address such as xmpp://HOST:PORT/DOMAIN or xmpps://HOST:PORT/DOMAIN, "
                f"found '{login.endpoint.url}'"
            )
        host = url.hostname or ""
        domain = unquote(url.path.strip("/")) or login.endpoint.server_name or host
        self.names = Names(login.credential.user, domain)
        self.address = ""
        self.managed = False
        self.asked = False
        self.early: list[Element] = []
        self.told = 0
        self._login = login
        netloc = f"[{host}]" if ":" in host else host
        endpoint = dataclasses.replace(
            login.endpoint,
            url=f"{url.scheme}://{netloc}:{url.port or _SCHEMES[url.scheme]}",
            server_name=login.endpoint.server_name or domain,
        )
        self.bytes = ByteStream(endpoint, login.deadline, login.piece)
        self.reader = StanzaReader(self.bytes)
        try:
            self._features = self._open()
            if url.scheme == "xmpp":
                self._start_tls(endpoint.server_name or domain)
        except BaseException:
            self.drop()
            raise

    def drop(self) -> None:
        """Closes the connection."""
        with contextlib.suppress(OSError):
            self.bytes.close()

    # -- the steps -------------------------------------------------------------------------------------------

    def _start_tls(self, name: str) -> None:
        if self._features.find(f"{{{stanzas.TLS}}}starttls") is None:
            raise refused(
                "tls-not-offered", "the server does not offer STARTTLS, so nothing secret is said to it"
            )
        self.bytes.send(f"<starttls xmlns='{stanzas.TLS}'/>".encode())
        answer = self._next()
        if answer.tag != f"{{{stanzas.TLS}}}proceed":
            raise refused("tls-not-offered", f"the answer to STARTTLS is '{stanzas.local(answer.tag)}'")
        if self.reader.ahead:
            raise refused("tls", "something came unencrypted after the server agreed to TLS")
        self.bytes.secure(self._login.endpoint, name)
        self._features = self._open()

    @property
    def nobody(self) -> bool:
        """The session does not speak for the account of its login."""
        return self.names.user != self._login.credential.user or not self.address

    @property
    def anonymous(self) -> bool:
        """The server lets in who says nothing of themselves."""
        return "ANONYMOUS" in self._mechanisms

    def authenticate(self, *, identify: bool) -> None:
        """Shows the credential, or none at all."""
        mechanism = self._mechanism() if identify else sasl.MECHANISMS["ANONYMOUS"]("ANONYMOUS", {}, {})
        first = mechanism.process()
        shown = b64encode(first).decode() if first else "="
        self.asked = True
        self.bytes.send(f"<auth xmlns='{stanzas.SASL}' mechanism='{mechanism.name}'>{shown}</auth>".encode())
        while True:
            answer = self._next()
            data = b64decode(answer.text or "")
            if answer.tag == f"{_SASL}failure":
                word, text = stanzas.condition_of(answer, "not-authorized")
                raise refused(word, text or f"the server refused {mechanism.name}")
            try:
                if answer.tag == f"{_SASL}success":
                    if data:
                        mechanism.process(data)
                    break
                reply = b64encode(mechanism.process(data) or b"").decode()
            except (sasl.SASLCancelled, sasl.SASLFailed, KeyError, ValueError) as error:
                raise LoginRefused(
                    Outcome(Completion.INFO, "server-not-authentic", f"{mechanism.name}: {error!r}")
                ) from None
            self.bytes.send(f"<response xmlns='{stanzas.SASL}'>{reply}</response>".encode())
        if isinstance(mechanism, SCRAM) and not mechanism._mutual_auth:
            raise LoginRefused(
                Outcome(
                    Completion.INFO,
                    "server-not-authentic",
                    "the server did not prove that it knows the account",
                )
            )
        self._features = self._open()

    def bind(self) -> None:
        """Takes the device's name as resource, and turns on whatever the server has of what a device uses."""
        resource = f"<resource>{escape(self._login.device)}</resource>"
        answer = self._ask("set", "bind", f"<bind xmlns='{stanzas.BIND}'>{resource}</bind>")
        jid = answer.find(f"{{{stanzas.BIND}}}bind/{{{stanzas.BIND}}}jid")
        self.address = "" if jid is None else jid.text or ""
        self.names = Names(self.address.partition("@")[0] or self.names.user, self.names.domain)
        if self._features.find(f"{{{stanzas.SM}}}sm") is not None:
            # Without resumption: when the connection ends the server must do at once what it does with messages
            # that were not acknowledged.
            self.bytes.send(f"<enable xmlns='{stanzas.SM}'/>".encode())
            self.managed = self._next().tag == f"{{{stanzas.SM}}}enabled"

    def greet(self, first: bytes) -> None:
        """Writes what a device says first, and keeps everything up to the answer to its last question.

        If the server asks meanwhile what was handled it is told so here, and asked back: a login ends with the server's
        word, and whatever is written after it is the caller's own.
        """
        self.bytes.send(first)
        if stanzas.REQUEST in self._keep_until(stanzas.IQ, stanzas.READY):
            self.early = [element for element in self.early if element.tag != stanzas.REQUEST]
            tags = [element.tag for element in self.early]
            self.told = tags.index(stanzas.MESSAGE) if stanzas.MESSAGE in tags else len(tags)
            self.bytes.send(stanzas.answer(self.told) + stanzas.request())
            self._keep_until(stanzas.ACK, None)

    def _keep_until(self, tag: str, number: str | None) -> set[str]:
        seen: set[str] = set()
        while True:
            element = self._next()
            seen.add(element.tag)
            self.early.append(element)
            if element.tag == tag and element.get("id") == number:
                return seen

    # -- inside ----------------------------------------------------------------------------------------------

    def _open(self) -> Element:
        self.reader.restart()
        self.bytes.send(stanzas.header(self.names.domain))
        features = self._next()
        if features.tag != _FEATURES:
            raise refused("no-features", f"the stream begins with '{stanzas.local(features.tag)}'")
        return features

    def _next(self) -> Element:
        element = self.reader.read()
        if element is None:
            raise refused("closed", "the server closed the stream instead of an answer")
        if element.tag == stanzas.STREAM_ERROR:
            word, text = stanzas.condition_of(element)
            raise refused(word, text or "the server ended the stream")
        return element

    def _ask(self, kind: str, number: str, payload: str) -> Element:
        self.bytes.send(stanzas.iq(kind, number, payload))
        while True:
            answer = self._next()
            if answer.tag == stanzas.IQ and answer.get("id") == number:
                if answer.get("type") == "error":
                    word, text = stanzas.error_of(answer)
                    raise refused(word, text or f"the server refused to {number}")
                return answer

    @property
    def _mechanisms(self) -> set[str]:
        return {one.text or "" for one in self._features.iterfind(f"{_SASL}mechanisms/{_SASL}mechanism")}

    def _mechanism(self) -> Any:
        credential, offered = self._login.credential, self._mechanisms
        values: dict[str, Any] = {"username": credential.user, "password": credential.password, "authzid": ""}
        if credential.token:
            # A JWT stands in the place of a password (so ejabberd has it), any other token is one of OAuth.
            wished = ("PLAIN", "X-OAUTH2") if credential.token.count(".") == 2 else ("X-OAUTH2", "PLAIN")
            usable = set([one for one in wished if one in offered][:1])
            values |= {"access_token": credential.token, "password": credential.token}
        else:
            usable = {one for one in offered if one.startswith("SCRAM-") and not one.endswith("-PLUS")}
            usable = usable or ({"PLAIN"} & offered)
        security = {
            "encrypted": True,
            "encrypted_plain": True,
            "tls_version": None,
            "binding_proposed": any(one.endswith("-PLUS") for one in offered),
        }
        try:
            mechanism = sasl.choose(
                offered,
                lambda needed, wished: {name: values[name] for name in {*needed, *wished} if name in values},
                lambda wanted: {name: security.get(name, False) for name in wanted},
                limit=usable,
            )
        except (sasl.SASLNoAppropriateMechanism, ValueError) as error:
            raise refused(
                "no-mechanism",
                f"the server offers {sorted(offered)}, and none of them can be used ({error!r})",
            ) from None
        return mechanism


def refused(code: str, text: str) -> LoginRefused:
    """A login that the server refused for good."""
    return LoginRefused(Outcome(Completion.FAIL, code, text))
