"""Reading `[users]`: where the accounts of a target come from."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from waybill.targets.model import AccountRequest, Users
from waybill.targets.toml_table import Table

FORMATS: Final = ("jsonl-sha256", "mosquitto", "plain")
ACCEPTED: Final = (200, 201, 204)
ROLES: Final = ("moderator", "admin")
LAUNCHED_ONLY: Final = ("pool", "format", "command", "request")


def read_users(table: Table, launched: bool, *, named_elsewhere: bool = False) -> Users:
    """The table `[users]` of a target that is launched, or of one that runs already.

    Args:
        table: The table.
        launched: Whether the kit launches the target.
        named_elsewhere: The file of tokens names the accounts, so that they need not be listed here.

    Raises:
        TargetFileError: It says something that is not allowed.
    """
    users = _launched(table) if launched else _running(table, named_elsewhere)
    table.finish()
    return users


def _running(table: Table, named_elsewhere: bool) -> Users:
    for key in LAUNCHED_ONLY:
        if key in table:
            raise table.error(
                key, "accounts are made for a launched target only; a running one lists them in 'file'."
            )
    default = "" if named_elsewhere else None
    return Users(
        table.text("file", "the file that lists the accounts (lines user:password)", default),
        roles=_roles(table, lambda roles, role: roles.text(role, "a file with lines user:password")),
    )


def _launched(table: Table) -> Users:
    pool = table.number("pool", 2, 100_000, 160)
    request = _request(table.table("request")) if "request" in table else None
    wants_file = request is None or "file" in table or "format" in table
    file = table.text("file", "the file that the accounts are written to") if wants_file else ""
    form = table.choice("format", FORMATS) if wants_file else ""
    roles = _roles(table, lambda roles, role: roles.number(role, 1, 1000))
    if roles and form != "jsonl-sha256":
        raise table.error("roles", "only the format 'jsonl-sha256' tells the server who has a role.")
    return Users(
        file,
        pool,
        form,
        command=table.texts("command", "a list of a program and its arguments", ()),
        request=request,
        roles=roles,
    )


def _roles(table: Table, read: Callable[[Table, str], int | str]) -> dict[str, int | str]:
    """The accounts with more rights than those of the pool: how many of them are made, or the file that lists them."""
    if "roles" not in table:
        return {}
    roles = table.table("roles")
    found = {role: read(roles, role) for role in ROLES if role in roles}
    roles.finish()
    return found


def _request(table: Table) -> AccountRequest:
    request = AccountRequest(
        url=table.text("url", "an address such as 'https://{address}:{node.port.http}/register'"),
        method=table.text("method", "an HTTP method such as 'POST'", "POST"),
        body=table.text("body", "what the request carries, with {user} and {password}", ""),
        headers=table.named_texts("headers"),
        accept=table.numbers("accept", 100, 599, ACCEPTED),
    )
    if not re.match(r"https?://[^/]", request.url):
        raise table.error("url", f"expected http:// or https:// with host and port, found '{request.url}'.")
    if not re.fullmatch(r"[A-Z]+", request.method):
        raise table.error("method", f"expected an HTTP method such as 'POST', found '{request.method}'.")
    if not any("{user}" in text for text in (request.url, request.body)):
        raise table.error("", "it names no account; expected {user}, and {password}, in 'url' or 'body'.")
    table.finish()
    return request
