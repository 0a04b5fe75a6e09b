"""The role table holds at the reference server, and does not where the node is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from governed_target import GovernedTarget, make_world
from server_harness import Process, World

from waybill.authorization.administering import try_administration
from waybill.authorization.checked import Trial
from waybill.authorization.contact import try_in_spite_of
from waybill.authorization.conversation import try_everything
from waybill.authorization.everywhere import try_everywhere
from waybill.authorization.false_roles import try_false_roles
from waybill.authorization.rules import office_of, rules_of
from waybill.devices import Scenario

Governed = Callable[..., Scenario]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = make_world(tmp_path_factory.mktemp("governed"))
    yield made
    made.issuer.end()


@pytest.fixture
def governed(world: World, tmp_path: Path) -> Iterator[Governed]:
    """Begins a scenario on a node of its own, which may have a defect."""
    nodes: list[Process] = []
    scenarios: list[Scenario] = []

    def begin(*options: object) -> Scenario:
        nodes.append(world.start_node(tmp_path / "data", "--admin-port", 0, *options))
        target = GovernedTarget(world, nodes[-1])
        scenarios.append(Scenario(target, tmp_path / "history.jsonl", name="governed", seed=7))
        return scenarios[-1]

    yield begin
    for scenario in scenarios:
        scenario.close()
    for node in nodes:
        node.end()


def holds(scenario: Scenario, trial: Trial, checks: int) -> None:
    trial.require()
    assert trial.not_tried == {}
    assert trial.undecided == []
    assert len(trial.checked) == checks
    assert scenario.settle(deadline=10).complete
    report = scenario.finish()
    assert report.verdict == "clean", report.to_text()


def test_conversations(governed: Governed) -> None:
    scenario = governed()
    holds(scenario, try_everything(scenario, "alice", "bob", "mallory"), 89)


def test_contacts(governed: Governed) -> None:
    scenario = governed()
    holds(scenario, try_in_spite_of(scenario, "mallory", "bob", "alice", rules_of(scenario)), 90)


def test_contacts_at_every_node(governed: Governed) -> None:
    scenario = governed()
    holds(scenario, try_everywhere(scenario, "mallory", "bob", rules_of(scenario)), 15)


def test_blocks_that_hold_nobody_back_are_found_at_every_node(governed: Governed) -> None:
    scenario = governed("--defect", "blocklist-ignored")
    trial = try_everywhere(scenario, "mallory", "bob", rules_of(scenario))
    found = [one.case.id for one in trial.allowed_wrongly]
    assert found == [
        f"reach/{what}/{person}" for person in ("blocked", "ruled") for what in ("send", "create")
    ]


def test_administration(governed: Governed) -> None:
    scenario = governed()
    holds(scenario, try_administration(scenario, office_of(scenario), "alice", "bob"), 91)


def test_false_roles(governed: Governed) -> None:
    scenario = governed()
    holds(scenario, try_false_roles(scenario, office_of(scenario), "alice", "bob"), 77)


@pytest.mark.parametrize(
    ("defect", "found"),
    [
        (
            "any-user-is-admin",
            {"an-admin/revoke_device/user", "everybody/forbid/user", "oneself/end_session/user"},
        ),
        (
            "moderator-can-revoke-admin",
            {"an-admin/revoke_device/moderator", "an-admin/revoke_user/moderator"},
        ),
    ],
)
def test_a_broken_node_is_found(governed: Governed, defect: str, found: set[str]) -> None:
    scenario = governed("--defect", defect)
    trial = try_administration(scenario, office_of(scenario), "alice", "bob")
    assert found <= {one.case.id for one in trial.allowed_wrongly}
