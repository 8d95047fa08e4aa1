"""``run`` and ``step`` after whatever can change: what they say and leave is what a plain process gives.

``WORKBENCH_RUN_MUTATIONS=1000`` asks for more mutations than the few by default; a failure names its own.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import pytest

from operation.engine.foundation.errors import WorkbenchError
from tests.operation.commands.mutated_files import (
    NAME,
)
from tests.operation.commands.mutated_project import Answer, Mutated
from tests.operation.commands.mutation_kinds import NEEDLESS, OF_STEPS, STALE, Change, Mutation
from tests.operation.engine.conftest import build

COUNT = int(os.environ.get("WORKBENCH_RUN_MUTATIONS", "0"))


@pytest.fixture(scope="module")
def mutated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mutated]:
    folder = tmp_path_factory.mktemp("mutated")
    with pytest.MonkeyPatch.context() as patch:
        yield Mutated(build(folder / "project", patch), folder / "plain")


def _each(
    mutated: Mutated, kinds: Mapping[str, Mutation], number: int, check: Callable[[str, str, Change], None]
) -> None:
    """Apply `number` mutations, kind by kind, each to the project as it was."""
    for index in range(number):
        kind = list(kinds)[index % len(kinds)]
        try:
            change = kinds[kind](mutated.layout, random.Random(index)) or Change()
            check(kind, f"{index}: {kind}", change)
        finally:
            mutated.restore()
    assert mutated.answers(Change())


def _truth(mutated: Mutated, change: Change) -> Answer:
    try:
        return mutated.plainly(change)
    except WorkbenchError as error:  # the configuration is wrong by now: nothing plain to compare with
        return Answer(None, None, {}, str(error))


def test_nothing_that_changed_is_taken_for_unchanged(
    mutated: Mutated, record_property: Callable[[str, object], None]
) -> None:
    """By default by the answer alone; where more are asked for, by what the command does."""
    wrong = list[str]()

    def check(kind: str, name: str, change: Change) -> None:
        if mutated.answers(change):
            wrong.append(name)

    _each(mutated, STALE, len(STALE), check)
    assert not wrong, "\n".join(wrong)


@pytest.mark.skipif(not COUNT, reason="asked for by WORKBENCH_RUN_MUTATIONS")
@pytest.mark.parametrize("door", ["step", "run"])
def test_whatever_changes_the_commands_give_what_a_plain_process_gives(mutated: Mutated, door: str) -> None:
    before, kinds = mutated.plainly(Change()), dict(OF_STEPS if door == "step" else STALE)
    if door == "step":  # `note`, which does not need it
        del kinds["token of src/double.py"]
    counts, stale = {name: Counter[str]() for name in kinds}, list[str]()

    def check(kind: str, name: str, change: Change) -> None:
        truth = _truth(mutated, change)
        answer = mutated.run(change) if door == "run" else mutated.step("note", change)
        was, is_, given = (
            one.output if door == "run" else one.metrics.get("note") for one in (before, truth, answer)
        )
        is_wrong = given is not None and (given, answer.ledger) != (is_, truth.ledger)
        result = "needless" if is_ == was and answer.how == "executed" else answer.how
        counts[kind]["stale" if is_wrong else "failed" if given is None else result] += 1
        if is_wrong:
            stale.append(f"{name}: {answer.how}: {given!r} is not {is_!r} ({truth.how})")
            print(stale[-1], flush=True)

    _each(mutated, kinds, COUNT * (45 if door == "step" else 20) // 100, check)
    print(door, json.dumps(counts))
    assert not stale, "\n".join(stale)


def test_no_comment_docstring_format_or_file_beside_is_worth_an_execution(mutated: Mutated) -> None:
    counts = {name: Counter[str]() for name in NEEDLESS}

    def check(kind: str, name: str, change: Change) -> None:
        answer = mutated.run(Change(("--notebook", NAME), change.variables))
        counts[kind]["right" if answer.how == "reused" else f"needless {name}: {answer.how}"] += 1

    _each(mutated, NEEDLESS, max(len(NEEDLESS), COUNT * 35 // 100), check)
    print(json.dumps(counts))
    assert {kind: one for kind, one in counts.items() if set(one) != {"right"}} == {}
