"""``python3 -m operation check``: the whole configuration, every mistake at once."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from operation.commands.pipelines import command_problem
from operation.engine import configuration
from operation.engine.configuration import Configuration
from operation.engine.configuration.documents import read_document
from operation.engine.configuration.feature_tables import definition_problems
from operation.engine.configuration.targets import COMPUTES, DEPLOYMENTS
from operation.engine.foundation.errors import ConfigurationError, Problem
from operation.engine.foundation.git import GitRefused, tracked
from operation.engine.foundation.layout import Layout, project
from operation.engine.foundation.nearest import listed
from operation.engine.notebooks.cleanliness import notebook_problems
from operation.engine.notebooks.wiring import wiring_problems
from operation.engine.pipelines.expressions import AZURE, GITHUB
from operation.engine.pipelines.reading import all_problems, known_names, pipeline_files
from operation.engine.pipelines.validators import missing_validators

PRIVATE = ("config.json", ".azureml/config.json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Check every environment with every use case (or the given ones), the schemas, feature tables and "
        "notebooks: names, types, references, the scripts' arguments, what notebooks hand to steps, "
        "Azure's naming rules, secrets; pipelines, by their schemas and by what schemas miss. "
        "Lists all mistakes at once, each with file, line and how to fix it; exit code 2 if there are any."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation check\n"
        "  python3 -m operation check --environment PROD --use-case churn"
    )
    parser.add_argument("--environment", metavar="NAME", help="only this environment, such as DEV")
    parser.add_argument("--use-case", metavar="NAME", help="only this use case, such as churn")


def run(args: argparse.Namespace) -> int:
    """Print a line for each correct file; raise with all mistakes when there are any."""
    layout = project()
    problems = list(_problems(layout, args.environment, args.use_case))
    files = _files(layout, args.environment, args.use_case)
    wrong = {problem.file for problem in problems}
    for file in files:
        if file not in wrong:
            print(f"ok  {file}")
    if problems:
        raise ConfigurationError(list(dict.fromkeys(problems)))
    missing = missing_validators() if _pipelines(layout) else []
    if missing:
        print(f"pipelines were not checked by {listed(missing)}: not installed here")
    print(f"{len(files)} files checked, no mistakes.")
    return 0


def _problems(layout: Layout, environment: str | None, use_case: str | None) -> Iterator[Problem]:
    if not (environment or use_case):
        yield from _stray_files(layout)
    for name in _selected(environment, configuration.environments(layout)):
        for case in _selected(use_case, configuration.use_cases(layout)):
            configured, problems = configuration.examine(name, case, layout)
            yield from problems
            if configured:
                yield from _wiring(layout, configured)
    for path in sorted(layout.schemas.glob("*.yml")):
        yield from read_document(path, layout.relative(path))[1]
    yield from definition_problems(layout)
    for path in sorted(layout.notebooks.glob("*.ipynb")):
        yield from notebook_problems(path, layout.relative(path))
    yield from all_problems(layout, known_names(layout, command_problem))
    yield from COMPUTES.problems(layout, environment)
    yield from DEPLOYMENTS.problems(layout, environment)
    yield from _tracked(layout)


def _wiring(layout: Layout, configured: Configuration) -> Iterator[Problem]:
    for entry in configured.notebooks:
        path = layout.notebooks / f"{entry.name}.ipynb"
        yield from wiring_problems(path, layout.relative(path), configured)


def _selected(name: str | None, names: list[str]) -> list[str | None]:
    return [name] if name else [*names] or [None]


def _stray_files(layout: Layout) -> Iterator[Problem]:
    """Yield the files of the configuration's folder that nothing would ever read."""
    known = {*configuration.environments(layout), *configuration.use_cases(layout)}
    for name in configuration.configured_names(layout):
        if name not in known:
            file = layout.relative(configuration.configuration_file(layout, name))
            choice = f"an environment is written {name.upper()}, a use case {name.lower()}"
            yield Problem(file, 1, f"is never read: {choice}. Rename the file.")
    for path in sorted(layout.configuration.glob("configuration-*.yaml")):
        yield Problem(layout.relative(path), 1, f"is never read. Rename it to {path.stem}.yml.")


def _files(layout: Layout, environment: str | None, use_case: str | None) -> list[str]:
    names = [
        *_selected(environment, configuration.environments(layout)),
        *_selected(use_case, configuration.use_cases(layout)),
    ]
    paths = [configuration.configuration_file(layout, name) for name in names if name]
    paths += sorted(layout.features.glob("*.yml"))
    paths += [*sorted(layout.schemas.glob("*.yml")), *sorted(layout.notebooks.glob("*.ipynb"))]
    for folder in ("compute", "deployment"):
        paths += sorted((layout.configuration / folder).glob("*.yml"))
    return [layout.relative(path) for path in [*paths, *_pipelines(layout)]]


def _pipelines(layout: Layout) -> list[Path]:
    return [*pipeline_files(layout, AZURE), *pipeline_files(layout, GITHUB)]


def _tracked(layout: Layout) -> Iterator[Problem]:
    """Yield the private files that git keeps, or that it refuses to tell; none outside a repository."""
    try:
        for file in tracked(layout.root, PRIVATE):
            message = "is tracked by git, and it names a workspace and may hold credentials."
            yield Problem(file, 1, f"{message} Remove it from git: git rm --cached {file}")
    except GitRefused as error:
        present = [file for file in PRIVATE if (layout.root / file).is_file()]
        for file in present:
            yield Problem(file, 1, f"it is not known whether git tracks this private file: {error}")
        if not present:  # nor are they in a clone
            print(f"warning: git was not asked for private files: {error}", file=sys.stderr)
