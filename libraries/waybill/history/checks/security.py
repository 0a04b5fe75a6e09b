"""What took effect and must not have: without a valid credential, or over a bad transport."""

from __future__ import annotations
