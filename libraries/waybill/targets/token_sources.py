"""Reading `[tokens]`, and making the source of tokens that it describes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from waybill.targets.errors import TargetError
from waybill.targets.model import TargetFile, Tokens
from waybill.targets.programs import program
from waybill.targets.templates import fill
from waybill.targets.toml_table import Table
from waybill.tokens.from_command import CommandTokens
from waybill.tokens.from_file import IssuedTokens
from waybill.tokens.obtain import TokenClient, TokenError
from waybill.tokens.sources import ClientCredentials, TokenSource

PASSWORD_GRANT: Final = "oauth2-password"
CLIENT_GRANT: Final = "oauth2-client-credentials"
METHODS: Final = ("command", "file", "none", CLIENT_GRANT, PASSWORD_GRANT, "password")

_WHOM: Final = {"user": "{user}", "device": "{device}", "password": "{password}"}
"""What the source itself fills in, for each token."""


def read_tokens(table: Table, launched: bool) -> Tokens:
    """The table `[tokens]`.

    Raises:
        TargetFileError: It says something that is not allowed.
    """
    method = table.choice("method", METHODS)
    match method:
        case "oauth2-password" | "oauth2-client-credentials":
            tokens = _oauth(table, method)
        case "command":
            tokens = Tokens(
                method,
                command=table.texts("command", "a list of the program that prints a token and its arguments"),
                deadline=table.seconds("deadline", "10s"),
            )
            if not any("{user}" in part for part in tokens.command):
                raise table.error("command", "it names no account; expected {user} among its arguments.")
        case "file":
            if launched:
                raise table.error(
                    "method", "tokens that were given out before are for a target that runs already."
                )
            tokens = Tokens(method, file=table.text("file", "the file with the tokens"))
        case _:
            tokens = Tokens(method)
    table.finish()
    return tokens


def _oauth(table: Table, method: str) -> Tokens:
    of_client = method == CLIENT_GRANT
    tokens = Tokens(
        method,
        issuer=table.text("issuer", "the address of the issuer, https://HOST:PORT"),
        client=table.text("client", "the OAuth client id", "{user}" if of_client else ""),
        secret=table.text("secret", "the secret of the OAuth client", "{password}") if of_client else "",
        scope=table.text("scope", "the OAuth scope", ""),
        authority=table.text("authority", "a PEM file", ""),
        parameters=table.named_texts("parameters"),
        odd=table.value("odd", bool, "true or false", False),
        refresh_scope="" if of_client else table.text("refresh_scope", "the scope of refresh tokens", ""),
        bound=table.text("bound", "the parameter that takes a device's public key", ""),
        one_time=table.named_texts("one_time"),
    )
    if not tokens.issuer.startswith("https://"):
        raise table.error("issuer", f"expected an https:// address, found '{tokens.issuer}'.")
    if of_client and not any("{user}" in text for text in (tokens.client, *tokens.parameters.values())):
        raise table.error(
            "client",
            "every account would get the same token; expected {user} in 'client' or in 'parameters'.",
        )
    return tokens


def make_source(target: TargetFile, values: Mapping[str, str], authority: Path | None) -> TokenSource | None:
    """Where the tokens of a target come from; None where its devices show passwords or nothing.

    Args:
        target: The target file.
        values: The placeholders of the launch.
        authority: The certificate authority that its issuer is trusted by (a PEM file); None for the system's own.

    Raises:
        TargetError: A placeholder is not known, a program is not installed, or the tokens of a file are of no use.
    """
    tokens, where = target.tokens, f"{target.path.name}: tokens"

    def filled(key: str, text: str) -> str:
        return fill(text, {**values, **_WHOM}, f"{where}.{key}")

    match tokens.method:
        case "oauth2-password" | "oauth2-client-credentials":
            client = TokenClient(
                filled("issuer", tokens.issuer),
                authority=authority,
                client=filled("client", tokens.client),
                scope=f"{tokens.scope} {tokens.refresh_scope}".strip(),
                parameters={
                    name: filled(f"parameters.{name}", text) for name, text in tokens.parameters.items()
                },
            )
            if tokens.method == PASSWORD_GRANT:
                return client
            return ClientCredentials(client, filled("client", tokens.client), filled("secret", tokens.secret))
        case "command":
            command = [filled("command", part) for part in tokens.command]
            found = program(command[0])
            if found is None:
                raise TargetError(f"{where}.command: the program '{command[0]}' is not installed.")
            return CommandTokens([found, *command[1:]], target.path.resolve().parent, tokens.deadline, where)
        case "file":
            try:
                return IssuedTokens((target.path.parent / tokens.file).resolve())
            except TokenError as error:
                raise TargetError(f"{where}.file: {error}") from None
        case _:
            return None
