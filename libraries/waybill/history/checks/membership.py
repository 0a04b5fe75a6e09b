"""Who was given what around joins and removals: leaked to former members, withheld from new ones."""

from __future__ import annotations
