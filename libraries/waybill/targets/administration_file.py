"""Reading `[administration]`: how an administrator does things at the server."""

from __future__ import annotations

import re
from typing import Final

from waybill.targets.model import AdministrationRequest
from waybill.targets.toml_table import Table, nearest

OPERATIONS: Final = {
    "revoke_token": "{token_id}, and {user} whose token it is",
    "revoke_device": "{user} and {device}",
    "revoke_user": "{user}",
    "rotate_key": "nothing",
    "list_sessions": "{user}",
    "end_session": "{session}, as list_sessions names it",
    "list_revocations": "nothing",
    "list_links": "{node.address}, {node.port}, {node.port.NAME}: where the node that is asked listens",
    "forbid": "{sender} and {recipient}",
    "allow": "{sender} and {recipient}, whose messages were forbidden",
}
"""What can be asked for, and the placeholders of each (`*` is anybody); `{token}` is the access token of who asks."""

ACCEPTED: Final = (200, 201, 202, 204)


def read_administration(root: Table) -> dict[str, AdministrationRequest]:
    """The operations that a target file tells how to do.

    Raises:
        TargetFileError: It says something that is not allowed.
    """
    found: dict[str, AdministrationRequest] = {}
    for operation, table in root.named_tables("administration").items():
        if operation not in OPERATIONS:
            raise table.error(
                "",
                f"there is no operation '{operation}'{nearest(operation, list(OPERATIONS))} "
                f"(operations: {', '.join(OPERATIONS)}).",
            )
        found[operation] = _command(table) if "command" in table else _request(table)
        table.finish()
    return found


def _command(table: Table) -> AdministrationRequest:
    if "url" in table:
        raise table.error("command", "expected either 'command' or 'url', found both; keep one.")
    return AdministrationRequest(command=table.texts("command", "a list of a program and its arguments"))


def _request(table: Table) -> AdministrationRequest:
    request = AdministrationRequest(
        url=table.text("url", "an address such as 'https://{address}:{node.port.admin}/admin/revocations'"),
        method=table.text("method", "an HTTP method such as 'POST'", "POST"),
        body=table.text("body", "what the request carries", ""),
        headers=table.named_texts("headers"),
        accept=table.numbers("accept", 100, 599, ACCEPTED),
    )
    if not re.match(r"https?://[^/]", request.url):
        raise table.error("url", f"expected http:// or https:// with host and port, found '{request.url}'.")
    if not re.fullmatch(r"[A-Z]+", request.method):
        raise table.error("method", f"expected an HTTP method such as 'POST', found '{request.method}'.")
    return request
