"""Rounds of measurements: interleaved, fair and honest about failures."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from operation.engine.benchmarks.notebooks import contenders
from operation.engine.benchmarks.rounds import Contender, rounds, summary, table
from operation.engine.errors import StepFailed
from operation.engine.layout import Layout


def _contender(name: str, code: str) -> Contender:
    return Contender(name, lambda folder: [[sys.executable, "-c", code, str(folder)]])


def test_every_round_has_another_order_and_the_first_does_not_count(tmp_path: Path) -> None:
    said: list[str] = []
    both = [_contender("a", ""), _contender("b", "import time; time.sleep(.2)")]
    found = rounds(both, 2, lambda one, number: tmp_path / f"{one.name}{number}", tmp_path, said.append)
    assert [line.split(": ")[0] + " " + line.split()[-3] for line in said] == [
        "warm-up a",
        "warm-up b",
        "round 1 b",
        "round 1 a",
        "round 2 a",
        "round 2 b",
    ]
    assert [len(seconds) for seconds in found.values()] == [2, 2]
    assert min(found["b"]) > 0.2


def test_a_command_that_fails_ends_the_measurement(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match=r"^broken: .* failed:\n(.|\n)*ZeroDivisionError"):
        rounds([_contender("broken", "1 / 0")], 1, lambda *_: tmp_path, tmp_path, lambda _: None)


def test_ratios_are_of_the_medians_and_of_each_round() -> None:
    rows = summary({"plain": [1.0, 2.0, 3.0], "other": [2.0, 2.0, 9.0]}, "plain")
    assert [row["ratio"] for row in rows] == [1.0, 1.0]
    assert rows[1]["ratios"] == [2.0, 1.0, 3.0]
    assert (rows[1]["least"], rows[1]["median"], rows[1]["most"]) == (2.0, 2.0, 9.0)
    assert table(rows).splitlines()[2].split() == [
        "other",
        "2.00s",
        "2.00s",
        "9.00s",
        "1.00",
        "2.00",
        "1.00",
        "3.00",
    ]


def test_the_plain_script_is_the_notebook_s_code(tiny: Layout, tmp_path: Path) -> None:
    contenders(tiny, tiny.notebooks / "01-count-letters.ipynb", tmp_path)
    text = (tmp_path / "01-count-letters.py").read_text(encoding="utf-8")
    assert "counted = core.count(factor=factor, skip=skip)" in text
    compile(text, "script", "exec")
