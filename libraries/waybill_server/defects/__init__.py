"""Seeded defects: ways to break a node on purpose, so that the tests can be tested.

Each is a class that takes the place of one part of the node, at a seam that the node has anyway (`node.assemble`). A
node without `--defect` imports nothing of this package. What chance decides in a real server is counted here: the
hundredth message is always the one that suffers, so a defect does the same in every run.

`Defect.noticed` says which guarantees must notice, and as what.
"""

from __future__ import annotations

from waybill_server.defects.registry import Defect, UnknownDefect, every, find, rare_forms

__all__ = ["Defect", "UnknownDefect", "every", "find", "rare_forms"]
