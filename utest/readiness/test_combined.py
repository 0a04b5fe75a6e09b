"""Several runs on one page: columns, cells, links, and what is said of runs that never began."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from folders import case, output, record
from test_pages import HOSTILE, structure

from waybill.readiness import pages
from waybill.readiness.assemble import NotARunFolder, assemble
from waybill.readiness.cases import Finding
from waybill.readiness.combined import FILE, distinct_slugs, read_combined, way, write_combined
from waybill.readiness.pages import write_pages

NAMES = ("readiness.html", "readiness.md", "readiness.json")
LOST = [Finding("lost-acked", 12, "alice/phone sent m7; bob/laptop never got it", [7, 9])]


def good(folder: Path, **facts: object) -> Path:
    """A run in which its one scenario passed."""
    record(folder, "All", **facts)
    case(folder, "All")
    output(folder, All="PASS")
    write_pages(folder)
    return folder


def losing(folder: Path, **facts: object) -> Path:
    """A run that lost messages."""
    record(folder, "All", **facts)
    case(folder, "All", "failed", cause="anomalies", message="lost-acked (12)", findings=LOST)
    output(folder, All="FAIL")
    write_pages(folder)
    return folder


def never(folder: Path, **facts: object) -> Path:
    """A run that was planned and never began."""
    record(folder, "All", started="", finished="", not_run="the run was stopped before", **facts)
    return folder


def together(folder: Path, *runs: Path) -> Path:
    """The folder of a page with these runs."""
    write_combined(folder, runs)
    write_pages(folder)
    return folder


def html(folder: Path) -> str:
    return (folder / "readiness.html").read_text(encoding="utf-8")


def markdown(folder: Path) -> str:
    return (folder / "readiness.md").read_text(encoding="utf-8")


def heads(drawn: str) -> list[str]:
    """The texts of the matrix's column heads."""
    table = drawn.partition('<table class="compare">')[2].partition("</thead>")[0]
    return [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in re.findall(r"<th.*?</th>", table)]


def cells(drawn: str, id_: str) -> list[str]:
    """The words in the matrix's row of a guarantee."""
    table = drawn.partition('<table class="compare">')[2].partition("</table>")[0]
    (row,) = [row for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL) if f'"id">{id_}<' in row]
    return [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td>.*?</td>", row)]


@pytest.fixture
def three(tmp_path):
    """A good server, one that loses messages and one that was never tested, beside each other."""
    return together(
        tmp_path,
        good(tmp_path / "reference"),
        losing(tmp_path / "mosquitto", target="mosquitto", driver="mqtt", server_version="2.0.21"),
        never(tmp_path / "ejabberd", target="ejabberd", driver="xmpp"),
    )


def test_each_server_has_a_column_with_its_verdict(three):
    assert heads(html(three)) == [
        "Guarantee",
        "reference waybill 14 March 2027, 09:26 UTC seed 42 Waybill 1.0 ○ NOT READY",
        "mosquitto mqtt version 2.0.21 14 March 2027, 09:26 UTC seed 42 Waybill 1.0 ✕ NOT READY",
        "ejabberd xmpp seed 42 Waybill 1.0 – NOT RUN",  # noqa: RUF001 - the dash that the page writes
    ]


def test_cells_say_the_verdict_in_words_and_lead_to_the_servers_row(three):
    assert cells(html(three), "DEL-1") == ["✓ PROVEN", "✕ BROKEN", "– not run"]  # noqa: RUF001
    assert {"#reference-DEL-1", "#mosquitto-DEL-1", "#ejabberd"} <= set(structure(html(three)).links)


def test_above_the_matrix_stands_why_each_is_not_ready(three):
    above = html(three).partition('<table class="compare">')[0]
    plain = unescape(re.sub(r"</?span[^>]*>", "", above.partition("<body>")[2]))
    text = " ".join(re.sub(r"<[^>]+>", " ", plain).split())
    assert "P0 DEL-1 is BROKEN: acknowledged messages were lost (12 times) in 'All'." in text
    assert "20 P0 guarantees were not put to the proof" in text
    assert "The run was stopped before." in text
    assert "<h1>0 of 3 READY</h1>" in above


def test_every_link_of_the_page_is_alive(three):
    found = structure(html(three))
    for link in found.links:
        path, _, anchor = link.partition("#")
        if path and not link.startswith("data:"):
            assert (three / path).is_file(), link
        elif not path:
            assert anchor in found.ids, link
    assert {"mosquitto/readiness.html", "mosquitto/log.html#s1-s1-t1"} <= set(found.links)


def test_a_table_tells_a_screen_reader_which_head_belongs_to_a_cell(three):
    table = html(three).partition('<table class="compare">')[2].partition("</table>")[0]
    assert "<th>" not in table
    assert {"col", "row", "rowgroup"} == set(re.findall(r'<th scope="(\w+)"', table))


def test_what_nobody_tried_is_named_once(three):
    assert (
        'class="id">CHA-1<'
        not in html(three).partition('<table class="compare">')[2].partition("</table>")[0]
    )
    assert "No scenario was selected for 44 more guarantees, UNPROVEN on every server" in html(three)


def test_markdown_has_the_same_matrix(three):
    text = markdown(three)
    assert text.startswith("# 0 of 3 READY\n")
    assert "| DEL-1 Online delivery | P0 | ✓ PROVEN | ✕ BROKEN | – not run |" in text  # noqa: RUF001
    assert "| **mosquitto** | ✕ NOT READY | P0 DEL-1 is BROKEN: acknowledged messages were lost" in text
    rows = [line for line in text.partition("## Guarantees")[2].splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows[:3]} == {6}


def test_a_run_that_never_began_is_never_ready(three):
    run = assemble(three / "ejabberd")
    assert (run.verdict, run.red) == ("NOT READY", ["it was not run: the run was stopped before"])
    assert run.counts.no_verdict == 1
    write_pages(three / "ejabberd")
    assert "<h1>NOT RUN</h1>" in html(three / "ejabberd")


def test_a_run_that_has_begun_is_judged_by_its_cases(tmp_path):
    never(tmp_path)
    case(tmp_path, "All")
    output(tmp_path, All="PASS")
    assert assemble(tmp_path).not_run == ""


def test_where_no_run_began_nothing_is_said_about_guarantees(tmp_path):
    page = together(tmp_path, never(tmp_path / "a", target="a"), never(tmp_path / "b", target="b"))
    assert '<table class="compare">' not in html(page)
    assert "No scenario was selected" not in html(page)
    assert "no scenario selected" not in markdown(page)
    structure(html(page))


def test_one_run_that_is_ready_is_counted(three, monkeypatch):
    def ready(folder):
        run = assemble(folder)
        if run.target == "reference":
            run.verdict, run.rule, run.why, run.red = "READY", "all PROVEN", "", []
        return run

    monkeypatch.setattr(pages, "assemble", ready)
    assert write_pages(three).verdict == "NOT READY"
    assert "<h1>1 of 3 READY</h1>" in html(three)
    assert heads(html(three))[1].endswith("✓ READY")


def test_the_same_server_twice_is_told_apart_by_its_date(tmp_path):
    together(
        tmp_path / "page",
        good(tmp_path / "old", started="2027-03-01T08:00:00+00:00"),
        losing(tmp_path / "new"),
    )
    drawn = html(tmp_path / "page")
    assert [head.partition(" seed")[0] for head in heads(drawn)[1:]] == [
        "reference waybill 1 March 2027, 08:00 UTC",
        "reference waybill 14 March 2027, 09:26 UTC",
    ]
    assert 'id="reference-1-march-2027-08-00-utc"' in drawn
    assert "| **reference, 14 March 2027, 09:26 UTC** |" in markdown(tmp_path / "page")
    structure(drawn)


def test_the_same_server_twice_in_one_minute_gets_a_number(tmp_path):
    together(tmp_path, good(tmp_path / "one"), good(tmp_path / "two"))
    assert ">reference, 14 March 2027, 09:26 UTC (2)</a>" in html(tmp_path)
    structure(html(tmp_path))


def test_runs_beside_the_page_are_linked_relatively(tmp_path):
    run = losing(tmp_path / "my runs" / "one")
    page = together(tmp_path / "page", run, good(tmp_path / "two"))
    assert "../my%20runs/one/log.html#s1-s1-t1" in structure(html(page)).links
    assert str(tmp_path) not in html(page)


def test_runs_that_cannot_be_reached_leave_no_dead_link(three, monkeypatch):
    monkeypatch.setattr(pages, "way", lambda folder, run: None)
    write_pages(three)
    links = {link.partition("#")[0] for link in structure(html(three)).links}
    assert links == {"", "readiness.json", "data:,"}


def test_the_same_runs_give_the_same_page(three):
    before = [(three / name).read_bytes() for name in NAMES]
    write_pages(three)
    assert [(three / name).read_bytes() for name in NAMES] == before


def test_a_variant_says_what_it_had_to_break_and_whether_it_did(tmp_path):
    facts = {"variant": "keeps nothing on disk.", "breaks": ["DEL-1", "ACK-1"]}
    one = losing(tmp_path / "a", target="mosquitto+no-disk", **facts)
    two = good(tmp_path / "b", target="other+no-disk", **facts)
    page = together(tmp_path, one, two)
    said = (
        "Variant of mosquitto: keeps nothing on disk; must break DEL-1 (✓ it is BROKEN); ACK-1 (○ not tried)."
    )
    assert said in markdown(page)
    assert "DEL-1 (✕ not noticed, it is PROVEN)" in markdown(page)
    for folder in (page, one):
        assert said in re.sub(r"</?span[^>]*>", "", html(folder))


def test_hostile_names_stay_text(tmp_path):
    page = together(
        tmp_path, losing(tmp_path / "a", target=HOSTILE, server_version=HOSTILE), good(tmp_path / "b")
    )
    structure(html(page))
    assert "<script" not in html(page)
    assert "<script" not in markdown(page).replace("\\<", "")


def test_a_list_of_runs_survives_its_file_and_its_move(tmp_path):
    one = good(tmp_path / "page" / "one")
    write_combined(tmp_path / "page", [one])
    moved = (tmp_path / "page").rename(tmp_path / "moved")
    assert read_combined(moved) == [moved / "one"]
    assert read_combined(one) is None


def test_a_list_that_cannot_be_read_or_names_what_is_gone_is_refused(tmp_path):
    write_combined(tmp_path, [tmp_path / "gone"])
    with pytest.raises(NotARunFolder, match="gone is not the folder of a run"):
        write_pages(tmp_path)
    (tmp_path / FILE).write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="is not a list of runs"):
        write_pages(tmp_path)


def test_folders_with_nothing_in_common_have_no_relative_way():
    assert way(Path("/one/page"), Path("/two/run")) is None
    assert way(Path("/one/page"), Path("/one/run")) == "../run"
    assert way(Path("/one/page"), Path("/one/page")) == "."


def test_names_that_differ_in_punctuation_get_folders_of_their_own():
    assert distinct_slugs(["a+b", "a-b", "a b", "c"]) == ["a-b", "a-b-2", "a-b-3", "c"]
