"""A node's interface of administration: HTTPS with JSON, on a port of its own.

Requests come in threads; what they want is done on the event loop. What there is to call, and who may call it, stands
in `ROUTES`.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import ssl
import threading
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from waybill_server.admin_calls import Call, Failed, Operation, Outcome
from waybill_server.admin_operations import end_session, list_links, list_revocations, list_sessions, revoke
from waybill_server.admin_rules import delete_rule, list_rules, put_rule
from waybill_server.enforcement import Enforcement
from waybill_server.https_service import BodyRefused, Exchange, HttpsServer
from waybill_server.issuer_client import IssuerClient
from waybill_server.logs import log
from waybill_server.revocations import Admission
from waybill_server.roles import ADMINS, EVERYBODY, MODERATORS
from waybill_server.services import Services
from waybill_server.token_check import TokenRefused

ANSWER_SECONDS = 30.0
"""How long an operation may take; the issuer, which it may have to ask, is given 5 s."""


class Route(NamedTuple):
    """What may be called, since which release: `{}` in the path stands for one name."""

    method: str
    path: str
    roles: frozenset[str]
    operation: Operation
    since: int = 1


ROUTES = (
    Route("GET", "/admin/sessions", EVERYBODY, list_sessions),  # a user: their own
    Route("DELETE", "/admin/sessions/{}", MODERATORS, end_session),
    Route("GET", "/admin/links", ADMINS, list_links),
    Route("GET", "/admin/rules", ADMINS, list_rules, 2),
    Route("PUT", "/admin/rules", ADMINS, put_rule, 2),
    Route("DELETE", "/admin/rules", ADMINS, delete_rule, 2),
    Route("GET", "/admin/revocations", ADMINS, list_revocations),
    Route("POST", "/admin/revocations", EVERYBODY, revoke),  # a moderator: of users; a user: their own
)
"""Every call, and the roles that may make it; the operation itself decides what a role may do to whom."""


class Administration:
    """The interface of administration of one node.

    Args:
        services: The node.
        issuer: Who is told of revocations.
        address: Where to listen.
        context: The server's side of TLS.

    Attributes:
        port: Where it listens.

    Raises:
        OSError: It cannot listen there.
    """

    def __init__(
        self, services: Services, issuer: IssuerClient, address: tuple[str, int], context: ssl.SSLContext
    ) -> None:
        self._services = services
        self._enforcement: Enforcement = services.enforcement(services)
        self._issuer = issuer
        self._loop = asyncio.get_running_loop()
        self._server = _Server(address, context, _AdminExchange)
        self._server.administration = self
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="administration", daemon=True
        )
        self._thread.start()

    async def stop(self) -> None:
        """Takes no new connection, and closes the port."""
        await asyncio.to_thread(self._server.shutdown)
        self._server.server_close()

    def serve(self, method: str, target: str, token: str, body: bytes) -> Outcome:
        """Answers one request; called in its thread."""
        waiting = asyncio.run_coroutine_threadsafe(self._answer(method, target, token, body), self._loop)
        try:
            return waiting.result(ANSWER_SECONDS)
        except (concurrent.futures.CancelledError, TimeoutError):
            waiting.cancel()
            return Failed(503, "unavailable", f"not done within {ANSWER_SECONDS:g} s").outcome

    async def _answer(self, method: str, target: str, token: str, body: bytes) -> Outcome:
        try:
            return await self._done(method, target, token, body)
        except Failed as failed:
            return failed.outcome
        except Exception as error:
            log("fault", request=f"{method} {target[:100]}", error=f"{type(error).__name__}: {error}")
            return Failed(500, "fault", "a fault of the node itself; its log says more").outcome

    async def _done(self, method: str, target: str, token: str, body: bytes) -> Outcome:
        services = self._services
        try:
            caller = await services.token_check.check(token)
        except TokenRefused:
            raise Failed(401, "unauthenticated") from None
        admission = Admission(caller, caller.device or "")
        # Here is no challenge that could prove a key, and no login that a token for one login could be used for.
        if caller.confirmation is not None or caller.once or services.store.concern(admission):
            raise Failed(401, "unauthenticated")
        path, _, query = target.partition("?")
        route, name = _route(method, path, services.release.number)
        if not route.roles & caller.roles:
            raise Failed(403, "forbidden")
        call = Call(
            services=services,
            enforcement=self._enforcement,
            issuer=self._issuer,
            caller=caller,
            admission=admission,
            token=token,
            name=name,
            query=_query(query),
            body=_body(body),
        )
        return await route.operation(call)


def _route(method: str, path: str, release: int) -> tuple[Route, str]:
    found = False
    for route in ROUTES:
        if route.since > release:
            continue
        fixed, wild, _ = route.path.partition("{}")
        name = path.removeprefix(fixed) if wild else ""
        if path == fixed + name and "/" not in name and bool(wild) == bool(name):
            found = True
            if route.method == method:
                return route, name
    raise Failed(405, "method_not_allowed") if found else Failed(404, "not_found")


def _query(text: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=8)
    except ValueError:
        raise Failed(400, "malformed", "the query cannot be read") from None
    if len(dict(pairs)) != len(pairs):
        raise Failed(400, "malformed", "the query has a name twice")
    return dict(pairs)


def _body(content: bytes) -> Mapping[str, object]:
    if not content:
        return {}
    try:
        document = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Failed(400, "malformed", "the body is no JSON object")
    return document


class _Server(HttpsServer):
    administration: Administration


class _AdminExchange(Exchange):
    """One connection of an administrator."""

    server: _Server

    def serve(self) -> None:
        """Answers one request."""
        try:
            outcome = self.server.administration.serve(self.command, self.path, self.bearer(), self.body())
        except BodyRefused as refused:
            error = "too_large" if refused.status == 413 else "malformed"
            outcome = Failed(refused.status, error, str(refused)).outcome
        headers = dict(self.no_store)
        if outcome.status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="waybill"'
        self.answer(outcome.status, outcome.document, headers)
