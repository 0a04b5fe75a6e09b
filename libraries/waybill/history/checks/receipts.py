"""Receipts: what was reported as given or read before any device held it, and markers that go back or differ."""

from __future__ import annotations
