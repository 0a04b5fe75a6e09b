"""The catalogue: what is in it, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from waybill.readiness.catalogue import CatalogueError, bundled_catalogue, read

ENTRY = """\
schema = 1
[[guarantee]]
id = "DEL-1"
family = "delivery"
title = "Online delivery"
priority = "P0"
statement = "All of it arrives."
source = "audit"
at_least = { acknowledged = 10 }
"""


def catalogue(folder: Path, text: str) -> Path:
    path = folder / "catalogue.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_bundled_catalogue_demands_something_of_every_guarantee():
    guarantees = bundled_catalogue().guarantees
    assert len(guarantees) == 45
    assert [id_ for id_, one in guarantees.items() if not one.demands()] == []
    assert [
        id_ for id_, one in guarantees.items() if not (one.statement and one.source and one.defects)
    ] == []


def test_every_priority_and_the_security_guarantees_are_there():
    guarantees = bundled_catalogue().guarantees.values()
    assert {one.priority for one in guarantees} == {"P0", "P1", "P2"}
    security = {one.id for one in guarantees if one.security}
    assert security == {
        *("AUT-1", "TOK-1", "TOK-2", "TOK-3", "TOK-4", "AZ-1", "TLS-1", "TLS-2", "TLS-3", "INP-1"),
    }


def test_demands_read_like_sentences():
    guarantees = bundled_catalogue().guarantees
    assert guarantees["FOV-1"].demands() == ["failovers >= 3", "recovery_seconds <= 30", "lost = 0"]
    assert "all opcodes" in guarantees["PBT-1"].demands()
    assert "queue_bound_held" in guarantees["BPR-1"].demands()
    assert "healthy_p99_ms reported" in guarantees["BPR-1"].demands()


def test_tags_name_guarantees_in_any_case():
    found = bundled_catalogue().demanded_by(["ord-1", "P0", "DEL-1", "delivery"])
    assert [one.id for one in found] == ["DEL-1", "ORD-1"]


def test_a_tag_that_only_looks_like_a_guarantee_is_noticed():
    assert bundled_catalogue().misspelt(["DEL-11", "JIRA-7", "del-1", "P0", "DEL-1"]) == ["DEL-11"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('"P0"', '"P7"'), "expected one of P0, P1, P2"),
        (("at_least = { acknowledged = 10 }\n", ""), "demands no evidence for DEL-1"),
        (('title = "Online delivery"\n', ""), "missing required field `title`"),
        (("at_least", "at_lest"), "at_lest"),
        (("schema = 1", "schema = "), "cannot be used"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_reason(tmp_path, change, says):
    with pytest.raises(CatalogueError, match=says):
        read(catalogue(tmp_path, ENTRY.replace(*change)))


def test_an_id_counts_once(tmp_path):
    twice = ENTRY + ENTRY.partition("schema = 1\n")[2]
    with pytest.raises(CatalogueError, match="has DEL-1 twice"):
        read(catalogue(tmp_path, twice))


def test_a_missing_catalogue_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(CatalogueError, match=r"nowhere\.toml"):
        read(tmp_path / "nowhere.toml")
