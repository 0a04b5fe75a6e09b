"""One HTTP request that a target file describes, and its answer."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

DEADLINE: Final = 10.0
"""Seconds for one request."""

MOST_BYTES: Final = 1_048_576


def exchange(
    method: str,
    url: str,
    body: str,
    headers: Mapping[str, str],
    *,
    tls: ssl.SSLContext,
    seconds: float = DEADLINE,
) -> tuple[int, str]:
    """The status and the body of the answer to a request, on a connection of its own.

    Redirections are answers like others: nothing is followed.

    Raises:
        OSError: No answer.
        http.client.HTTPException: No answer that is HTTP.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection = (
        http.client.HTTPSConnection(host, parts.port, timeout=seconds, context=tls)
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, parts.port, timeout=seconds)
    )
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    try:
        connection.request(method, path, body.encode(), dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read(MOST_BYTES).decode(errors="replace").strip()
    finally:
        connection.close()
