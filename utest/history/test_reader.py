"""The file format: both spellings, damage, and what docs/history.md shows."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from waybill.history import HistoryUnreadable, check
from waybill.history.command import main
from waybill.history.layout import body_digest
from waybill.history.reader import read

PAGE = (Path(__file__).parents[2] / "docs" / "history.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, flags=re.DOTALL)
HEADER = (
    '{"waybill": "history", "version": 1, "users": {"alice": ["phone"], "bob": ["laptop"]}, '
    '"conversations": {"ab": ["alice", "bob"]}}\n'
)
SENT = '{"event": "send", "device": "alice/phone", "conversation": "ab", "key": "m1", "body": "hi"}\n'


def written(tmp_path: Path, text: str, name: str = "history.jsonl") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_the_documented_example_gives_the_documented_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example, answer = BLOCKS[0][1], BLOCKS[1][1]
    path = written(tmp_path, example)

    code = main([str(path)])

    assert code == 1
    assert answer in capsys.readouterr().out


def test_the_documented_block_means_the_same_as_the_documented_lines(tmp_path: Path) -> None:
    spelled = BLOCKS[0][1].splitlines(keepends=True)
    compact = next(text for language, text in BLOCKS if language == "json" and '"events"' in text)
    sessions = (
        '{"event": "session", "device": "alice/phone"}\n',
        '{"event": "session", "device": "bob/laptop"}\n',
    )
    one = written(tmp_path, "".join([spelled[0], *sessions, *spelled[1:]]), "spelled.jsonl")
    two = written(tmp_path, "".join([spelled[0], *sessions, compact, *spelled[6:]]), "compact.jsonl")

    reports = [check(path).to_dict() for path in (one, two)]

    for report in reports:
        for anomaly in report["anomalies"]:
            for example in anomaly["examples"]:
                example["sentence"] = re.sub(r" at [\d.]+ ms", "", example["sentence"])
    assert reports[0] == reports[1]
    assert f'"digest": [{body_digest(b"hello")}, {body_digest(b"are you there?")}]' in compact


def test_every_promise_of_the_page_is_read_and_every_one_that_is_read_is_on_the_page() -> None:
    source = Path(check.__code__.co_filename).parent
    used = {
        name
        for path in source.rglob("*.py")
        for name in re.findall(r'promise\(\s*"(\w+)"', path.read_text(encoding="utf-8"))
    }
    section = PAGE.partition("### Promises")[2].partition("\n## ")[0]

    assert used == set(re.findall(r"^\| `(\w+)`", section, flags=re.MULTILINE))


def test_a_torn_last_line_is_left_out_and_reported(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + SENT + SENT[:40])

    history, report = read(path), check(path)

    assert len(history.sends.event) == 1
    assert history.torn
    assert report.verdict == "unknown"
    assert any("torn" in reason for reason in report.unknown_reasons)


def test_a_compressed_file_that_breaks_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = gzip.compress((HEADER + SENT * 200 + '{"end": {}}\n').encode())
    path = tmp_path / "history.jsonl.gz"
    path.write_bytes(whole[: len(whole) - 20])

    history = read(path)

    assert history.torn
    assert not history.closed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a header"),
        ("hello\n", "line 1"),
        ('{"event": "send"}\n', "expected a header"),
        (HEADER.replace('"version": 1', '"version": 2'), "expected format version 1, found 2"),
        (HEADER + SENT[:30] + "\n" + SENT, "line 2"),
        (HEADER + '{"event": "sned"}\n' + SENT, "unknown event 'sned'"),
        (HEADER + '{"event": "send", "device": "alice/phone"}\n' + SENT, "lacks or does not know 'body'"),
        (HEADER + SENT.replace('"key": "m1"', '"key": ""'), "event 1 is a send without a key"),
        (HEADER + SENT.replace('"conversation": "ab", ', ""), "event 1 is a send without a conversation"),
        (HEADER + '{"event": "ok", "device": "alice/phone", "key": "m1"}\n' + SENT, "no open operation"),
        (HEADER + SENT + '{"end": {"events": 3}}\n', "expected 3 events, as the end says, found 1"),
        (HEADER + '{"end": {}}\n' + SENT, "goes on after its end"),
        (HEADER + '{"events": {"first": 5, "kinds": "c", "cursor": {"session": 1}}}\n', "begins with event 1, found 5"),
        (HEADER + '{"events": {"first": 1, "kinds": "c", "cursor": {"session": 1}}}\n', "no `session` event began"),
        (HEADER + '{"events": {"first": 1, "kinds": "x"}}\n', "expected only the letters"),
        (HEADER + '{"events": {"first": 1, "kinds": "cc", "cursor": {"value": [1]}}}\n', "expected 2 values in column"),
        (HEADER + '{"events": {"first": 1, "kinds": "c", "cursor": {"worth": 1}}}\n', "unknown column 'worth'"),
        (HEADER + '{"table": "ids", "first": 3, "names": ["a"]}\n', "to go on at 0, found 3"),
    ],
)  # fmt: skip
def test_an_unreadable_file_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    path = written(tmp_path, text)

    with pytest.raises(HistoryUnreadable, match=re.escape(message)):
        check(path)
    assert main([str(path)]) == 3
    assert str(path) in capsys.readouterr().err


def test_a_missing_file_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(HistoryUnreadable, match="No such file"):
        check(tmp_path / "nothing.jsonl")


def test_exit_codes_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finals = '{"event": "final", "device": "alice/phone"}\n{"event": "final", "device": "bob/laptop"}\n'
    end = '{"end": {}}\n'
    acknowledged = SENT + '{"event": "ok", "device": "alice/phone"}\n'
    clean = written(tmp_path, HEADER + finals + end, "clean.jsonl")
    unknown = written(tmp_path, HEADER + finals, "unknown.jsonl")
    bad = written(tmp_path, HEADER + acknowledged + finals + end, "bad.jsonl")

    assert main([str(clean)]) == 0
    assert main([str(unknown)]) == 2
    assert main([str(bad)]) == 1
    assert main([str(clean), str(unknown)]) == 2
    assert main([str(unknown), str(bad)]) == 1
    assert main([str(bad), str(tmp_path / "nothing.jsonl")]) == 3
    capsys.readouterr()
    assert main(["--json", str(bad)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [anomaly["anomaly"] for anomaly in told["anomalies"]] == ["lost-acked"]
    assert main(["--json", str(bad), str(clean)]) == 1
    assert [one["verdict"] for one in json.loads(capsys.readouterr().out)] == ["anomalies", "clean"]


def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + SENT + '{"event": "ok", "device": "alice/phone"}\n{"end": {}}\n')

    assert check(path).to_json() == check(path).to_json()


def test_a_broken_check_makes_the_verdict_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from waybill.history import checker

    def breaks(history: object) -> list[object]:
        raise ZeroDivisionError("by zero")

    finals = '{"event": "final", "device": "alice/phone"}\n{"event": "final", "device": "bob/laptop"}\n'
    path = written(tmp_path, HEADER + finals + '{"end": {}}\n')
    monkeypatch.setitem(checker.CHECKS, "order", breaks)

    report = check(path)

    assert report.verdict == "unknown"
    assert report.unknown_reasons == ("the check 'order' broke: ZeroDivisionError: by zero",)


def test_a_device_without_a_final_read_makes_loss_unknown(tmp_path: Path) -> None:
    acknowledged = SENT + '{"event": "ok", "device": "alice/phone"}\n'
    final = '{"event": "final", "device": "alice/phone"}\n'
    path = written(tmp_path, HEADER + acknowledged + final + '{"end": {}}\n')

    report = check(path)

    assert report.verdict == "unknown"
    assert report.unknown_reasons == ("loss at bob/laptop is unknown: it has no complete final read",)
    assert "lost" not in report.figures


def test_at_most_twenty_examples(tmp_path: Path) -> None:
    lines = "".join(
        f'{{"event": "deliver", "device": "bob/laptop", "conversation": "ab", "key": "g{n}", "body": "boo"}}\n'
        for n in range(30)
    )
    path = written(tmp_path, HEADER + lines + '{"end": {}}\n')

    found = check(path).anomalies[0]

    assert (found.name, found.count, len(found.examples)) == ("phantom", 30, 20)
