"""The tables that a node with peers needs besides its own."""

from __future__ import annotations

TABLES = """
CREATE TABLE IF NOT EXISTS outbox (
    destination TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    record BLOB NOT NULL,
    PRIMARY KEY (destination, number)
) STRICT;
CREATE TABLE IF NOT EXISTS applied (
    origin TEXT PRIMARY KEY,
    store TEXT NOT NULL,
    number INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pending (
    sender TEXT NOT NULL,
    key TEXT NOT NULL,
    device TEXT NOT NULL,
    conversation TEXT NOT NULL,
    body BLOB NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (sender, key)
) STRICT;
CREATE TABLE IF NOT EXISTS unread (
    place INTEGER PRIMARY KEY,
    record BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS store (
    name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
"""
