"""Targets: the target file, launching its processes, and the running target that scenarios use.

`find_target("reference")` reads a target file, `launch(file, folder)` starts it (or connects to one that runs
already) and gives a `RunningTarget`.
"""

from waybill.targets.absent import AbsentTarget
from waybill.targets.accounts import Account
from waybill.targets.errors import (
    LaunchError,
    MeansFailed,
    MeansMissing,
    NodesMissing,
    PoolExhausted,
    TargetError,
    TargetFileError,
)
from waybill.targets.find import AvailableTarget, available_targets, find_target, several_nodes
from waybill.targets.launch import launch
from waybill.targets.model import TargetFile, Variant, Waiver
from waybill.targets.running import RunningTarget
from waybill.targets.target_file import read_target

__all__ = [
    "AbsentTarget",
    "Account",
    "AvailableTarget",
    "LaunchError",
    "MeansFailed",
    "MeansMissing",
    "NodesMissing",
    "PoolExhausted",
    "RunningTarget",
    "TargetError",
    "TargetFile",
    "TargetFileError",
    "Variant",
    "Waiver",
    "available_targets",
    "find_target",
    "launch",
    "read_target",
    "several_nodes",
]
