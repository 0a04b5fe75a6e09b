"""Anomalies that occur only where two protocol versions meet."""

from __future__ import annotations
