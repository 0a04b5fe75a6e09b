"""Operations that never ended, and histories that prove nothing."""

from __future__ import annotations
