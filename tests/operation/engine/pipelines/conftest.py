"""A project with two small pipelines that are right, and functions that change, read and run them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from operation.engine.foundation.layout import Layout
from operation.engine.pipelines.checks import Names
from operation.engine.pipelines.expressions import AZURE
from operation.engine.pipelines.model import Pipeline
from operation.engine.pipelines.reading import examined
from operation.engine.pipelines.results import PipelineRun
from operation.engine.pipelines.runner import PipelineRunner

HEADS = {AZURE: "trigger: none\npr: none\n", "github": "on: workflow_dispatch\n"}
Run = Callable[..., PipelineRun]
Problems = Callable[[str, str], list[str]]


def command_problem(words: list[str]) -> str | None:
    """Stand in for the command line: it knows one command."""
    return None if words[:1] == ["run"] else f"there is no command '{words[0]}'."


NAMES = Names(["DEV", "TEST", "PROD"], ["sc-dev", "sc-test"], command_problem)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Return an empty project."""
    (tmp_path / "operation" / "pipelines" / "azure").mkdir(parents=True)
    (tmp_path / ".github" / "workflows").mkdir(parents=True)
    return Layout(tmp_path)


@pytest.fixture
def write(layout: Layout) -> Callable[[str, str], Path]:
    """Return a function that writes the pipeline ``p`` of a system."""

    def write(system: str, text: str) -> Path:
        folder = "operation/pipelines/azure" if system == AZURE else ".github/workflows"
        path = layout.root / folder / "p.yml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def problems(layout: Layout, write: Callable[[str, str], Path]) -> Problems:
    """Return a function that gives the mistakes of a pipeline, with the name of its file alone."""

    def problems(system: str, text: str) -> list[str]:
        found = examined(layout, write(system, text), system, NAMES)[1]
        return [f"{problem.file.rpartition('/')[2]}:{problem.line}: {problem.message}" for problem in found]

    return problems


@pytest.fixture
def read(layout: Layout, write: Callable[[str, str], Path]) -> Callable[[str, str], Pipeline]:
    """Return a function that reads a pipeline whatever its commands are."""

    def read(system: str, text: str) -> Pipeline:
        pipeline, found = examined(layout, write(system, text), system, NAMES)
        assert pipeline is not None
        assert not [problem for problem in found if "no workbench command" not in problem.message]
        return pipeline

    return read


@pytest.fixture
def run(layout: Layout, read: Callable[[str, str], Pipeline]) -> Run:
    """Return a function that runs a pipeline whatever its commands are."""

    def run(
        system: str, text: str, approved: tuple[str, ...] = (), only: tuple[str, ...] = ()
    ) -> PipelineRun:
        return PipelineRunner(layout, read(system, text), lambda name: name in approved, print, only).run()

    return run
