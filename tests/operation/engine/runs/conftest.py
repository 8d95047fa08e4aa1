"""A run of the tiny project, and every kind of change after it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from operation.engine.foundation.layout import Layout
from operation.engine.runs.request import Request, prepare
from operation.engine.runs.run import start
from tests.operation.engine.conftest import build, write


@pytest.fixture(scope="session")
def one_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one run of the tiny project leaves."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        layout = build(tmp_path_factory.mktemp("ran"), monkeypatch)
        record = start(layout, prepare(layout, Request(jobs=1)), lambda *_: None)
    assert record.status == "succeeded"
    return layout.runs


@pytest.fixture
def ran(tiny: Layout, one_run: Path) -> Layout:
    """The tiny project after that run."""
    shutil.copytree(one_run, tiny.runs, symlinks=True)
    return tiny


def edit(name: str, old: str, new: str) -> Callable[[Layout], None]:
    """Return a change of the file `name`: `old` becomes `new`."""

    def change(layout: Layout) -> None:
        path = layout.root / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return change


def add(name: str, text: str) -> Callable[[Layout], None]:
    """Return a change: a file more."""

    def change(layout: Layout) -> None:
        write(layout, name, text)

    return change


def remove(pattern: str) -> Callable[[Layout], None]:
    """Return a change: the first file of `pattern` in runs/ goes."""

    def change(layout: Layout) -> None:
        next(layout.runs.glob(pattern)).unlink()

    return change


def damage(layout: Layout) -> None:
    """Change an output in the store."""
    file = next(layout.store.glob("*/result/metrics.json"))
    file.write_text(file.read_text() + " ")


CHANGES = {
    "cell": edit("notebooks/02-double-count.ipynb", "doubled.metrics", "doubled"),
    "script": edit("src/words.py", "sum(1", "sum(2"),
    "data": edit("data/text.txt", "abc", "abcd"),
    "configuration": edit("configuration/configuration-DEV.yml", "FACTOR: 1", "FACTOR: 2"),
    "lock": edit("requirements.lock", "one==1.0", "one==1.1"),
    "executed notebook": remove("2*/notebooks/02-double-count.ipynb"),
    "report": remove("2*/01-count-letters.html"),
    "output": damage,
}
