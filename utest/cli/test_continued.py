"""What a proof takes over from an earlier one, and what it tries again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from waybill import cli
from waybill.commands.continued import divide, parts, require_earlier
from waybill.commands.exits import UsageError
from waybill.proof import page, report
from waybill.proof.model import Proof, Trial, write_proof
from waybill.targets import find_target

WHEN = "2027-03-01T08:00:00+00:00"
KILLED = Trial(
    defect="drops",
    kind="defect",
    breaks="It drops.",
    guarantee="DEL-1",
    scenario="Arrives",
    signs=["lost-acked"],
)
DONE = msgspec.structs.replace(
    KILLED,
    outcome="killed",
    seen=["lost-acked"],
    seconds=2.0,
    source="/elsewhere/one.robot",
    folder="trials/drops",
)
EARLIER = Proof(target="reference", started=WHEN, seconds=60.0, command="waybill prove", trials=[DONE])


def divided(trial: Trial, earlier: Trial, runs: int = 20) -> tuple[list[Trial], list[Trial]]:
    return divide(msgspec.structs.replace(EARLIER, trials=[earlier]), [trial], runs)


def test_what_came_out_as_it_must_is_taken_over() -> None:
    wanted = msgspec.structs.replace(KILLED, source="one.robot")

    (taken,), left = divide(EARLIER, [wanted], 20)

    assert left == []
    assert (taken.outcome, taken.seen, taken.seconds) == ("killed", ["lost-acked"], 2.0)
    assert (taken.tried, taken.before) == (WHEN, "")
    assert (taken.source, taken.folder) == ("one.robot", "")


@pytest.mark.parametrize("outcome", ["survived", "elsewhere", "untold"])
def test_what_came_out_otherwise_is_tried_again_and_says_so(outcome: Any) -> None:
    wrong = msgspec.structs.replace(DONE, outcome=outcome, finding="nobody noticed")

    taken, (again,) = divided(KILLED, wrong)

    assert taken == []
    assert (again.outcome, again.seen) == ("untold", [])
    assert again.before == "1 March 2027, 08:00 UTC: nobody noticed"


def test_every_earlier_try_is_told() -> None:
    wrong = msgspec.structs.replace(DONE, outcome="survived", before="27 February: too slow")

    _, (again,) = divided(KILLED, wrong)

    assert again.before == "27 February: too slow; 1 March 2027, 08:00 UTC: survived"


@pytest.mark.parametrize(
    "change",
    [
        {"defect": "lies"},
        {"scenario": "Waits"},
        {"guarantee": "ACK-1"},
        {"breaks": "It lies."},
        {"signs": ["gap"]},
    ],
)
def test_what_is_another_trial_now_is_tried(change: dict[str, Any]) -> None:
    wanted = msgspec.structs.replace(KILLED, **change)

    assert divided(wanted, DONE) == ([], [wanted])


@pytest.mark.parametrize(("runs", "enough"), [(1, True), (20, True), (19, False)])
def test_a_rare_form_is_taken_over_with_as_many_seeds_only(runs: int, enough: bool) -> None:
    taken, left = divided(KILLED, msgspec.structs.replace(DONE, runs=runs, killed=runs))

    assert (len(taken), len(left)) == ((1, 0) if enough else (0, 1))


def test_a_red_clean_server_is_tried_again() -> None:
    clean = Trial(defect="", guarantee="DEL-1", scenario="Arrives")

    taken, _ = divided(clean, msgspec.structs.replace(clean, outcome="survived"))
    _, left = divided(clean, msgspec.structs.replace(clean, outcome="elsewhere", finding="lost"))

    assert (len(taken), len(left)) == (1, 1)


def test_every_earlier_proof_is_named_with_what_it_gave() -> None:
    first = msgspec.structs.replace(DONE, scenario="Waits", tried="2027-02-28T08:00:00+00:00")
    part = parts(EARLIER, [])[0]
    older = msgspec.structs.replace(part, started=first.tried, command="waybill prove --seed 1")
    earlier = msgspec.structs.replace(EARLIER, trials=[first, DONE], parts=[older])

    taken, _ = divide(earlier, [msgspec.structs.replace(KILLED, scenario="Waits"), KILLED], 20)

    assert [(one.command, one.trials) for one in parts(earlier, taken)] == [
        ("waybill prove --seed 1", 1),
        ("waybill prove", 1),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target": "mosquitto"}, "a proof with mosquitto, which says nothing about reference"),
        ({"without": "the last steps"}, "a proof without the last steps, which proves nothing to go on from"),
    ],
)
def test_a_proof_of_something_else_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    write_proof(tmp_path, msgspec.structs.replace(EARLIER, **change))

    with pytest.raises(UsageError, match=said):
        require_earlier(tmp_path, find_target("reference"))


def test_pages_tell_what_was_taken_over_and_what_was_tried_again(tmp_path: Path) -> None:
    taken = msgspec.structs.replace(DONE, tried=WHEN)
    again = msgspec.structs.replace(DONE, scenario="Waits", runs=20, killed=19, before="on Monday: survived")
    proof = msgspec.structs.replace(
        EARLIER, started="2027-03-02T08:00:00+00:00", trials=[taken, again], parts=parts(EARLIER, [taken])
    )

    drawn = report.draw(proof)
    page.write(tmp_path, proof)
    shown = (tmp_path / "proof.html").read_text(encoding="utf-8")

    assert "`reference` as it is, in 2 min 00 s in 2 parts." in drawn
    assert "Its last part took 1 min 00 s. It goes on from" in drawn
    assert "- 1 trial of 1 March 2027, 08:00 UTC, 1 min 00 s: `waybill prove`" in drawn
    assert "in 2 trials in 2 min 00 s, in 2 parts</p>" in shown
    assert "- `drops`, “Waits”. on Monday: survived. Since: killed, with 19 of 20 seeds." in drawn
    assert "1 trial of 1 March 2027, 08:00 UTC" in shown
    assert "tried again; on Monday: survived" in shown
    alone = report.draw(msgspec.structs.replace(proof, trials=[DONE], parts=[]))
    assert "`reference` as it is, in 1 min 00 s. This page" in alone
    assert "goes on from" not in alone
    assert "Tried again" not in alone


def test_a_proof_goes_on_from_one_that_was_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["prove", "--fast", "--seed", "7", "--results", str(tmp_path), "--defect", "corrupt-body"]
    assert cli.main(words) == 0
    (first,) = tmp_path.glob("*-proof")
    capsys.readouterr()

    assert cli.main([*words, "--defect", "drop-every-nth", "--continue", str(first)]) == 0

    said = capsys.readouterr().out
    assert "Waybill proves 1 defects and stand-ins of reference: 2 trials on 2 workers" in said
    assert ": 2 trials.\n" in said
    assert "PROVEN: 2 of 2 trials killed by the guarantee that claims it; the clean server is green" in said


def test_a_folder_without_a_proof_and_a_kit_without_a_part_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["prove", "--continue", str(tmp_path)]) == 3
    assert "is not the folder of a proof: it has no proof.json" in capsys.readouterr().err
    write_proof(tmp_path, EARLIER)
    assert cli.main(["prove", "--without-last-step", "--continue", str(tmp_path)]) == 3
    assert "does not go on from one with all of the kit" in capsys.readouterr().err
