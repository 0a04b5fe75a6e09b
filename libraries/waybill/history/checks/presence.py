"""Presence that contradicts the sessions of a user for longer than promised."""

from __future__ import annotations
