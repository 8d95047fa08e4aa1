"""The benchmarks measure: tiny, once, on the engine's tiny project. Figures are no test's business."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pyperf
import pytest

from operation.engine.foundation.layout import Layout
from tests.benchmarks.__main__ import main
from tests.benchmarks.rounds import Command, Comparison, Contender, Failed, measure, table
from tests.operation.engine.conftest import build


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """The tiny project of the engine's tests."""
    return build(tmp_path / "project", monkeypatch)


def _rows(output: str) -> list[str]:
    return re.findall(r"^(\S.*?\S)  .* (?:us|ms|s) +[\d.]+   [\d. ]+$", output, re.MULTILINE)


def test_a_sweep_and_a_run_in_which_nothing_changed_are_measured(
    tiny: Layout, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "times.json"
    main(
        [
            "noop",
            "sweep",
            "--quick",
            "--notebook",
            "01-count-letters",
            "--grid",
            "factor=2,3",
            "--json",
            str(kept),
        ]
    )
    names = ["python3 -c pass", "workbench run", "plain scripts, 2 at once", "workbench sweep, with HTML"]
    assert _rows(capsys.readouterr().out) == names
    suite = pyperf.BenchmarkSuite.load(str(kept))
    assert [benchmark.get_name().partition(": ")[2] for benchmark in suite] == names
    assert list(tiny.runs.glob("benchmark-*")) == []  # no copy of the project is left


def _python(*codes: str) -> Callable[[Path], list[Command]]:
    return lambda folder: [Command([sys.executable, "-c", code], folder) for code in codes]


def _comparison(tmp_path: Path, *contenders: Contender) -> Comparison:
    return Comparison("a test", contenders, lambda: tmp_path)


def test_every_round_begins_with_another_and_the_warm_up_does_not_count(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    both = _comparison(tmp_path, Contender("a", _python("")), Contender("b", _python("")))
    times, cores = measure(both, 2)
    told = [line.rsplit(maxsplit=2)[0].strip() for line in capsys.readouterr().out.splitlines()]
    names = (
        "warm-up: a",
        "warm-up: b",
        "round 1 of 2: b",
        "round 1 of 2: a",
        "round 2 of 2: a",
        "round 2 of 2: b",
    )
    assert told == list(names)
    assert [len(seconds) for seconds in (*times.values(), *cores.values())] == [2, 2, 2, 2]


def test_ratios_are_of_the_medians_and_of_each_round() -> None:
    times = {"plain": [1.0, 2.0, 3.0], "other": [0.5, 2.0, 9.0]}
    assert table(times, {"plain": [1.0, 1.0, 1.0], "other": [3.0, 4.0, 5.0]}).splitlines() == [
        "             min     median        max     of CPU      ratio   ratio of each round",
        "plain     1.00 s     2.00 s     3.00 s     1.00 s       1.00   1.00 1.00 1.00",
        "other  500.00 ms     2.00 s     9.00 s     4.00 s       1.00   0.50 1.00 3.00",
    ]


def test_what_did_not_do_what_was_meant_is_not_measured(tmp_path: Path) -> None:
    idle = Contender("idle", _python("print('did it all again')"), proof="nothing to do")
    with pytest.raises(
        Failed, match=r"^idle: expected 'nothing to do' in its output:\n    did it all again$"
    ):
        measure(_comparison(tmp_path, idle), 1)


def test_a_failure_ends_all(tmp_path: Path) -> None:
    codes = ("import time; time.sleep(600)", "print('hello', flush=True); 1 / 0")
    with pytest.raises(Failed) as caught:
        measure(_comparison(tmp_path, Contender("both", _python(*codes), at_once=2)), 1)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"both: exit code 1 of: {sys.executable} -c print('hello', flush=True); 1 / 0"
    assert (lines[1], lines[-1]) == ("    hello", "    ZeroDivisionError: division by zero")
