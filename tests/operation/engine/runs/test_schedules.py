"""Notebooks side by side give what they give one after the other: same keys, same bytes, same order.

``WORKBENCH_SCHEDULES=200`` asks for more random use cases, each executed one at a time, two and four at once.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import sys
import time
from collections.abc import Callable
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest

from operation.engine import configuration
from operation.engine.foundation.children import environ
from operation.engine.foundation.layout import Layout, project
from operation.engine.identity.digests import Digests
from operation.engine.notebooks.engines import OnCell
from operation.engine.notebooks.work import Outcome, Work, lost, unheard
from operation.engine.runs.request import Request, prepare
from operation.engine.runs.run import start
from operation.engine.steps.runners import in_process
from operation.engine.steps.session import Session
from tests.operation.engine.conftest import notebook, write

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="notebooks are processes that were forked here"
)

SCHEDULES = int(os.environ.get("WORKBENCH_SCHEDULES", "4"))
CALLS: list[tuple[str, dict[str, object]]] = [
    ("count", {"factor": 1}),
    ("count", {"factor": 2}),
    ("count", {"factor": 3}),
    ("double", {"mode": "plain"}),
    ("double", {"mode": "square"}),
    ("double", {}),
]
FORKS = multiprocessing.get_context("forkserver")  # a fork of this process, with its threads, would be stuck
Book = tuple[str, list[str], list[int]]  # name, those that it comes after, its calls


@pytest.fixture(autouse=True, scope="module")
def forks() -> None:
    """Have what notebooks import imported once."""
    FORKS.set_forkserver_preload([__name__])
    forkserver.ensure_running()  # here, where modules of tests are found


class ForkedCalls:
    """Stands for kernels: a notebook is a process that calls its steps, at random moments."""

    def __init__(self, layout: Layout, books: dict[str, list[int]], workers: int, failing: str) -> None:
        self.workers, self.layout, self.books, self.failing = workers, layout, books, failing
        self.begun: list[str] = []
        self.ended: list[str] = []

    def ready(self, folder: Path) -> None:
        """Begin at once."""

    def ahead(self, work: Work) -> None:
        """Wait."""

    def stop(self) -> None:
        """Let what was begun end."""

    def perform(self, work: Work, on_cell: OnCell = unheard) -> Outcome:
        """Call the notebook's steps in a process of its own."""
        on_cell(0, 1)
        self.begun.append(work.name)
        calls = [CALLS[number] for number in self.books[work.name]]
        variables = {**work.own_variables, "WORKBENCH_ROOT": str(self.layout.root)}
        done = work.folder / f"{work.name}.done"  # threads that wait at once confuse each other's exit codes
        process: Any = FORKS.Process(target=call, args=(variables, calls, done))
        process.start()
        process.join()
        work.target.parent.mkdir(exist_ok=True)
        shutil.copyfile(work.source, work.target)
        self.ended.append(work.name)
        if self.failing == f"{work.name} is interrupted":
            raise KeyboardInterrupt
        succeeded = done.exists() and self.failing != f"{work.name} fails"
        return Outcome(0.1, None) if succeeded else lost(work, "Failed", f"{work.name} failed")


def call(variables: dict[str, str], calls: list[tuple[str, dict[str, object]]], done: Path) -> None:
    """Call steps as a notebook does, and say that it is done."""
    with environ(variables):
        layout = project()
        session = Session(configuration.load(layout=layout), layout, in_process)
        for step, given in calls:
            time.sleep(random.uniform(0, 0.02))
            session.step(step, given)
    done.touch()


def _use_case(layout: Layout, seed: int) -> list[Book]:
    """Write a random use case of the tiny project's steps."""
    drawn = random.Random(seed)
    names = [f"{number:02d}-book" for number in range(drawn.randint(3, 6))]
    books = [
        (
            name,
            [one for one in names[:index] if drawn.random() < 0.15],
            [drawn.randrange(len(CALLS)) for _ in range(drawn.randint(1, 4))],
        )
        for index, name in enumerate(names)
    ]
    for script in ("count", "double"):
        path = layout.src / f"{script}.py"
        slow = "    __import__('time').sleep(__import__('random').uniform(0, 0.03))\n    args = "
        path.write_text(path.read_text().replace("    args = ", slow, 1))
    file = layout.configuration / "configuration-tiny.yml"
    text = file.read_text()
    listed = [{"name": name, "after": after} for name, after, _ in books]
    head, rest = text.index("notebooks:"), text.index("steps:")
    file.write_text(f"{text[:head]}notebooks: {json.dumps(listed)}\n{text[rest:]}")
    for name, *_ in books:
        write(layout, f"notebooks/{name}.ipynb", json.dumps(notebook('use_case: str = "tiny"', "1")))
    return books


@pytest.fixture
def run(tiny: Layout, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[dict[str, Any], ForkedCalls]]:
    """Executes a use case with so many jobs; returns its manifest, and what was executed when."""

    def execute(
        books: list[Book], jobs: int, failing: str = "", **request: Any
    ) -> tuple[dict[str, Any], ForkedCalls]:
        pool = ForkedCalls(tiny, {name: calls for name, _, calls in books}, jobs, failing)
        monkeypatch.setattr("operation.engine.runs.run.kernel_pool", lambda *_: pool)
        prepared = prepare(tiny, Request(jobs=jobs, engine="nbclient", **request))
        if "interrupted" in failing:
            with pytest.raises(KeyboardInterrupt):
                start(tiny, prepared, lambda *_: None)
        else:
            start(tiny, prepared, lambda *_: None)
        newest = max(tiny.runs.glob("2*/manifest.json"))
        assert not (newest.parent / "waiting").exists()
        return json.loads(newest.read_text(encoding="utf-8")), pool

    return execute


def _contents(layout: Layout) -> dict[str, dict[str, str]]:
    """Return key -> file -> digest of all that is in the store."""
    digests = Digests(layout.runs / "unknown.db")
    outputs = layout.store.glob("*/result")
    return {one.parent.name: dict(digests.of(one).files) for one in outputs if one.parent.name != ".partial"}


def _order(content: dict[str, Any]) -> list[Any]:
    steps = [(step["step"], step["key"]) for step in content["steps"]]
    return [steps, content["metrics"], [(one["name"], one["step_keys"]) for one in content["notebooks"]]]


def _executed_once(content: dict[str, Any], layout: Layout) -> bool:
    files = (layout.runs / content["id"] / "steps").glob("*.json")
    records = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    executed = [record["key"] for record in records if record["how"] == "executed"]
    return sorted(executed) == sorted({record["key"] for record in records})


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_any_schedule_gives_what_one_notebook_after_the_other_gives(
    tiny: Layout, seed: int, run: Callable[..., tuple[dict[str, Any], ForkedCalls]]
) -> None:
    books = _use_case(tiny, seed)
    content, _ = run(books, 1)
    expected, order = _contents(tiny), _order(content)
    assert (content["status"], len(expected)) == ("succeeded", len(content["steps"]))
    for jobs in (2, 4):
        shutil.rmtree(tiny.runs)
        content, pool = run(books, jobs)
        assert (_contents(tiny), _order(content)) == (expected, order)
        assert all(step["how"] == "executed" for step in content["steps"])
        assert _executed_once(content, tiny)
        for name, after, _ in books:
            assert all(pool.ended.index(other) < pool.ended.index(name) for other in after)
    again, _ = run(books, 4, fresh=True)
    assert (_contents(tiny), _order(again)) == (expected, order)
    assert _executed_once(again, tiny)


@pytest.mark.parametrize("seed", range(SCHEDULES))
@pytest.mark.parametrize("failing", ["fails", "is interrupted"])
def test_what_fails_or_is_interrupted_stops_what_has_not_begun_and_leaves_nothing_wrong(
    tiny: Layout, seed: int, failing: str, run: Callable[..., tuple[dict[str, Any], ForkedCalls]]
) -> None:
    books = _use_case(tiny, seed)
    order = _order(run(books, 1)[0])
    expected = _contents(tiny)
    shutil.rmtree(tiny.runs)
    stopped = random.Random(seed).choice(books)[0]
    content, pool = run(books, random.Random(seed).choice((2, 4)), f"{stopped} {failing}")
    states = {one["name"]: one["status"] for one in content["notebooks"]}
    if failing == "fails":
        assert (content["status"], content["error"]["notebook"]) == ("failed", stopped)
        assert {name for name, state in states.items() if state != "pending"} == set(pool.begun)
    else:
        assert (content["status"], states[stopped]) == ("interrupted", "pending")
    found = _contents(tiny)
    assert found == {key: expected[key] for key in found}
    again, _ = run(books, 4)
    assert (again["status"], _contents(tiny), _order(again)) == ("succeeded", expected, order)
