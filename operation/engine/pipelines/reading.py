"""Finding and reading pipelines: by name and system, and all of them for a check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from operation.engine.configuration.loading import environments
from operation.engine.foundation.errors import ConfigurationError, Problem, UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.nearest import did_you_mean, listed
from operation.engine.pipelines.azure import read_azure
from operation.engine.pipelines.checks import Names, pipeline_problems
from operation.engine.pipelines.expressions import AZURE, GITHUB
from operation.engine.pipelines.github import read_github
from operation.engine.pipelines.model import Pipeline
from operation.engine.pipelines.source import connection_names, source_file
from operation.engine.pipelines.tree import Findings, Plain
from operation.engine.pipelines.validators import validate
from operation.engine.pipelines.writing import azure_folder, expected_files, github_folder

_READERS = {AZURE: read_azure, GITHUB: read_github}


def pipeline_files(layout: Layout, system: str) -> list[Path]:
    """Return the files of one system's pipelines; templates lie in folders of their own."""
    folder = azure_folder(layout) if system == AZURE else github_folder(layout)
    return sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")])


def chosen_pipeline(
    layout: Layout, name: str, system: str, parameters: Mapping[str, Plain], names: Names
) -> Pipeline:
    """Read the pipeline `name` of a system, without any mistake.

    Raises
    ------
    UsageError
        When there is none of that name.
    ConfigurationError
        With every mistake in it.
    """
    files = {path.stem: path for path in pipeline_files(layout, system)}
    if name not in files:
        hint = did_you_mean(name, files)
        raise UsageError(f"{system} has no pipeline '{name}'.{hint} There are: {listed(files, 'and')}.")
    pipeline, problems = examined(layout, files[name], system, names, parameters)
    if pipeline is None or problems:
        raise ConfigurationError(problems)
    return pipeline


def examined(
    layout: Layout, path: Path, system: str, names: Names, parameters: Mapping[str, Plain] | None = None
) -> tuple[Pipeline | None, list[Problem]]:
    """Read one pipeline, and return it with its mistakes."""
    findings = Findings()
    pipeline = _READERS[system](layout, path, parameters or {}, findings)
    problems = findings.problems
    if pipeline is not None and not problems:  # what could not be read would be missed everywhere
        problems += pipeline_problems(pipeline, names)
    return pipeline, sorted(set(problems))


def known_names(layout: Layout, command_problem: Callable[[list[str]], str | None]) -> Names:
    """Return what pipelines may name."""
    known = environments(layout)
    connections = [name for environment in known for name in connection_names(layout, environment).values()]
    return Names(known, connections, command_problem)


def all_problems(layout: Layout, names: Names) -> Iterator[Problem]:
    """Yield every mistake of every pipeline, and of the list that they are written from."""
    findings = Findings()
    if source_file(layout).is_file():
        for path, text in expected_files(layout, findings).items():
            if path.parent.is_dir():  # a team may keep the folder of the one system it uses
                yield from _difference(layout, path, text)
    yield from findings.problems
    for system in (AZURE, GITHUB):
        files = pipeline_files(layout, system)
        for path in files:
            yield from examined(layout, path, system, names)[1]
        yield from validate(layout, files, system)


def _difference(layout: Layout, path: Path, text: str) -> Iterator[Problem]:
    fix = "Write it again: python3 -m operation pipelines write."
    list_of_stages = layout.relative(source_file(layout))
    if not path.is_file():
        yield Problem(layout.relative(path), 1, f"is missing: {list_of_stages} gives it. {fix}")
        return
    lines, expected = path.read_text(encoding="utf-8").splitlines(), text.splitlines()
    if lines != expected:
        length = min(len(lines), len(expected))
        line = next((number for number in range(length) if lines[number] != expected[number]), length)
        yield Problem(layout.relative(path), line + 1, f"differs from what {list_of_stages} gives. {fix}")
