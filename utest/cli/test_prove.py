"""Which trials a proof has, what each of them says, and what they say together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from waybill import cli
from waybill.commands.clean_run import clean_verdicts, require_clean_run
from waybill.commands.exits import UsageError
from waybill.commands.proving import Wanted, clean_trials, make_batches, make_trials, unproven
from waybill.proof import page, report
from waybill.proof.model import Proof, Trial, judged, read_proof, together
from waybill.readiness.cases import CASES, FILE, CaseRecord, Finding, write_json
from waybill.readiness.run_record import RunRecord, Selected, write_run
from waybill.targets import find_target
from waybill.targets.seeded import SeededDefect
from waybill.version import __version__

KNOWN = [
    SeededDefect(
        "drops", "defect", "It drops.", {"DEL-1": ("lost-acked",), "ACK-1": ("was given",)}, ("--drop",)
    ),
    SeededDefect("drops.rare", "rare", "It drops, seldom.", {"DEL-1": ("lost-acked",)}, ("--drop", "--rare")),
    SeededDefect("lies", "stand-in", "It lies.", {"DEL-1": ("lost-acked",)}, ("--lie",)),
]
FOUND = [
    Selected("Suites.One", "Arrives", ("del-1", "p0"), "one.robot"),
    Selected("Suites.One", "Waits", ("ack-1", "p0"), "one.robot"),
    Selected("Suites.Two", "Rests", ("ord-1", "slow"), "two.robot"),
]
ROWS = {"Arrives": ("drops", "lies"), "Waits": ("drops",)}
TRIAL = Trial(
    defect="drops", kind="defect", guarantee="DEL-1", scenario="Arrives", signs=["lost-acked", "was given"]
)


def names(wanted: Wanted) -> list[tuple[str, str, str]]:
    return [(one.scenario, one.defect, one.guarantee) for one in make_trials(KNOWN, ROWS, FOUND, wanted)]


def test_every_row_is_a_trial_of_the_guarantee_that_claims_it() -> None:
    fast = [("Arrives", "drops", "DEL-1"), ("Arrives", "lies", "DEL-1"), ("Waits", "drops", "ACK-1")]
    assert names(Wanted()) == fast


def test_rare_forms_follow_where_their_guarantee_claims_them() -> None:
    assert names(Wanted(rare=True)) == [
        ("Arrives", "drops", "DEL-1"),
        ("Arrives", "drops.rare", "DEL-1"),
        ("Arrives", "lies", "DEL-1"),
        ("Waits", "drops", "ACK-1"),
    ]


def test_a_rare_form_is_tried_with_more_seeds(tmp_path: Path) -> None:
    trials = make_trials(KNOWN, ROWS, FOUND, Wanted(rare=True))
    seeds = {batch.target: batch.seeds for batch in make_batches(trials, "reference", tmp_path, [7, 8, 9])}

    assert seeds["reference+drops.rare"] == [8, 9]
    assert seeds["reference+drops"] == []


def test_trials_are_picked_by_defect_guarantee_and_tag() -> None:
    assert names(Wanted(defects=["lies"])) == [("Arrives", "lies", "DEL-1")]
    assert names(Wanted(guarantees=["ack-1"])) == [("Waits", "drops", "ACK-1")]
    assert len(names(Wanted(tags=["P0"]))) == 3


@pytest.mark.parametrize(
    ("rows", "wanted", "said"),
    [
        (ROWS, Wanted(defects=["drop"]), "no defect and no stand-in is called 'drop'"),
        ({"Arrives": ("gone",)}, Wanted(), "names 'gone', which there is not"),
        ({"Departs": ("drops",)}, Wanted(), "names 'Departs', which there is not"),
        ({"Rests": ("drops",)}, Wanted(), "none of its guarantees"),
        (ROWS, Wanted(tags=["slow"]), "No trial is left"),
    ],
)
def test_what_does_not_fit_is_refused(rows: dict[str, tuple[str, ...]], wanted: Wanted, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        make_trials(KNOWN, rows, FOUND, wanted)


def test_scenarios_that_took_long_are_tried_first(tmp_path: Path) -> None:
    trials = make_trials(KNOWN, ROWS, FOUND, Wanted(rare=True))
    known = [
        Trial(defect="", guarantee="DEL-1", scenario="Arrives", seconds=2.0),
        Trial(defect="", guarantee="ACK-1", scenario="Waits", seconds=9.0),
    ]

    batches = make_batches(trials, "reference", tmp_path, [7, 8], known)

    assert [(batch.trials[0].defect, batch.trials[0].scenario) for batch in batches] == [
        ("drops.rare", "Arrives"),
        ("drops", "Waits"),
        ("drops", "Arrives"),
        ("lies", "Arrives"),
    ]


def test_a_defective_server_is_never_shared_and_the_clean_one_by_file(tmp_path: Path) -> None:
    trials = make_trials(KNOWN, ROWS, FOUND, Wanted())
    batches = make_batches([*trials, *clean_trials(FOUND, trials)], "reference", tmp_path, [7, 8])

    assert [(batch.target, len(batch.trials)) for batch in batches] == [
        ("reference", 2),
        ("reference+drops", 1),
        ("reference+lies", 1),
        ("reference+drops", 1),
    ]
    assert len({batch.folder for batch in batches}) == 4
    assert all(batch.seed == 7 and not batch.seeds for batch in batches)


@pytest.mark.parametrize(
    ("status", "anomaly", "message", "outcome", "seen"),
    [
        ("failed", "lost-acked", "", "killed", ["lost-acked"]),
        ("failed", "", "bob was given 3 of them", "killed", ["was given"]),
        ("failed", "gap", "gap (1)", "elsewhere", []),
        ("passed", "", "", "survived", []),
        ("running", "", "", "untold", []),
        ("skipped", "", "waived", "untold", []),
    ],
)
def test_a_trial_is_judged_by_its_case(
    status: str, anomaly: str, message: str, outcome: str, seen: list[str]
) -> None:
    findings = [Finding(anomaly, 2, "m1 never came")] if anomaly else []
    case = CaseRecord(scenario="Arrives", suite="One", status=status, message=message, findings=findings)

    trial = judged(TRIAL, case)

    assert (trial.outcome, trial.seen) == (outcome, seen)
    assert trial.kept == (outcome == "killed")


def test_what_says_nothing_about_the_server_is_no_verdict() -> None:
    case = CaseRecord(
        scenario="Arrives", suite="One", status="failed", message="lost-acked", infrastructure=True
    )

    assert judged(TRIAL, case).outcome == "untold"
    assert judged(TRIAL, None).finding == "its scenario has no case file"


@pytest.mark.parametrize(
    ("killed", "outcome"), [(20, "killed"), (19, "killed"), (18, "survived"), (0, "survived")]
)
def test_a_rare_form_must_be_killed_with_nearly_every_seed(killed: int, outcome: str) -> None:
    runs = [
        msgspec.structs.replace(
            TRIAL, outcome="killed", seen=["lost-acked"], finding="m1 never came", seconds=float(seed)
        )
        if seed < killed
        else msgspec.structs.replace(TRIAL, outcome="survived", seed=str(seed), folder=f"seed-{seed}")
        for seed in range(20)
    ]

    trial = together(runs)

    assert (trial.outcome, trial.killed, trial.runs) == (outcome, killed, 20)
    if outcome == "killed":
        assert (trial.finding, trial.seen) == ("m1 never came", ["lost-acked"])
        assert trial.seconds == pytest.approx((killed - 1) / 2)
    else:
        assert trial.folder == f"seed-{killed}", "the first run that tells why"
        assert trial.finding == (
            f"expected to be killed with 95% of 20 seeds, was with {killed}; with seed {killed}: everything was green"
        )


def test_a_clean_trial_must_be_green() -> None:
    clean = Trial(defect="", guarantee="DEL-1", scenario="Arrives")
    green = judged(clean, CaseRecord(scenario="Arrives", suite="One", status="passed"))
    red = judged(clean, CaseRecord(scenario="Arrives", suite="One", status="failed", message="lost"))

    assert green.kept
    assert not red.kept


CLEAN_RUN = RunRecord(
    target="reference",
    target_argument="reference",
    seed="5",
    started="2027-03-01T08:00:00+00:00",
    finished="2027-03-01T08:02:00+00:00",
    versions={"Waybill": __version__},
)


def test_the_clean_server_may_have_been_run_before(tmp_path: Path) -> None:
    write_run(tmp_path, CLEAN_RUN)
    for case in (
        CaseRecord(scenario="Arrives", suite="One", status="passed"),
        CaseRecord(scenario="Waits", suite="Two", status="failed", message="m1 never came"),
    ):
        write_json(tmp_path / CASES / case.scenario / FILE, case)
    trials = clean_trials(FOUND, make_trials(KNOWN, ROWS, FOUND, Wanted()))
    trials.append(Trial(defect="", guarantee="DEL-1", scenario="Rests"))

    record = require_clean_run(tmp_path, find_target("reference"))
    arrives, waits, rests = clean_verdicts(tmp_path, record, trials)

    assert (arrives.kept, arrives.seed) == (True, "5")
    assert (waits.kept, waits.finding) == (False, "m1 never came")
    assert (rests.outcome, rests.finding) == ("untold", "its scenario has no case file")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target": "mosquitto", "target_argument": "mosquitto"}, "a run against mosquitto"),
        ({"variant": "drops", "target_argument": "reference+drops"}, r"a run against reference\+drops"),
        ({"robot_options": ["--variable", "PATIENCE:1s"]}, "a run with the options --variable PATIENCE:1s"),
        ({"versions": {"Waybill": "0.0.1"}}, r"a run of Waybill 0\.0\.1"),
        ({"interrupted": True}, "did not come to its end"),
        ({"finished": ""}, "did not come to its end"),
    ],
)
def test_a_run_of_something_else_says_nothing_of_the_clean_server(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    write_run(tmp_path, msgspec.structs.replace(CLEAN_RUN, **change))

    with pytest.raises(UsageError, match=said):
        require_clean_run(tmp_path, find_target("reference"))


def test_only_what_was_killed_by_its_claim_is_complete() -> None:
    killed = msgspec.structs.replace(TRIAL, outcome="killed", seen=["lost-acked"])
    clean = Trial(defect="", guarantee="DEL-1", scenario="Arrives", outcome="survived")
    proof = Proof(target="reference", started="", trials=[killed, clean])

    assert proof.complete
    assert proof.rule == "1 of 1 trials killed by the guarantee that claims it; the clean server is green"
    for wrong in ("survived", "elsewhere", "untold"):
        trials = [msgspec.structs.replace(TRIAL, outcome=wrong), clean]
        assert not msgspec.structs.replace(proof, trials=trials).complete
    assert not msgspec.structs.replace(proof, unproven=["Waits"]).complete
    assert not msgspec.structs.replace(proof, trials=[clean]).complete
    red = msgspec.structs.replace(clean, outcome="elsewhere")
    assert msgspec.structs.replace(proof, trials=[killed, red]).rule.endswith(
        "; 1 of 1 scenarios red against the clean server"
    )


def test_scenarios_that_nothing_turned_red_are_unproven() -> None:
    trials = [
        msgspec.structs.replace(TRIAL, outcome="killed"),
        Trial(defect="drops", guarantee="ACK-1", scenario="Waits", outcome="survived"),
    ]
    assert unproven(FOUND, trials, Wanted()) == ["Waits", "Rests"]
    assert unproven(FOUND, trials, Wanted(defects=["drops"])) == ["Waits"]
    assert unproven(FOUND, trials, Wanted(guarantees=["DEL-1"])) == []


def test_a_proof_without_a_part_of_the_kit_tells_what_that_is_there_for() -> None:
    trials = [
        msgspec.structs.replace(TRIAL, outcome="killed"),
        Trial(defect="drops", guarantee="ACK-1", scenario="Waits", outcome="survived"),
    ]
    proof = Proof(target="reference", started="", trials=trials, without="the check 'delivery'")

    assert not proof.complete
    assert proof.kept_anyway == ["Arrives"]
    assert proof.rule == (
        "without the check 'delivery' 1 of 2 trials are no longer killed by the guarantee that claims it, "
        "in 1 of 2 scenarios"
    )
    assert not msgspec.structs.replace(proof, trials=trials[:1]).complete


def test_the_page_shows_every_trial_and_what_is_wrong(tmp_path: Path) -> None:
    trials = [
        msgspec.structs.replace(
            TRIAL, outcome="killed", breaks="It <drops>.", finding="m1 never came", seconds=2.0
        ),
        Trial(defect="lies", kind="stand-in", guarantee="DEL-1", scenario="Arrives", outcome="survived"),
        Trial(defect="", guarantee="DEL-1", scenario="Arrives", outcome="survived", seconds=1.0),
    ]
    proof = Proof(target="reference", started="2027-03-01T08:00:00+00:00", trials=trials, unproven=["Rests"])

    page.write(tmp_path, proof)

    drawn = (tmp_path / page.HTML).read_text()
    assert read_proof(tmp_path) == proof
    assert "<h1>NOT PROVEN</h1>" in drawn
    assert "It &lt;drops&gt;." in drawn
    assert "✓ killed" in drawn
    assert "✕ survived" in drawn
    assert "✓ green" in drawn
    assert "no defect turned &#x27;Rests&#x27; red" in drawn
    assert "<script" not in drawn
    assert "http" not in drawn.replace("http-equiv", "")


def test_the_page_of_the_documentation_says_how_it_was_made_and_what_is_wrong() -> None:
    trials = [
        msgspec.structs.replace(TRIAL, outcome="killed", seen=["lost-acked"], seconds=2.0),
        Trial(defect="lies", guarantee="ACK-1", scenario="Waits", outcome="survived"),
        Trial(defect="", guarantee="DEL-1", scenario="Arrives", outcome="elsewhere", finding="a | b"),
    ]
    proof = Proof(
        target="reference",
        started="2027-03-01T08:00:00+00:00",
        command="waybill prove --page docs/proof.md",
        trials=trials,
        unproven=["Rests"],
    )

    drawn = report.draw(proof)

    assert "```sh\nwaybill prove --page docs/proof.md\n```" in drawn
    assert "**NOT PROVEN**: 1 of 2 trials killed" in drawn
    assert "- `lies`, “Waits”: survived." in drawn
    assert "- `reference` as it is, “Arrives”: a \\| b" in drawn
    assert "- No defect turned “Rests” red" in drawn
    assert "| Arrives | `drops` | killed | lost-acked | 2.0 s |" in drawn
    good = report.draw(msgspec.structs.replace(proof, trials=trials[:1], unproven=[]))
    assert "**PROVEN**" in good
    assert "What is not proven" not in good


def test_a_server_that_cannot_be_started_broken_proves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["prove", "--target", "reference-v1"]) == 3
    assert "has no table [seeded]" in capsys.readouterr().err
    assert cli.main(["prove", "--clean-run", "."]) == 3
    assert "is not the folder of a run" in capsys.readouterr().err
    assert cli.main(["prove", "--defect", "drop-everything"]) == 3
    assert "no defect and no stand-in is called 'drop-everything'" in capsys.readouterr().err
    assert cli.main(["prove", "--without-check", "deliveries"]) == 3
    assert "no check of the history is called 'deliveries'; there are delivery, " in capsys.readouterr().err
    (tmp_path / "run.json").touch()
    assert cli.main(["prove", "--without-last-step", "--clean-run", "."]) == 3
    assert "A proof without the last steps proves nothing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("without", "defects"),
    [
        (["--without-check", "delivery"], ["drop-every-nth"]),
        (["--without-check", "contents"], ["corrupt-body"]),
        (["--without-last-step"], ["drop-every-nth", "corrupt-body", "swap-adjacent", "duplicate-delivery"]),
    ],
)
def test_a_defect_survives_without_what_is_there_for_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], without: list[str], defects: list[str]
) -> None:
    chosen = [word for name in defects for word in ("--defect", name)]

    assert cli.main(["prove", "--fast", "--seed", "7", "--results", str(tmp_path), *chosen, *without]) == 1

    said = capsys.readouterr().out
    assert (
        f"{len(defects)} of {len(defects)} trials are no longer killed by the guarantee that claims it"
        in said
    )
    for name in defects:
        assert f"  ELSEWHERE  {name} " in said or f"  SURVIVED   {name} " in said
