"""A picture of the moments around a finding: one lane for each device, as a static SVG."""

from __future__ import annotations
