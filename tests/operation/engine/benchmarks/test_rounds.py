"""Rounds of measurements: interleaved, fair and honest about failures."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operation.engine.benchmarks.activity import machine, share_of_others
from operation.engine.benchmarks.contender import Command, Comparison, Contender, Place
from operation.engine.benchmarks.rounds import duration, order, rounds, seconds_left
from operation.engine.benchmarks.voice import Silence, Voice
from operation.engine.errors import StepFailed


class Said(Voice):
    """Keeps the lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


OF = Callable[[Place], list[Command]]


def python(code: str, *codes: str) -> OF:
    """Return commands that execute each code in the folder of the place."""
    return lambda place: [Command([sys.executable, "-c", one], place.out) for one in (code, *codes)]


def comparison(tmp_path: Path, *contenders: Contender) -> Comparison:
    def place(contender: Contender) -> Place:
        out = tmp_path / "out" / contender.name
        out.mkdir(parents=True, exist_ok=True)
        return Place(tmp_path, out)

    return Comparison("test", "a test", contenders, place)


def test_every_round_begins_with_another_and_the_first_does_not_count(tmp_path: Path) -> None:
    said = Said()
    both = comparison(
        tmp_path, Contender("a", python("")), Contender("b", python("import time; time.sleep(.2)"))
    )
    found = rounds(both, 2, said)
    assert [" ".join(line.split()[:-5]) for line in said.lines] == [
        "warm-up: a",
        "warm-up: b",
        "round 1 of 2: b",
        "round 1 of 2: a",
        "round 2 of 2: a",
        "round 2 of 2: b",
    ]
    assert said.lines[-1].endswith(", 0 s left")
    assert [len(measured) for measured in found.values()] == [2, 2]
    assert min(one.seconds for one in found["b"]) > 0.2


def test_without_a_warm_up_the_first_round_counts(tmp_path: Path) -> None:
    said = Said()
    found = rounds(comparison(tmp_path, Contender("a", python(""))), 1, said, warm_up=False)
    assert len(found["a"]) == 1
    assert said.lines[0].startswith("  round 1 of 1: a ")


def test_a_command_that_fails_ends_the_measurement_with_its_last_lines(tmp_path: Path) -> None:
    broken = Contender("broken", python("print('hello'); 1 / 0"))
    with pytest.raises(StepFailed) as caught:
        rounds(comparison(tmp_path, broken), 1, Silence())
    lines = str(caught.value).splitlines()
    assert lines[0] == f"broken: exit code 1 of: {sys.executable} -c print('hello'); 1 / 0"
    assert lines[1] == "    hello"
    assert lines[-1] == "    ZeroDivisionError: division by zero"


def test_what_did_not_do_what_was_meant_is_not_measured(tmp_path: Path) -> None:
    idle = Contender("idle", python("print('did it all again')"), proof="nothing to do")
    with pytest.raises(StepFailed) as caught:
        rounds(comparison(tmp_path, idle), 1, Silence())
    assert str(caught.value) == (
        "idle: expected 'nothing to do' in its output: what was measured is not what was meant.\n"
        "    did it all again"
    )


def test_commands_at_once_overlap(tmp_path: Path) -> None:
    meeting = """
import sys, time
from pathlib import Path
Path(sys.argv[1]).touch()
while not Path(sys.argv[2]).exists():
    time.sleep(.01)
"""

    def commands(place: Place) -> list[Command]:
        pair = [("one", "other"), ("other", "one")]
        return [Command([sys.executable, "-c", meeting, *words], place.out) for words in pair]

    (found,) = rounds(comparison(tmp_path, Contender("meeting", commands, at_once=2)), 1, Silence()).values()
    assert found[0].seconds > 0


def test_a_contender_may_measure_itself(tmp_path: Path) -> None:
    warm = Contender("warm", python("print(0.25)"), figure=float)
    assert rounds(comparison(tmp_path, warm), 1, Silence())["warm"][0].seconds == 0.25


def test_variables_that_steer_the_workbench_do_not_reach_a_contender(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_RUNS", "elsewhere")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    code = "import os; print(os.environ.get('WORKBENCH_RUNS', 'no'), os.environ.get('OMP_NUM_THREADS', 'no'))"
    rounds(comparison(tmp_path, Contender("a", python(code), proof="no no")), 1, Silence())


@given(st.integers(1, 9), st.integers(0, 40))
def test_a_round_holds_every_contender_once(count: int, number: int) -> None:
    every = [Contender(str(one), python("")) for one in range(count)]
    found = order(every, number)
    assert sorted(one.name for one in found) == sorted(one.name for one in every)
    assert found[0] is every[number % count]


def test_what_is_left_follows_what_was_seen() -> None:
    both = [Contender("a", python(""), about=5), Contender("b", python(""), about=7)]
    assert seconds_left(both, {}, [], 2) == 24
    assert seconds_left(both, {"a": [1.0, 3.0, 2.0]}, both[1:], 1) == 16
    assert (duration(99), duration(100), duration(1200)) == ("99 s", "2 min", "20 min")


def test_after_a_failure_nothing_more_begins_and_nothing_is_left(tmp_path: Path) -> None:
    late = "from pathlib import Path; Path('late').touch()"
    slow = "import time; time.sleep(600)"

    def commands(place: Place) -> list[Command]:
        return [Command([sys.executable, "-c", one], tmp_path) for one in (slow, "1 / 0", late, late)]

    with pytest.raises(StepFailed, match=r"^both: exit code 1 of"):
        rounds(comparison(tmp_path, Contender("both", commands, at_once=2)), 1, Silence())
    assert not (tmp_path / "late").exists()


def test_others_are_what_the_machine_did_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert share_of_others(None, 1.0, 1.0) is None
    assert share_of_others(30.0, 10.0, 20.0) == 0.5
    assert share_of_others(9.0, 10.0, 20.0) == 0.0


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_the_machine_counts_what_a_child_does() -> None:
    before = machine()
    subprocess.run([sys.executable, "-c", "sum(range(30_000_000))"], check=True)
    after = machine()
    assert before is not None
    assert after is not None
    assert after > before
