"""A target whose nodes talk to each other and to nobody else, so that partitions can be seen."""

from __future__ import annotations

import sys
from pathlib import Path

from robot.api.deco import keyword, library

from waybill.history import read
from WaybillLibrary import current
from WaybillLibrary.places import run_folder
from WaybillLibrary.Servers import Servers

sys.path.append(str(Path(__file__).parent.parent / "utest" / "targets"))

from chatting_target import chatting_target


@library(scope="GLOBAL", auto_keywords=False)
class Chatting:
    """Starts the target and looks into what its partitions left in the history."""

    @keyword
    def start_chatting_target(self, *nodes: str) -> None:
        """Starts a target of these nodes, with links between them that can be cut."""
        file = run_folder() / "chatting.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(chatting_target(nodes), encoding="utf-8")
        Servers().start_target(str(file), faulty_links=True)

    @keyword
    def partitions_in_history(self) -> list[str]:
        """The shapes of the partitions in the checked history, in order."""
        assert current.case.history is not None
        faults = read(current.case.history).faults
        return [str(fault.details["shape"]) for fault in faults if fault.kind == "partition"]
