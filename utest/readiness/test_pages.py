"""The pages: what they say, that hostile text cannot break them, and that they need nothing from outside."""

from __future__ import annotations

import datetime
import re
from html.parser import HTMLParser

import pytest
from folders import case, output, record

from waybill.readiness import page
from waybill.readiness.assemble import assemble, combine
from waybill.readiness.cases import Finding
from waybill.readiness.page_findings import plain
from waybill.readiness.pages import write_pages
from waybill.readiness.waivers import Waiver
from waybill.readiness.words import duration, moment, number

HOSTILE = '<script>alert(1)</script> & "quotes" | pipes `code`'
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>m7</text></svg>'
VOID = {"meta", "link", "br", "wbr", "img", "line", "circle"}


class Structure(HTMLParser):
    """Collects ids, links and scripts, and checks that elements close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        facts = dict(attrs)
        if "id" in facts:
            assert facts["id"] not in self.ids
            self.ids.add(facts["id"])
        self.links += [facts[name] for name in ("href", "src") if facts.get(name)]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def structure(page: str) -> Structure:
    found = Structure()
    found.feed(page)
    assert found.open == []
    return found


@pytest.fixture
def broken(tmp_path):
    """A run with a broken, a lost and a good scenario, a waiver and an expired one."""
    waivers = [
        Waiver("DUP-1", "no idempotency key", "qa@example.org", datetime.date(2027, 6, 30)),
        Waiver("OFF-2", HOSTILE, "qa@example.org", datetime.date(2026, 6, 30)),
    ]
    record(tmp_path, "Loses", "Good", "Gone", waivers=waivers, filters=["--include", "P0"])
    findings = [Finding("lost-acked", 3, "alice/phone sent m7; bob/laptop never got it", [7, 9])]
    place = case(
        tmp_path, "Loses", "failed", cause="anomalies", message=f"lost-acked: {HOSTILE}", findings=findings
    )
    (place / "timeline.svg").write_text(PICTURE, encoding="utf-8")
    (place / "history.jsonl.gz").write_bytes(b"")
    case(
        tmp_path,
        "Loses",
        "failed",
        cause="anomalies",
        message=f"lost-acked: {HOSTILE}",
        findings=findings,
        timeline=f"{place.relative_to(tmp_path)}/timeline.svg",
        history=f"{place.relative_to(tmp_path)}/history.jsonl.gz",
    )
    case(tmp_path, "Good")
    output(tmp_path, Loses="FAIL", Good="PASS")
    write_pages(tmp_path)
    return tmp_path


def html(folder):
    return (folder / "readiness.html").read_text(encoding="utf-8")


def test_the_verdict_and_its_rule_come_first(broken):
    drawn = html(broken)
    text = re.sub(r"<[^>]+>", "\n", drawn.partition("<body>")[2])
    assert " ".join(text.split()).startswith(
        "Waybill readiness of reference 14 March 2027, 09:26 UTC NOT READY 1 waiver is expired: OFF-2 ."
    )
    order = [
        "NOT READY</h1>",
        '<h2 id="findings"',
        '<h2 id="guarantees"',
        "P0<small",
        "P1<small",
        "P2<small",
        '<h2 id="waivers"',
        '<h2 id="how"',
    ]
    places = [drawn.index(mark) for mark in order]
    assert places == sorted(places)


def test_the_page_is_whole_and_needs_nothing_from_outside(broken):
    found = structure(html(broken))
    assert "script" not in found.tags
    assert [link for link in found.links if re.match(r"https?:|//", link)] == []
    assert "url(" not in html(broken)
    assert "@import" not in html(broken)


def test_every_link_is_alive(broken):
    found = structure(html(broken))
    for link in found.links:
        path, _, anchor = link.partition("#")
        if link.startswith("data:"):
            continue
        if path:
            assert (broken / path).is_file(), link
        else:
            assert anchor in found.ids, link
    assert {"log.html#s1-s1-t1", "#DEL-1", "cases/suites-delivery--loses/history.jsonl.gz"} <= set(
        found.links
    )


def test_every_guarantee_has_its_row(broken):
    found = structure(html(broken))
    assert {"DEL-1", "CHA-1", "TLS-3"} <= found.ids
    assert html(broken).count("<tr id=") == 45


def test_findings_come_with_prose_picture_and_replay_line(broken):
    drawn = html(broken)
    assert "<b>lost-acked</b> 3 times<br>alice/phone sent m7; bob/laptop never got it" in drawn
    assert "(events 7, 9)" in drawn
    assert PICTURE in drawn
    assert '<code class="replay">waybill run --seed 42 --test &quot;Loses&quot;</code>' in drawn
    assert "it never started; its worker died" in drawn


def test_a_finding_tells_the_faults_near_it(tmp_path):
    record(tmp_path, "Loses")
    told = "The acknowledgement of alice/phone#7 came 13.0 ms before the fault power-loss on node."
    findings = [Finding("lost-acked", 1, "never got it", [7], told)]
    case(tmp_path, "Loses", "failed", cause="anomalies", message="lost", findings=findings)
    write_pages(tmp_path)
    assert told in html(tmp_path)
    assert "13.0 ms before the fault power-loss" in (tmp_path / "readiness.md").read_text(encoding="utf-8")


def test_a_wide_picture_can_be_seen_as_a_whole(broken):
    assert 'class="whole"' not in html(broken)
    picture = PICTURE.replace("width=", 'style="max-width:none" width=')
    (broken / "cases/suites-delivery--loses/timeline.svg").write_text(picture, encoding="utf-8")
    write_pages(broken)
    assert '<label class="whole"><input type="checkbox">' in html(broken)


def logged(folder, scenario, errors, *lines):
    """A case with a part of a log, so many unexpected errors, and the first of them."""
    place = case(folder, scenario)
    (place / "logs").mkdir()
    (place / "logs" / "node-output.log.txt").write_text("x", encoding="utf-8")
    log = f"{place.relative_to(folder)}/logs/node-output.log.txt"
    case(folder, scenario, logs=[log], log_errors=errors, log_lines=list(lines))
    return log


def test_unexpected_error_lines_are_counted_and_shown(tmp_path):
    record(tmp_path, "One", "Two", "Three")
    log = logged(tmp_path, "One", 2, f"node/output.log: {HOSTILE}", "node/output.log: second")
    logged(tmp_path, "Two", 1, "node/output.log: third")
    logged(tmp_path, "Three", 0)
    write_pages(tmp_path)
    drawn = html(tmp_path)
    assert "Server logs: 3 unexpected error lines in 2 scenarios." in drawn
    assert "node/output.log: third" in drawn
    assert "<script" not in drawn
    assert log in structure(drawn).links
    assert "3 unexpected error lines in 2 scenarios" in (tmp_path / "readiness.md").read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        (0, "no unexpected error line in 1 scenario"),
        (None, "not judged: the target file has no [launch.log]; the logs of 1 scenario are kept"),
    ],
)
def test_logs_without_errors_and_logs_that_nobody_judged_are_told_apart(tmp_path, errors, said):
    record(tmp_path, "One")
    logged(tmp_path, "One", errors)
    write_pages(tmp_path)
    assert f"Server logs: {said}." in html(tmp_path)


def test_a_run_without_logs_says_nothing_of_them(broken):
    assert "Server logs" not in html(broken)


def test_hostile_text_stays_text(broken):
    assert "<script" not in html(broken)
    markdown = (broken / "readiness.md").read_text(encoding="utf-8")
    assert "<script" not in markdown.replace("\\<", "")
    rows = [line for line in markdown.splitlines() if line.startswith("| ✕ | OFF-2") or "| OFF-2 " in line]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 6 for row in rows)


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", "<style>*{}</style>", '<g id="DEL-1"/>'])
def test_a_picture_that_would_reach_into_the_page_is_kept_apart(broken, evil):
    picture = PICTURE.replace("<text>", f"{evil}<text>")
    (broken / "cases/suites-delivery--loses/timeline.svg").write_text(picture, encoding="utf-8")
    write_pages(broken)
    assert evil not in html(broken)
    assert 'src="data:image/svg+xml;base64,' in html(broken)
    structure(html(broken))


def test_a_huge_picture_stays_a_link(broken):
    (broken / "cases/suites-delivery--loses/timeline.svg").write_text(
        PICTURE + " " * 70_000, encoding="utf-8"
    )
    write_pages(broken)
    assert "<svg" not in html(broken)
    assert ">timeline</a>" in html(broken)


def test_the_same_files_give_the_same_pages(broken):
    names = ("readiness.html", "readiness.md", "readiness.json")
    before = [(broken / name).read_bytes() for name in names]
    write_pages(broken)
    assert [(broken / name).read_bytes() for name in names] == before


def test_waivers_are_listed_with_what_became_of_them(broken):
    drawn = html(broken).partition('<h2 id="waivers"')[2]
    assert "no idempotency key" in drawn
    assert "2027-06-30" in drawn
    assert "✕ expired" in drawn


def test_the_summary_for_ci_says_the_same(broken):
    text = (broken / "readiness.md").read_text(encoding="utf-8")
    assert text.startswith("# NOT READY\n\n1 waiver is expired: OFF-2.\n")
    assert "1 passed, 2 failed, 0 skipped" in text
    assert "| ✕ | DEL-1 Online delivery | BROKEN |" in text
    assert "UNPROVEN, no scenario selected: DEL-2" in text


def test_a_run_that_is_only_incomplete_is_not_painted_red(tmp_path):
    record(tmp_path, "All")
    case(tmp_path, "All")
    output(tmp_path, All="PASS")
    write_pages(tmp_path)
    assert '<section class="verdict open" id="verdict"><h1>NOT READY</h1>' in html(tmp_path)
    assert "Why the run is red" not in html(tmp_path)


def test_a_ready_page_says_so(tmp_path):
    record(tmp_path, "All")
    case(tmp_path, "All")
    output(tmp_path, All="PASS")
    run = assemble(tmp_path)
    run.verdict, run.rule = "READY", "every P0 and P1 guarantee is PROVEN"
    drawn = page.draw(combine([run]), [tmp_path])
    assert '<section class="verdict ready" id="verdict"><h1>READY</h1>' in drawn
    assert ">Findings<" not in drawn
    structure(drawn)


def test_a_message_in_html_becomes_text():
    assert plain("*HTML* <b>a &lt; b</b><br>next<svg><text>x</text></svg>") == "a < b\nnext"
    assert plain(" a <b> ") == "a <b>"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\u2013"),
        (0, "0"),
        (1234567, "1\u202f234\u202f567"),
        (0.8, "0.8"),
        (True, "yes"),
        (False, "no"),
        ("x", "x"),
    ],
)
def test_numbers_read_well(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "\u2013"),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (41.2, "41 s"),
        (185, "3 min 05 s"),
        (7450, "2 h 04 min"),
    ],
)
def test_durations_read_well(seconds, text):
    assert duration(seconds) == text


def test_moments_are_utc():
    assert moment("2027-03-14T11:26:50.000+02:00") == "14 March 2027, 09:26 UTC"
