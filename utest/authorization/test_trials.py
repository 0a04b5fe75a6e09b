"""The trials on the scripted server, which lets outsiders do far too much."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

import pytest
from scripted_server import Client, ScriptedServer

from waybill.authorization import table
from waybill.authorization.administering import try_administration
from waybill.authorization.conversation import try_everything
from waybill.authorization.table import Case
from waybill.devices import Scenario
from waybill.drivers.base import Outcome
from waybill.history.events import Completion

Judge = Callable[[Case], bool]


class RoleTable:
    """An office that holds to the role table, or to what a test makes of it.

    Args:
        server: The server whose sessions it ends.
        scenario: Whose accounts it knows.
        allows: Whether it does what a case asks for.
        ends: Whether it ends the sessions that it says it ended.
    """

    operations = frozenset(
        {"revoke_token", "revoke_device", "revoke_user", "list_sessions", "end_session", "forbid", "allow"}
    )

    def __init__(
        self,
        server: ScriptedServer,
        scenario: Scenario,
        allows: Judge = lambda case: case.allowed,
        *,
        ends: bool = True,
    ) -> None:
        self.server, self.scenario, self.allows, self.ends = server, scenario, allows, ends
        self.asked: list[tuple[str, str]] = []

    def ask(self, operation: str, token: str, values: Mapping[str, str]) -> Outcome:
        caller, user = token.removeprefix("token of "), values.get("user", "")
        self.asked.append((operation, token))
        role = self.role(caller) if caller else "nobody"
        whom = (
            {"user": "a-user", "moderator": "a-moderator", "admin": "an-admin"}[self.role(user)]
            if user
            else "everybody"
        )
        target = "oneself" if user and caller == user else whom
        case = table.cases("administration").get(f"{target}/{operation}/{role}")
        if case is None or not self.allows(case):
            return Outcome(Completion.FAIL, "403", "forbidden")
        if operation == "list_sessions":
            sessions = [
                {"user": one.user, "device": one.device, "session": one.device}
                for one in self.clients()
                if one.user == user
            ]
            return Outcome(Completion.OK, values={"body": {"sessions": sessions}})
        if operation == "forbid":
            self.server.blocks.setdefault(values["recipient"], []).append(values["sender"])
        elif operation == "allow":
            self.server.blocks[values["recipient"]].remove(values["sender"])
        elif self.ends:
            for one in self.clients():
                if one.user == user and one.device == values["device"]:
                    one.say("closing", code="revoked", text="revoked")
                    one.socket.close(1008)
        return Outcome(Completion.OK)

    def clients(self) -> list[Client]:
        """Who is logged in; who is being welcomed just now is waited for."""
        with self.server.lock:
            return list(self.server.clients)

    @staticmethod
    def role(account: str) -> str:
        name = account.partition("-")[0]
        return name if name in ("moderator", "admin") else "user"


def test_an_office_that_holds_to_the_table_is_right(server: ScriptedServer, scenario: Scenario) -> None:
    trial = try_administration(scenario, RoleTable(server, scenario), "alice", "bob")
    wrong = [*trial.allowed_wrongly, *trial.denied_wrongly, *trial.undecided]
    assert [one.case.id for one in wrong] == []
    assert len(trial.checked) > 70
    assert {name.split("/")[1] for name in trial.not_tried} == {"list_revocations", "rotate_key"}


def test_everybody_an_admin_is_found(server: ScriptedServer, scenario: Scenario) -> None:
    office = RoleTable(server, scenario, lambda case: case.person != "nobody")
    trial = try_administration(scenario, office, "alice", "bob")
    found = {one.case.id for one in trial.allowed_wrongly}
    assert {
        "a-user/end_session/user",
        "an-admin/revoke_device/moderator",
        "a-moderator/revoke_user/user",
    } <= found
    assert not [one for one in found if one.endswith("/nobody")]


def test_a_confirmation_without_an_effect_is_no_effect(
    server: ScriptedServer, scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waybill.authorization.administering.ENDED", 0.05)
    trial = try_administration(scenario, RoleTable(server, scenario, ends=False), "alice", "bob")
    found = {one.case.id: one.said for one in trial.denied_wrongly}
    assert found["a-user/end_session/admin"] == "confirmed, and the session goes on"


def test_a_refusal_that_ends_the_session_all_the_same_is_found(
    server: ScriptedServer, scenario: Scenario
) -> None:
    office = RoleTable(server, scenario)
    refuse = office.ask

    def ask(operation: str, token: str, values: Mapping[str, str]) -> Outcome:
        outcome = refuse(operation, token, values)
        if operation == "revoke_device" and outcome.completion is Completion.FAIL:
            for one in office.clients():
                if one.device == values["device"]:
                    one.socket.close(1008)
        return outcome

    office.ask = ask  # type: ignore[method-assign]
    trial = try_administration(scenario, office, "alice", "bob")
    assert "an-admin/revoke_device/user" in {one.case.id for one in trial.allowed_wrongly}


def test_without_an_administration_nothing_is_tried(server: ScriptedServer, scenario: Scenario) -> None:
    office = RoleTable(server, scenario)
    office.operations = frozenset()  # type: ignore[misc]
    trial = try_administration(scenario, office, "alice", "bob")
    assert trial.checked == []
    assert set(trial.not_tried.values()) == {"the target scripted has no administration"}
    assert len(trial.not_tried) == len(table.part("administration").cases())


def test_what_outsiders_may_do_at_the_scripted_server_is_found(
    server: ScriptedServer, scenario: Scenario
) -> None:
    trial = try_everything(scenario, "alice", "bob", "mallory")
    found = {one.case.id for one in trial.allowed_wrongly}
    assert {"direct/read/stranger", "group/markers/admin", "direct/type/stranger"} <= found
    assert "direct/send/stranger" not in found
    assert {one.case.id for one in trial.denied_wrongly} == {"group/remove/moderator", "group/remove/admin"}
    assert any("typing of mallory" in trace for trace in trial.traces)
    assert json.dumps(trial.figures())
