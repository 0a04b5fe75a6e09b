"""`proof.html`: one file that opens anywhere, in the look of the readiness page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import waybill.readiness
from waybill.proof.model import Proof, Trial, write_proof
from waybill.readiness.words import duration, moment
from waybill.version import __version__

HTML = "proof.html"

_PILLS = {
    "killed": ("proven", "✓ killed"),
    "elsewhere": ("waived", "○ killed elsewhere"),
    "survived": ("broken", "✕ survived"),
    "untold": ("no-verdict", "✕ no verdict"),
}


def write(folder: Path, proof: Proof) -> None:
    """Writes `proof.json` and `proof.html`."""
    write_proof(folder, proof)
    (folder / HTML).write_text(draw(proof), encoding="utf-8")


def draw(proof: Proof) -> str:
    """Draws the page: the verdict, what is wrong, the defects by guarantee, the clean server."""
    css = Path(waybill.readiness.__file__).with_name("page.css").read_text(encoding="utf-8")
    title = "PROVEN" if proof.complete else "NOT PROVEN"
    kind = "ready" if proof.complete else "not-ready"
    names = len({trial.defect for trial in proof.defects})
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<link rel="icon" href="data:,">\n'
        f"<title>{title}: the suites against {escape(proof.target)} - Waybill</title>\n"
        f"<style>\n{css}</style>\n</head>\n<body>\n<main>\n"
        f'<header class="brand"><span><b>Waybill</b> proof with <b>{escape(proof.target)}</b></span>'
        f"<span>{escape(moment(proof.started))}</span></header>\n"
        f'<section class="verdict {kind}" id="verdict"><h1>{title}</h1>\n'
        f'<p class="rule">{escape(proof.rule)}.</p>\n'
        f'<p class="counts">{names} defects and stand-ins in {len(proof.defects)} trials in '
        f"{duration(proof.all_seconds)}{f', {proof.in_parts}' if proof.parts else ''}</p>\n"
        '<nav><a href="#defects">Defects</a><a href="#clean">The clean server</a></nav></section>\n'
        f"{_wrong(proof)}"
        '<h2 id="defects">Defects by guarantee<small>each must turn a scenario red by what it is known by'
        "</small></h2>\n"
        + "".join(_guarantee(name, proof) for name in dict.fromkeys(one.guarantee for one in proof.defects))
        + f'<h2 id="clean">The clean server<small>{escape(proof.target)} without any defect must raise nothing'
        f"{f'; it was run at {moment(proof.clean_run)}' if proof.clean_run else ''}</small></h2>\n"
        f"{_table(proof.clean, clean=True)}"
        f'<h2>How it was run</h2>\n<dl class="facts"><dt>Command</dt><dd class="mono">{escape(proof.command)}</dd>'
        f"<dt>Seed</dt><dd>{escape(proof.trials[0].seed if proof.trials else '')}</dd>{_parts(proof)}</dl>\n"
        f"<footer>Waybill {__version__} - every message accounted for. Data: "
        '<a href="proof.json">proof.json</a></footer>\n</main>\n</body>\n</html>\n'
    )


def _parts(proof: Proof) -> str:
    return "".join(
        f"<dt>Goes on from</dt><dd>{part.counted} of {escape(moment(part.started))}, {duration(part.seconds)}: "
        f'<span class="mono">{escape(part.command)}</span></dd>'
        for part in proof.parts
    )


def _wrong(proof: Proof) -> str:
    wrong = [
        f"{trial.defect or 'the clean server'}, {trial.guarantee}, {trial.scenario}: "
        f"{_PILLS[trial.outcome][1][2:] if not trial.clean else 'red'}; {trial.finding}"
        for trial in proof.trials
        if not trial.kept
    ]
    wrong += [f"unproven: no defect turned '{scenario}' red by what it claims" for scenario in proof.unproven]
    if not wrong:
        return ""
    items = "".join(f"<li>{escape(one)}</li>" for one in wrong)
    return f'<h2>What is not proven</h2>\n<ul class="red">{items}</ul>\n'


def _guarantee(name: str, proof: Proof) -> str:
    trials = [trial for trial in proof.defects if trial.guarantee == name]
    killed = sum(trial.kept for trial in trials)
    return (
        f'<h3 id="{escape(name)}">{escape(name)}<small> {killed} of {len(trials)} killed</small></h3>\n'
        f"{_table(trials, clean=False)}"
    )


def _table(trials: Sequence[Trial], *, clean: bool) -> str:
    heads = ("Scenario", "Verdict", "Took") if clean else ("Defect", "Verdict", "Time to detect", "Finding")
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    rows = "".join(_clean_row(trial) if clean else _row(trial) for trial in trials)
    return (
        f'<div class="scroll"><table class="plain"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{rows}</tbody></table></div>\n"
    )


def _row(trial: Trial) -> str:
    kind, word = _PILLS[trial.outcome]
    tag = "" if trial.kind == "defect" else f'<span class="tag">{escape(trial.kind)}</span>'
    tries = f"<br><small>{trial.tries}</small>" if trial.tries else ""
    return (
        f"<tr><td><code>{escape(trial.defect)}</code>{tag}<br>{escape(trial.breaks)}</td>"
        f'<td><span class="pill {kind}">{word}</span></td>'
        f"<td>{duration(trial.seconds)}{tries}</td>"
        f"<td>{escape(trial.finding)}<br><small>in “{escape(trial.scenario)}”</small>{_before(trial)}</td></tr>\n"
    )


def _clean_row(trial: Trial) -> str:
    kind, word = ("proven", "✓ green") if trial.kept else ("broken", "✕ red")
    if trial.outcome == "untold":
        kind, word = _PILLS["untold"]
    said = ("" if trial.kept else f"<br>{escape(trial.finding)}") + _before(trial)
    return (
        f"<tr><td>{escape(trial.scenario)}{said}</td>"
        f'<td><span class="pill {kind}">{word}</span></td><td>{duration(trial.seconds)}</td></tr>\n'
    )


def _before(trial: Trial) -> str:
    return f"<br><small>tried again; {escape(trial.before)}</small>" if trial.before else ""
