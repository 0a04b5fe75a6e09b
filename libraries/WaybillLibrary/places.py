"""Names of folders."""

from __future__ import annotations

import hashlib
import re

LONGEST = 60


def slug(name: str) -> str:
    """A folder name for a suite or a scenario: readable, short, and different for different names."""
    text = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if len(text) <= LONGEST:
        return text
    return f"{text[:LONGEST].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
