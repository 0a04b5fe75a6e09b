"""What an administrator does at the server under test: revoking, rotating, ending sessions, making rules."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

from waybill.drivers.base import Outcome
from waybill.history.events import Completion
from waybill.targets.errors import MeansFailed, MeansMissing, TargetError
from waybill.targets.http_exchange import exchange
from waybill.targets.model import AdministrationRequest
from waybill.targets.templates import fill

SECONDS: Final = 15.0
"""For one request or command: a confirmation may wait until every node enforces what was asked."""

_SHOWN: Final = 300
_REFUSED: Final = {401: "unauthenticated", 403: "forbidden"}


class AdministrationFailed(MeansFailed):
    """A request of administration had no answer, or one that is neither done nor refused."""


class Administration:
    """The administration of one target, as its target file describes it.

    Args:
        requests: What to ask, by operation.
        values: The placeholders of the launch.
        authority: The certificate authority to trust (a PEM file); None for the system's own.
        administrator: Gives the access token of an administrator; empty where requests need none.
        where: The target file, for error messages.
        done: Called after everything that was done, or may have been, with the operation, what it was about, and
            whether it is known to be done.
    """

    def __init__(
        self,
        requests: Mapping[str, AdministrationRequest],
        values: Mapping[str, str],
        authority: Path | None,
        administrator: Callable[[], str],
        where: str,
        done: Callable[[str, Mapping[str, str], bool], None] = lambda _, __, ___: None,
    ) -> None:
        self._requests = dict(requests)
        self._values = dict(values)
        self._tls = ssl.create_default_context(cafile=str(authority) if authority else None)
        self._administrator = administrator
        self._where = where
        self._done = done

    @property
    def known(self) -> Collection[str]:
        """The operations that the target file tells how to do."""
        return tuple(self._requests)

    @property
    def operations(self) -> Collection[str]:
        """Those of `known` that the server decides on by the token of who asks."""
        return tuple(name for name, request in self._requests.items() if request.wants_token)

    def do(self, operation: str, **values: str) -> Outcome:
        """Does something as an administrator.

        Raises:
            MeansMissing: The target file does not tell how.
            AdministrationFailed: It was not done.
        """
        request = self._request(operation)
        token = self._administrator() if request.wants_token else ""
        outcome = self.ask(operation, token, values)
        if outcome.completion is Completion.INFO:
            raise self._failed(operation, outcome.text)
        if outcome.completion is not Completion.OK:
            raise AdministrationFailed(
                f"{operation} was refused to an administrator: {outcome.code} {outcome.text}".rstrip()
                + f". The request is [administration.{operation}] in {self._where}."
            )
        return outcome

    def ask(self, operation: str, token: str, values: Mapping[str, str]) -> Outcome:
        """Makes one request with a token, whosever it is.

        Args:
            operation: Which one.
            token: What the caller shows; empty for a request without a token.
            values: What it is about, by the names of the placeholders.

        Returns:
            OK when it was done, with the parsed answer in `values["body"]`; FAIL when it was refused (401 or 403); INFO
            for any other answer, after which nobody knows.

        Raises:
            MeansMissing: The target file does not tell how.
            AdministrationFailed: There was no answer.
        """
        request = self._request(operation)
        if request.command:
            return self._run(operation, request, values)
        url = self._fill(
            operation, request.url, {name: quote(value, safe="") for name, value in values.items()}
        )
        body = self._fill(
            operation, request.body, {name: json.dumps(value)[1:-1] for name, value in values.items()}
        )
        headers = {"Content-Type": "application/json"}
        for name, text in request.headers.items():
            if "{token}" not in text or token:
                headers[name] = self._fill(operation, text, {**values, "token": token})
        told = f"{request.method} {url}"
        try:
            status, answer = exchange(request.method, url, body, headers, tls=self._tls, seconds=SECONDS)
        except (OSError, http.client.HTTPException) as error:
            raise self._failed(operation, f"{told} gave no answer: {error or type(error).__name__}") from None
        if status in _REFUSED:
            return Outcome(Completion.FAIL, _REFUSED[status], answer[:_SHOWN])
        if status not in request.accept:
            said = f"{told} gave status {status} and the answer '{answer[:_SHOWN]}'"
            self._done(operation, values, False)
            return Outcome(Completion.INFO, f"status-{status}", said)
        self._done(operation, values, True)
        return Outcome(Completion.OK, values={"body": _parsed(answer)})

    def _run(self, operation: str, request: AdministrationRequest, values: Mapping[str, str]) -> Outcome:
        command = [self._fill(operation, part, values) for part in request.command]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        except OSError as error:
            raise self._failed(operation, f"{command[0]} cannot be run: {error.strerror}") from None
        except subprocess.TimeoutExpired:
            raise self._failed(operation, f"{command[0]} still runs after {SECONDS:g} s") from None
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().partition("\n")[0]
            raise self._failed(operation, f"{command[0]} ended with status {done.returncode}: {said}")
        self._done(operation, values, True)
        return Outcome(Completion.OK, values={"body": _parsed(done.stdout.strip())})

    def _request(self, operation: str) -> AdministrationRequest:
        if operation not in self._requests:
            raise MeansMissing(
                f"There are no means for {operation}: {self._where} has no [administration.{operation}]. Add the "
                f"request or the command; until then what depends on it stays UNPROVEN."
            )
        return self._requests[operation]

    def _fill(self, operation: str, text: str, values: Mapping[str, str]) -> str:
        try:
            return fill(text, {**self._values, **values}, f"{self._where}: administration.{operation}")
        except TargetError as error:
            raise AdministrationFailed(str(error)) from None

    def _failed(self, operation: str, what: str) -> AdministrationFailed:
        return AdministrationFailed(f"{what}. The request is [administration.{operation}] in {self._where}.")


def _parsed(answer: str) -> object:
    try:
        return json.loads(answer)
    except ValueError:
        return answer
