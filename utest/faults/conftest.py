"""The scripted server and its target, for faults of what devices do."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent / name) for name in ("devices", "drivers", "targets")]
