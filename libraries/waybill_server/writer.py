"""Group commit: one thread, one transaction for whatever is waiting.

A request is answered only after the COMMIT that holds it returned. When a transaction fails, each of its requests is
tried again in one of its own, so that one request's trouble is not another's. A failure before COMMIT is definite: it
was rolled back. A failed COMMIT is not: its pages may be on the disk, and a crash before they are overwritten would
bring them back.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from itertools import groupby

from waybill_server.groups import change_group
from waybill_server.ledger import Ledger
from waybill_server.limits import RETRY_AFTER_MS, Limits
from waybill_server.logs import log
from waybill_server.records import (
    NOT_ADMITTED,
    AckRequest,
    BlockRequest,
    EndRequest,
    ExpireRequest,
    GroupRequest,
    LoginRequest,
    ReadRequest,
    Refusal,
    Request,
    Result,
    RevokeRequest,
    RuleRequest,
    SeenRequest,
    SendRequest,
)

LARGEST_GROUP = 512
"""Requests in one transaction; more only add to the wait of the first."""

Answers = list[tuple[Request, Result]]


class CommitFailed(Exception):
    """COMMIT itself failed: whether the transaction survives a crash is unknown."""


class Writer:
    """The writer thread.

    Args:
        ledger: The state; its connection belongs to this thread from `start` to `stop`.
        limits: The bounds.
        answer: Gets the answers of a group in the order of the requests, in the writer's thread.
    """

    def __init__(self, ledger: Ledger, limits: Limits, answer: Callable[[Answers], None]) -> None:
        self._ledger = ledger
        self._limits = limits
        self._answer = answer
        self._queue: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def submit(self, request: Request) -> None:
        """Queues a request. Those of one caller take effect in the order of the calls."""
        self._queue.put(request)

    def stop(self) -> None:
        """Commits and answers what is queued, then ends the thread."""
        self._queue.put(None)
        self._thread.join()

    def decide(self, group: Sequence[Request]) -> Answers:
        """Commits requests, together if it can be; gives their answers in their order. Called in one thread only."""
        try:
            return self._commit(group)
        except Exception as error:
            committing = isinstance(error, CommitFailed)
            cause = error.__cause__ if committing else error
            log(
                "storage-failed",
                requests=len(group),
                commit=committing,
                error=f"{type(cause).__name__}: {cause}",
            )
            self._roll_back()
            if len(group) == 1:
                text = "the disk refused the write" + (
                    " at its commit" if committing else "; nothing was stored"
                )
                return [
                    (group[0], Refusal("storage", text, definite=not committing, retry_after=RETRY_AFTER_MS))
                ]
        return [answer for request in group for answer in self.decide([request])]

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            group = [first]
            last = False
            while len(group) < LARGEST_GROUP:
                try:
                    request = self._queue.get_nowait()
                except queue.Empty:
                    break
                if request is None:
                    last = True
                    break
                group.append(request)
            self._answer(self.decide(group))
            self._ledger.trim()
            if last:
                return

    def _commit(self, group: Sequence[Request]) -> Answers:
        self._ledger.connection.execute("BEGIN IMMEDIATE")
        answers = self._apply_all(group)
        self._persist()
        return answers

    def _apply_all(self, group: Sequence[Request]) -> Answers:
        answers: Answers = []
        for sends, requests in groupby(group, _is_send):
            if sends:
                batch = [request for request in requests if isinstance(request, SendRequest)]
                answers.extend(zip(batch, self._send(batch), strict=True))
            else:
                answers.extend((request, self._apply(request)) for request in requests)
        return answers

    def _persist(self) -> None:
        try:
            self._ledger.connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise CommitFailed from error

    def _send(self, batch: Sequence[SendRequest]) -> Sequence[Result]:
        admitted = [request for request in batch if self._ledger.admits(request)]
        verdicts = self._ledger.send(admitted)
        if len(admitted) == len(batch):
            return verdicts
        given = dict(zip(map(id, admitted), verdicts, strict=True))
        return [given.get(id(request), NOT_ADMITTED) for request in batch]

    def _apply(self, request: Request) -> Result:
        if not self._ledger.admits(request):
            return NOT_ADMITTED
        result: Result = None
        match request:
            case AckRequest():
                result = self._ledger.acknowledge(request)
            case ReadRequest():
                result = self._ledger.read(request)
            case LoginRequest():
                result = self._ledger.login(request)
            case SeenRequest():
                self._ledger.seen(request)
            case GroupRequest():
                result = change_group(self._ledger, self._limits, request)
            case BlockRequest():
                result = self._ledger.block(request)
            case RuleRequest():
                self._ledger.rule(request)
            case ExpireRequest():
                result = self._ledger.expire(request)
            case RevokeRequest():
                result = self._ledger.revoke(request)
            case EndRequest():
                self._ledger.end(request)
            case SendRequest():
                result = self._ledger.send([request])[0]
        return result

    def _roll_back(self) -> None:
        self._ledger.forget()
        try:
            if self._ledger.connection.in_transaction:
                self._ledger.connection.execute("ROLLBACK")
            self._ledger.permissions.load()
            self._ledger.revocations.load()
        except sqlite3.Error as error:
            log("rollback-failed", error=str(error))


def _is_send(request: Request) -> bool:
    return isinstance(request, SendRequest)
