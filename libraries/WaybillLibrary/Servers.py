"""Keywords that start, stop and kill the server under test."""

from __future__ import annotations

import shutil
from datetime import timedelta

from robot.api import logger
from robot.api.deco import keyword, library
from robot.libraries.BuiltIn import BuiltIn

from waybill.drivers import registry
from waybill.readiness.cases import slug
from waybill.readiness.catalogue import bundled_catalogue
from waybill.readiness.evidence import inexpressible
from waybill.targets import AbsentTarget, MeansMissing, TargetFile, find_target, launch, several_nodes
from waybill.version import __version__
from WaybillLibrary import current, stage
from WaybillLibrary.places import run_folder

START = timedelta(seconds=30)


@library(scope="GLOBAL", version=__version__, doc_format="MARKDOWN", auto_keywords=False)
class Servers:
    """Starts the server under test and does to it what servers must survive.

    A suite file owns one target: `Start Target` in its setup, `Stop Target` in its teardown. A target is described by a
    target file; `waybill targets` lists those in the box. What the keywords do to a node during a scenario is recorded
    as a fault in the scenario's history.
    """

    @keyword
    def start_target(
        self,
        target: str,
        *,
        deadline: timedelta = START,
        faulty_disk: bool = False,
        faulty_clock: bool = False,
        faulty_links: bool = False,
        many_nodes: bool = False,
        small_disk: bool = False,
        faulty_packets: bool = False,
    ) -> None:
        """Starts a target with empty data and waits until it is ready.

        Where the target's protocol has no words for what any of the suite's scenarios is about, nothing is started:
        each of them says so when it begins. The same holds where the suite needs several nodes and there are none.

        Args:
            target: The name of a bundled target file, or the path of one.
            deadline: How long it may take until a real exchange with every node works.
            faulty_disk: Let its disk and its clock be disturbed, and its power fail.
            faulty_clock: The same, for a suite that is about clocks.
            faulty_links: Let the links of its clients, and those between its nodes, be disturbed.
            many_nodes: Start the form of the server that has several nodes: the target itself, or the one that its
                file names with `several_nodes`.
            small_disk: Give each node a disk of its own that can really be full, where this machine lets that be done.
                Its power cannot be lost then.
            faulty_packets: Let packets of its clients be lost as well, where this machine lets that be done; its nodes
                reach each other without links then, and it has no small disks.

        Example:

        ```robotframework
        *** Settings ***
        Suite Setup       Start Target    reference
        Suite Teardown    Stop Target
        ```
        """
        if stage.has_target():
            raise RuntimeError(f"The target {stage.target().name} is running; one suite file has one target.")
        suite = str(BuiltIn().get_variable_value("${SUITE NAME}"))
        folder = run_folder() / "targets" / slug(suite)
        shutil.rmtree(folder, ignore_errors=True)
        file = find_target(target)
        if file.launch is not None and not _has_use_for(file):
            why = f"the driver '{file.driver}' cannot express what any scenario of {suite} is about"
            stage.set_target(AbsentTarget(file, folder, why))
            logger.info(f"{file.name} was not launched: {why}.")
            return
        if many_nodes:
            try:
                file = several_nodes(file)
            except MeansMissing as missing:
                stage.set_target(AbsentTarget(file, folder, missing))
                logger.info(f"{file.name} was not launched: {missing}")
                return
        running = launch(
            file,
            folder,
            deadline=deadline.total_seconds(),
            interposed=faulty_disk or faulty_clock,
            linked=faulty_links,
            small_disk=small_disk,
            packets=faulty_packets,
        )
        stage.set_target(running)
        logger.info(f"{running.name} is ready: {', '.join(running.nodes)}; logs in {folder}")

    @keyword
    def stop_target(self) -> None:
        """Stops everything that was started for the target; nothing happens without one.

        The logs stay in the run's folder.

        Example:

        ```robotframework
        *** Settings ***
        Suite Teardown    Stop Target
        ```
        """
        if not stage.has_target():
            return
        target = stage.target()
        stage.set_target(None)
        target.close()

    @keyword
    def kill_server(self, node: str | None = None, *, moment: str = "between steps") -> None:
        """Kills a node with SIGKILL and waits until its process is gone.

        Args:
            node: The node; by default the target's first one.
            moment: When this happens in the scenario, in words, for the report.

        Example:

        ```robotframework
        *** Test Cases ***
        A killed server comes back
            Kill Server    moment=nobody is online
            Start Server
        ```
        """
        name = stage.node(node)
        stage.faults().kill(name, moment)
        logger.info(f"{name} was killed {moment}")

    @keyword
    def stop_server(self, node: str | None = None, *, moment: str = "between steps") -> None:
        """Asks a node to end, as an operator does (SIGTERM), and waits until its process is gone.

        Args:
            node: The node; by default the target's first one.
            moment: When this happens in the scenario, in words, for the report.

        Example:

        ```robotframework
        *** Test Cases ***
        A stopped server comes back
            Stop Server    moment=nobody is online
            Start Server
        ```
        """
        name = stage.node(node)
        logger.info(f"{name} was stopped {moment} and ended with {stage.faults().stop(name, moment)}")

    @keyword
    def pause_server(self, node: str | None = None, *, moment: str = "between steps") -> None:
        """Lets a node stand still (SIGSTOP), with everything that it is made of.

        Its kernel still takes connections and bytes; nothing is answered until `Resume Server`.

        Args:
            node: The node; by default the target's first one.
            moment: When this happens in the scenario, in words, for the report.

        Example:

        ```robotframework
        *** Test Cases ***
        A server that stood still goes on
            Pause Server
            Resume Server
        ```
        """
        name = stage.node(node)
        stage.faults().pause(name, moment)
        logger.info(f"{name} stands still {moment}")

    @keyword
    def resume_server(self, node: str | None = None) -> None:
        """Lets a paused node go on.

        Args:
            node: The node; by default the target's first one.

        Example:

        ```robotframework
        *** Test Cases ***
        A server that stood still goes on
            Pause Server
            Resume Server
        ```
        """
        name = stage.node(node)
        stage.faults().resume(name)
        logger.info(f"{name} goes on")

    @keyword
    def start_server(self, node: str | None = None) -> None:
        """Starts a node that was killed or stopped, on the same data, and waits until it is ready.

        Args:
            node: The node; by default the target's first one.

        Example:

        ```robotframework
        *** Test Cases ***
        A killed server comes back
            Kill Server    moment=nobody is online
            Start Server
        ```
        """
        name = stage.node(node)
        stage.faults().start(name)
        logger.info(f"{name} is ready again on the same data")

    @keyword
    def server_should_be_running(self, node: str | None = None) -> None:
        """Fails if a node's process is gone.

        Of a node that runs elsewhere the target file must tell how to ask (`alive` under `[control.NODE]`); else the
        scenario ends without a verdict on the server.

        Args:
            node: The node; by default every one.

        Example:

        ```robotframework
        *** Test Cases ***
        Nothing crashed
            Server Should Be Running
        ```
        """
        stage.require_running([node] if node else None)


def _has_use_for(file: TargetFile) -> bool:
    """Whether some test below the suite can go on once it has begun; where nobody tells which there are, one can."""
    if not current.tests:
        return True
    capabilities = [capability.value for capability in registry.find(file.driver).capabilities]
    demanded_by = bundled_catalogue().demanded_by
    return any(inexpressible(demanded_by(tags), capabilities) is None for tags in current.tests)
