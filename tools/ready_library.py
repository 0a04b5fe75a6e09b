"""Puts a ready-built library into a wheel, and names the platform that it is for, if `tools/wheels.py` asks for it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ReadyLibrary(BuildHookInterface[Any]):
    """The hook; without WAYBILL_READY_LIBRARY and WAYBILL_WHEEL_TAG in the environment it does nothing."""

    PLUGIN_NAME = "ready-library"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the library to the wheel."""
        library = os.environ.get("WAYBILL_READY_LIBRARY")
        if not library:
            return
        build_data["pure_python"] = False
        build_data["tag"] = os.environ["WAYBILL_WHEEL_TAG"]
        build_data["force_include"][library] = f"waybill/interposer/ready/{Path(library).name}"
