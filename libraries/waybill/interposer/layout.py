"""Where things stand in the table and in the undo log; the other half of `source/table.h`."""

from __future__ import annotations

import struct
from typing import Final

MAGIC: Final = 0x31544C5541465742
VERSION: Final = 1

ARMED: Final = 16
POWER: Final = 24
OVERFLOW: Final = 28
ATTACHED: Final = 32
CLOCK: Final = 40
"""Three signed numbers of 8 bytes: the offset, the additional rate and the anchor of the changed clock."""
CLOCK_GENERATION: Final = 64
CLOCK_READS: Final = 72
UNDO_USED: Final = 80
UNDO_LIVE: Final = 88
UNDO_SEQUENCE: Final = 96
UNDO_CAPACITY: Final = 104
KEPT: Final = 112
DURABLE: Final = 120
CLOCK_TOLD: Final = 128

WATCHED: Final = 512
UNDO: Final = 1536
TRASH: Final = 2560
PATH_SIZE: Final = 1024

RULES: Final = 4096
RULE_SIZE: Final = 512
RULE_COUNT: Final = 16
RULE: Final = struct.Struct("=IIIiQQQQ16x448s")
"""armed, operations, action, number, from, to, matched, acted, path."""
RULE_MATCHED: Final = 32
RULE_ACTED: Final = 40

TABLE_SIZE: Final = RULES + RULE_COUNT * RULE_SIZE

ENTRY: Final = struct.Struct("=QQIIQQQQQQQQ")
"""length, sequence, kind, valid, device, inode, device and inode of the folder, offset, old size, size, spared as."""
WRITTEN: Final = 1
CREATED: Final = 2
UNLINKED: Final = 3
RENAMED: Final = 4
MADE_DIRECTORY: Final = 5
REMOVED_DIRECTORY: Final = 6
