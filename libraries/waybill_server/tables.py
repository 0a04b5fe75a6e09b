"""The tables of each schema, and their names.

A release works with one schema. Whoever adds a table to the newest one adds its text to `ADDED_BY_2`, and the migration
makes it as well.
"""

from __future__ import annotations

import re

from waybill_server import expiries, revocations, used_tokens

NEWEST_SCHEMA = 2

MESSAGES = """
CREATE TABLE message (
    number INTEGER PRIMARY KEY,
    conversation TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    sender TEXT NOT NULL,
    device TEXT NOT NULL,
    key TEXT NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (conversation, sequence),
    UNIQUE (sender, key)
) STRICT;
"""

LOG_OF_1 = """
CREATE TABLE log (
    user TEXT NOT NULL,
    position INTEGER NOT NULL,
    message INTEGER NOT NULL,
    PRIMARY KEY (user, position)
) STRICT, WITHOUT ROWID;
"""

LOG_OF_2 = """
CREATE TABLE log (
    user TEXT NOT NULL,
    position INTEGER NOT NULL,
    message INTEGER NOT NULL,
    received INTEGER NOT NULL,
    PRIMARY KEY (user, position)
) STRICT, WITHOUT ROWID;
"""
"""`received` counts the entries from others up to here, so that nobody counts them again at every login."""

STATE = f"""
CREATE TABLE device (
    user TEXT NOT NULL,
    device TEXT NOT NULL,
    cursor INTEGER NOT NULL,
    PRIMARY KEY (user, device)
) STRICT, WITHOUT ROWID;
CREATE TABLE marker (
    conversation TEXT NOT NULL,
    user TEXT NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0,
    read INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (conversation, user)
) STRICT, WITHOUT ROWID;
CREATE TABLE presence (
    user TEXT PRIMARY KEY,
    seen INTEGER NOT NULL,
    online INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE conversation (
    conversation TEXT PRIMARY KEY,
    name TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE member (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation TEXT NOT NULL,
    user TEXT NOT NULL,
    UNIQUE (conversation, user)
) STRICT;
{revocations.TABLE}"""

PERMISSIONS = """
CREATE TABLE block (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    user TEXT NOT NULL,
    other TEXT NOT NULL,
    UNIQUE (user, other)
) STRICT;
CREATE TABLE rule (
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    allowed INTEGER NOT NULL,
    PRIMARY KEY (sender, recipient)
) STRICT, WITHOUT ROWID;
"""

ADDED_BY_2 = f"{PERMISSIONS}{used_tokens.TABLE}{expiries.TABLE}"
"""What schema 2 has and schema 1 has not at all."""

TABLES = {1: f"{MESSAGES}{LOG_OF_1}{STATE}", 2: f"{MESSAGES}{LOG_OF_2}{STATE}{ADDED_BY_2}"}
"""What makes a database of each schema."""


def table_names(schema: int) -> frozenset[str]:
    """The tables that a database of this schema must have; it may have others."""
    return frozenset(re.findall(r"CREATE TABLE (\w+)", TABLES[schema]))


def statements(text: str) -> list[str]:
    """The single statements of a text."""
    return [one.strip() for one in text.split(";") if one.strip()]
