"""What is said about every planted history - figures, kinds, events and words - is what stands in `said.txt`.

After a change that is meant, write the file again and read what changed in it: `python utest/history/test_said.py`.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from waybill.history import check
from waybill.history.planted.stories import corpus, story

FILE = Path(__file__).with_name("said.txt")


def said() -> str:
    """Every planted history with its findings."""
    lines = []
    with TemporaryDirectory() as folder:
        for one in corpus():
            if one.planted:
                lines.append(f"== {one.anomaly}: {one.title}")
                for anomaly in check(story(one.text, Path(folder) / "history.jsonl")).anomalies:
                    kinds = " ".join(f"{kind}={count}" for kind, count in sorted(anomaly.sub_kinds.items()))
                    lines.append(f"{anomaly.name} {anomaly.count} {kinds}".rstrip())
                    lines += [
                        f"    {example.sentence} {list(example.events)}" for example in anomaly.examples
                    ]
                lines.append("")
    return "\n".join(lines)


def test_the_same_is_said_about_every_planted_history() -> None:
    assert said().splitlines() == FILE.read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    FILE.write_text(said(), encoding="utf-8")
