"""What an account may be."""

from __future__ import annotations

USER = "user"
MODERATOR = "moderator"
ADMIN = "admin"

ROLES = (USER, MODERATOR, ADMIN)

ADMINS = frozenset({ADMIN})
MODERATORS = frozenset({MODERATOR, ADMIN})
EVERYBODY = frozenset(ROLES)
