"""The server's log: one JSON object per line on stderr.

Everything is escaped to ASCII, so no value can start a line of its own or move a terminal. Tokens, passwords and
bodies are never passed to it.
"""

from __future__ import annotations

import json
import sys
import time


def log(event: str, **fields: object) -> None:
    """Writes one line."""
    line = {"time": round(time.time(), 3), "event": event, **fields}
    sys.stderr.write(json.dumps(line, default=str) + "\n")
    sys.stderr.flush()
