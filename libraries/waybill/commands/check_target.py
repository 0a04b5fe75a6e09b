"""`waybill targets check`: brings a target up, passes one message through every node, and says what to expect."""

from __future__ import annotations

import argparse
import datetime
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from waybill import bundled
from waybill.commands.console import say
from waybill.commands.exits import FINE, RED, UsageError
from waybill.commands.expectations import (
    Expectations,
    lacking_administration,
    lacking_interposition,
    lacking_means,
    lacking_nodes,
    lacking_upkeep,
)
from waybill.commands.plan import select
from waybill.commands.usable_target import usable_target
from waybill.readiness.catalogue import bundled_catalogue
from waybill.readiness.waivers import Waiver

if TYPE_CHECKING:
    from waybill.targets import RunningTarget, TargetFile

_DEADLINE = 10.0
_TAIL_LINES = 20
_EPILOG = """\
exit codes:
  0    a message got through every node
  1    the target did not start, or a message did not get through; the end of its log is shown
  3    the target file cannot be used

examples:
  waybill targets check mosquitto
  waybill targets check ./my-server.toml
"""


def add(subcommands: Any) -> None:
    """Describes the command to argparse."""
    parser = subcommands.add_parser(
        "check",
        help="start a target, pass one message through it, and list what is to be expected of it",
        description="Reads a target file, launches the target or connects to it, passes one message through every\n"
        "node, and says for each guarantee of the catalogue what it will be. No scenario is run.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("target", metavar="NAME|FILE", help="the target")
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Checks the target.

    Raises:
        UsageError: The target file cannot be used.
    """
    file, waivers = usable_target(arguments.target)
    _describe(file)
    with tempfile.TemporaryDirectory(prefix="waybill-check-") as folder:
        works = _pass_messages(file, Path(folder))
    if works:
        _expect(file, waivers)
    return FINE if works else RED


def _describe(file: TargetFile) -> None:
    from waybill.drivers import registry
    from waybill.drivers.base import Capability
    from waybill.targets.promises import PARAMETERS
    from waybill.targets.server_version import server_version

    has = registry.find(file.driver).capabilities
    _line("target", f"{file.name} ({file.path})")
    if file.description:
        _line("server", " ".join(file.description.split()))
    version = server_version(file.version)
    if version:
        _line("version", version)
    if file.variant is not None:
        _line("variant", f"breaks {', '.join(file.variant.breaks)}: {file.variant.description}")
    _line("driver", file.driver)
    for title, chosen in (("has", True), ("lacks", False)):
        names = [capability.value for capability in Capability if (capability in has) is chosen]
        _line(f"  {title}", ", ".join(names) or "nothing")
    lacking = lacking_means(file)
    _line(
        "means", f"none to {', '.join(lacking)} a node" if lacking else "kill, stop, start and pause a node"
    )
    _line("admins", f"can {', '.join(file.administration)}" if file.administration else "can do nothing")
    roles = [f"{role} ({number})" for role, number in file.users.roles.items()]
    if roles:
        _line("roles", ", ".join(roles))
    if file.promises:
        say("promises")
    for name, value in file.promises.items():
        shown = str(value).lower() if isinstance(value, bool) else value
        say(f"  {f'{name} = {shown}':<28}{PARAMETERS[name].meaning}")


def _pass_messages(file: TargetFile, folder: Path) -> bool:
    """Whether a message gets through every node; if not, what is wrong was said."""
    from waybill.drivers.base import LoginRefused
    from waybill.targets import LaunchError, TargetError, launch
    from waybill.tokens.obtain import TokenError

    try:
        running = launch(file, folder)
    except LaunchError as error:
        say(f"\n{error}")
        return False
    except TargetError as error:
        raise UsageError(str(error)) from None
    with running:
        for node in running.nodes:
            endpoint = running.endpoint(node)
            _line("endpoint", f"{node}: {endpoint.url}")
            begun = time.monotonic()
            try:
                _pass_message(running, node)
            except (LoginRefused, TargetError, TokenError) as error:
                say(f"\nNo message got through {node}: {error}")
                _show_logs(running)
                return False
            _line("", f"a message got through in {time.monotonic() - begun:.2f} s")
    return True


def _pass_message(running: RunningTarget, node: str) -> None:
    from waybill.targets.round_trip import round_trip

    one, other = running.account(), running.account()
    credentials = running.credential(one, "probe"), running.credential(other, "probe")
    round_trip(running.driver, running.endpoint(node), *credentials, _DEADLINE)


def _show_logs(running: RunningTarget) -> None:
    for log in running.logs():
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL_LINES:]
        if lines:
            say(f"The end of {log.relative_to(running.folder)}:")
            for line in lines:
                say(f"    {line}")


def _expect(file: TargetFile, waivers: list[Waiver]) -> None:
    from waybill.drivers import registry

    catalogue = bundled_catalogue()
    scenarios = {
        guarantee.id
        for scenario in select([], [str(bundled.folder("suites"))])
        for guarantee in catalogue.demanded_by(scenario.tags)
    }
    expectations = Expectations(
        capabilities={capability.value for capability in registry.find(file.driver).capabilities},
        lacking_means=[
            *lacking_means(file),
            *lacking_nodes(file),
            *lacking_interposition(file),
            *lacking_administration(file),
            *lacking_upkeep(file),
        ],
        scenarios=scenarios,
        waivers=waivers,
        today=datetime.datetime.now(datetime.UTC).date(),
    )
    say("guarantees")
    for guarantee in catalogue.guarantees.values():
        say(f"  {guarantee.id:<8}{guarantee.priority:<4}{expectations.of(guarantee)}")


def _line(title: str, text: str) -> None:
    say(f"{title:<12}{text}")
