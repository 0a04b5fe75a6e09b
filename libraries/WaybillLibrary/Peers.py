"""Keywords for the interface that nodes have for each other."""

from __future__ import annotations

from robot.api import logger
from robot.api.deco import keyword, library

from waybill.targets import MeansFailed
from waybill.tls.peer_intrusions import Intruder, LetIn, greet_as_node, intrude
from waybill.version import __version__
from WaybillLibrary import stage


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Peers:
    """Tries to get in where only nodes may. The target file must tell of that interface (`[peers]`)."""

    @keyword
    def intrude_between_nodes(self) -> None:
        """Says to be another node, with every certificate that must not do, and without any; each must be refused.

        First the same is said with a good certificate and must be answered, else a refusal would show nothing. Each
        intruder says at once what a node says and something more, which must have no effect: `Check History` judges
        what came of it. A connection that the node does not end counts as let in.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup    Start Target    reference    many_nodes=True

        *** Test Cases ***
        Only nodes get in
            Connect People    alice and bob
            Intrude Between Nodes
            Send Messages    alice    bob    count=10
            Check History
        ```
        """
        interface, recorder = stage.target().peer_interface, stage.scenario().recorder
        folder = stage.target().folder / "intruders"
        try:
            answer = greet_as_node(interface, folder / "node")
        except OSError as error:
            raise MeansFailed(
                f"A good certificate and the hello of [peers] got no answer: {error}."
            ) from None
        if not answer:
            raise MeansFailed("A good certificate and the hello of [peers] got no answer: the node hung up.")
        let_in = []
        for intruder in Intruder:
            fault = recorder.fault_start("intrusion", interface.node, shown=intruder.value)
            try:
                how = intrude(interface, intruder, folder)
            except LetIn as error:
                let_in.append(f"{intruder.value} ({error})")
            else:
                recorder.fault_observed(fault, f"{interface.node} refused {how}")
                logger.info(f"{intruder.value}: refused {how}")
            recorder.fault_end(fault)
        if let_in:
            raise AssertionError(
                f"Expected every intruder at the interface of {interface.node} for nodes to be refused; it let in "
                f"whoever shows {'; '.join(let_in)}."
            )
