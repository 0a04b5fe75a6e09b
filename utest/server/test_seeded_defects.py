"""The seeded defects: what is said of them, and how they are chosen."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from waybill_server import stand_ins
from waybill_server.cli import main
from waybill_server.defects import Defect, UnknownDefect, every, find, rare_forms
from waybill_server.defects.counting import Every, FromOn, OfEach, SoonAfter, every_start, figure, strikes
from waybill_server.defects.registry import ALWAYS, MOMENT
from waybill_server.defects.table import markdown
from waybill_server.node import Settings
from waybill_server.token_check import Identity

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(("command", "listed"), [("defects", every()), ("stand-ins", stand_ins.every())])
def test_the_page_shows_them_as_they_are(command: str, listed: list[Defect]) -> None:
    page = (ROOT / "docs" / "defects.md").read_text(encoding="utf-8")
    after = page.partition(f"<!-- waybill-server {command} --markdown -->\n")[2]
    assert after.partition("\n\n")[0].rstrip() == markdown(listed).rstrip()


def test_the_page_shows_the_rare_forms_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["defects", "--rare", "--markdown"]) == 0
    page = (ROOT / "docs" / "defects.md").read_text(encoding="utf-8")
    after = page.partition("<!-- waybill-server defects --rare --markdown -->\n")[2]
    assert after.partition("\n\n")[0].rstrip() == capsys.readouterr().out.rstrip()


def test_every_defect_says_what_it_breaks_and_who_must_notice_by_what() -> None:
    for defect in (*every(), *stand_ins.every()):
        assert defect.breaks.endswith("."), defect.name
        assert defect.noticed, defect.name
        assert all(defect.noticed.values()), defect.name


def test_an_unknown_defect_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownDefect, match="did you mean 'drop-every-nth'"):
        find("drop-evry-nth")


def test_the_command_lists_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["defects"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == [defect.name for defect in every()]
    assert main(["defects", "--rare"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed == [defect.name for defect in rare_forms()]


def test_an_unknown_stand_in_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UnknownDefect, match="did you mean 'black-hole'"):
        stand_ins.find("black-hoel")


def test_the_rare_form_of_a_defect_is_the_same_fault_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(rare_forms()) > len(every()) / 2
    for defect in rare_forms():
        blatant = find(defect.name.removesuffix(".rare"))
        assert (defect.part, defect.seam) == (blatant.part, blatant.seam)
        assert defect.noticed
        assert defect.noticed.items() <= blatant.noticed.items()
        assert defect.breaks.endswith(".")
        assert defect.breaks != blatant.breaks
        assert find(defect.name) == defect


def test_a_defect_of_a_node_alone_has_a_rare_form_or_says_why_not() -> None:
    for defect in every():
        assert [bool(defect.rare), defect.steady in (MOMENT, ALWAYS), defect.regional].count(True) == 1, (
            defect.name
        )


@pytest.fixture
def rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process runs the rare form of a defect."""
    monkeypatch.setattr(Every, "rarely", True)


def test_what_is_blatant_strikes_as_often_as_it_is_asked(tmp_path: Path) -> None:
    count = Every(2, rare=3)
    assert [count.now() for _ in range(6)] == [False, True, False, True, False, True]
    assert strikes(moment=False)
    assert OfEach(2).now("alice")
    assert FromOn(2).now()
    assert SoonAfter(0.0).now()
    assert every_start(3, tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert figure(50, rare=500) == 50


@pytest.mark.usefixtures("rarely")
def test_what_is_rare_strikes_once_in_a_while_or_at_its_moment(tmp_path: Path) -> None:
    count = Every(2, rare=3)
    assert [count.now() for _ in range(6)] == [False, False, True, False, False, True]
    assert [strikes(moment) for moment in (False, True)] == [False, True]
    second = OfEach(2)
    assert [second.now(one) for one in "aabba"] == [False, True, False, True, False]
    from_second_on = FromOn(2)
    assert [from_second_on.now(one) for one in "aabba"] == [False, True, False, True, True]
    assert [soon.now() for soon in [SoonAfter(3600.0)] * 2] == [False, True]
    assert [never.now() for never in [SoonAfter(0.0)] * 2] == [False, False]
    assert [every_start(3, tmp_path / "data") for _ in range(6)] == [False, False, True, False, False, True]
    assert figure(50, rare=500) == 500


def test_a_defect_is_no_stand_in_and_a_stand_in_no_defect() -> None:
    with pytest.raises(UnknownDefect):
        find("liar")
    with pytest.raises(UnknownDefect):
        stand_ins.find("drop-every-nth")


def test_programs_get_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["defects", "--json"]) == 0
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    alone = [one for one in every() if not one.regional]
    assert list(listed) == [one.name for one in (*alone, *rare_forms(), *stand_ins.every())]
    assert listed["drop-every-nth.rare"]["arguments"] == ["--defect", "drop-every-nth.rare"]
    assert listed["liar"]["arguments"] == ["--stand-in", "liar"]
    assert listed["drop-every-nth"]["noticed"] == {"DEL-1": ["lost-acked"]}
    assert main(["defects", "--json", "--with-peers"]) == 0
    among = [one["name"] for one in json.loads(capsys.readouterr().out)]
    assert among == [one.name for one in every() if one.regional]


def test_a_node_does_not_start_with_a_defect_that_is_not_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    certificate = tmp_path / "node.pem"
    certificate.touch()
    with pytest.raises(SystemExit) as ended:
        main(
            [
                *(
                    "node",
                    "--data",
                    str(tmp_path / "data"),
                    "--issuer",
                    "https://127.0.0.1:1",
                    "--defect",
                    "none",
                ),
                *("--certificate", str(certificate), "--key", str(certificate)),
            ]
        )
    assert ended.value.code == 2
    assert "no defect 'none'" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


STORING = [defect for defect in every() if defect.seam in ("store", "ledger", "writer", "schema")]


@pytest.mark.parametrize("defect", STORING, ids=[defect.name for defect in STORING])
def test_a_defect_of_the_store_opens_it_like_the_store_itself(tmp_path: Path, defect: Defect) -> None:
    async def tale() -> None:
        settings = Settings(tmp_path / "data", "https://issuer", tmp_path / "certificate", tmp_path / "key")
        defect.assemble(settings, Nobody()).store.close()

    asyncio.run(tale())


class Nobody:
    """A token check that is never asked."""

    async def check(self, token: str) -> Identity:
        raise AssertionError(token)
