"""The only reader of ``configuration/``: one use case in one environment, validated whole."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from operation.engine.configuration.environment_file import EnvironmentFile, read_environment
from operation.engine.configuration.models import UseCaseModel
from operation.engine.configuration.notebooks import notebook_problems
from operation.engine.configuration.resolved import Configuration, NotebookEntry, Step
from operation.engine.configuration.step_contract import is_empty
from operation.engine.configuration.steps import StepGraph
from operation.engine.configuration.use_case_file import read_use_case
from operation.engine.configuration.variables import Variable
from operation.engine.foundation.errors import ConfigurationError, Problem, UsageError
from operation.engine.foundation.layout import Layout, project
from operation.engine.foundation.nearest import did_you_mean, listed

DEFAULT_ENVIRONMENT = "DEV"
COLLECT = "collect"  # the step that `deliveries:` describes
ENVIRONMENT_NAME = re.compile(r"[A-Z][A-Z0-9_-]*")
USE_CASE_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def environments(layout: Layout) -> list[str]:
    """Return the environments that have a file, sorted: ``DEV``, ``PROD``, ``TEST``."""
    return [name for name in configured_names(layout) if ENVIRONMENT_NAME.fullmatch(name)]


def use_cases(layout: Layout) -> list[str]:
    """Return the use cases that have a file, sorted."""
    return [name for name in configured_names(layout) if USE_CASE_NAME.fullmatch(name)]


def configured_names(layout: Layout) -> list[str]:
    """Return what stands between ``configuration-`` and ``.yml`` in the names of all files, sorted."""
    paths = layout.configuration.glob("configuration-*.yml")
    return sorted(path.stem.removeprefix("configuration-") for path in paths)


def configuration_file(layout: Layout, name: str) -> Path:
    """Return the file of an environment or a use case."""
    return layout.configuration / f"configuration-{name}.yml"


def load(
    environment: str | None = None, use_case: str | None = None, layout: Layout | None = None
) -> Configuration:
    """Read one use case in one environment and validate all of it.

    Parameters
    ----------
    environment : str, optional
        By default the operating system's variable ENVIRONMENT, else DEV.
    use_case : str, optional
        By default the environment's variable USECASE.
    layout : Layout, optional
        By default this checkout.

    Raises
    ------
    UsageError
        For an unknown environment or use case.
    ConfigurationError
        With every mistake in both files, and against scripts and notebooks.
    """
    configured, problems = examine(environment, use_case, layout or project())
    if problems or configured is None:
        raise ConfigurationError(problems)
    return configured


def examine(
    environment: str | None, use_case: str | None, layout: Layout
) -> tuple[Configuration | None, list[Problem]]:
    """Read as `load` does, but return the problems; the configuration is None when there are any."""
    name = chosen_environment(environment, use_case, layout)
    owner = layout.relative(configuration_file(layout, name))
    environment_file, problems = read_environment(configuration_file(layout, name), owner, name, os.environ)
    default = _default_use_case(environment_file, layout, problems, needed=use_case is None)
    chosen = use_case or default
    if chosen is None:
        return None, _hide(problems, environment_file.secrets)
    path = configuration_file(layout, chosen)
    read, more = read_use_case(
        path, layout.relative(path), owner, environment_file.variables, environment_file.declared
    )
    problems += more
    if read is None:
        return None, _hide(problems, environment_file.secrets)
    graph = StepGraph(read.content.steps, layout, read.broken)
    wrong = [*notebook_problems(read.content.notebooks, layout), *graph.problems()]
    wrong += graph.azure_problems(read.content.automl, read.content.pipeline)
    wrong += graph.play_problems(read.content.monitor.play if read.content.monitor else {})
    collecting = _collecting(read.content, layout)
    wrong += (
        [(("deliveries", *path[2:]), message) for path, message in collecting.problems()]
        if collecting
        else []
    )
    problems += [read.document.problem(key_path, message) for key_path, message in wrong]
    if problems:
        return None, _hide(problems, (*environment_file.secrets, *read.secrets))
    return _configuration(name, chosen, environment_file.variables, read.content, graph), []


def environment_variables(environment: str | None, layout: Layout) -> Mapping[str, Variable]:
    """Return the variables of an environment alone, resolved, with the optional ones' defaults."""
    name = chosen_environment(environment, None, layout)
    path = configuration_file(layout, name)
    environment_file, problems = read_environment(path, layout.relative(path), name, os.environ)
    if problems:
        raise ConfigurationError(_hide(problems, environment_file.secrets))
    return environment_file.variables


def chosen_environment(environment: str | None, use_case: str | None, layout: Layout) -> str:
    """Return the environment to use, where it and the use case have files; raise UsageError otherwise."""
    name = environment or os.environ.get("ENVIRONMENT") or DEFAULT_ENVIRONMENT
    origin = "" if environment or not os.environ.get("ENVIRONMENT") else " (the variable ENVIRONMENT)"
    problems = []
    if name not in environments(layout):
        problems.append(_unknown("environment", name, environments(layout), origin))
    if use_case is not None and use_case not in use_cases(layout):
        problems.append(_unknown("use case", use_case, use_cases(layout)))
    if problems:
        raise UsageError("\n".join(problems))
    return name


def _unknown(kind: str, name: str, known: list[str], origin: str = "") -> str:
    file = f"configuration/configuration-{name}.yml"
    there = f"Known: {listed(known, 'and')}."
    return f"unknown {kind} '{name}'{origin}: there is no {file}.{did_you_mean(name, known)} {there}"


def _default_use_case(
    environment_file: EnvironmentFile, layout: Layout, problems: list[Problem], *, needed: bool
) -> str | None:
    """Return the use case that the environment's USECASE names; what is wrong with it joins `problems`."""
    variable = environment_file.variables.get("USECASE")
    if environment_file.declared is None or (variable is None and "USECASE" in environment_file.declared):
        return None  # it could not be read, which is already a problem
    if variable and variable.text in use_cases(layout):
        return variable.text
    message = ""
    if variable:
        message = _unknown("use case", variable.text, use_cases(layout))
    elif needed:
        known = listed(use_cases(layout), "and")
        message = f"variable USECASE is missing and no --use-case is given. Known: {known}."
    if message and environment_file.document:
        problems.append(environment_file.document.problem(("variables", "USECASE"), message))
    return None


def _hide(problems: list[Problem], secrets: tuple[str, ...]) -> list[Problem]:
    """Take every secret out of every message, wherever a value was quoted."""

    def cleared(message: str) -> str:
        for secret in secrets:
            message = message.replace(secret, "***")
        return message

    return sorted({Problem(problem.file, problem.line, cleared(problem.message)) for problem in problems})


def _configuration(
    environment: str,
    use_case: str,
    variables: Mapping[str, Variable],
    content: UseCaseModel,
    graph: StepGraph,
) -> Configuration:
    values = {name: variable.value for name, variable in variables.items() if variable.value is not None}
    resolved = {"variables": values, "use case": content.model_dump()}
    return Configuration(
        environment=environment,
        variables=values,
        use_case=use_case,
        description=content.description,
        notebooks=tuple(
            NotebookEntry(entry.name, dict(entry.parameters), tuple(entry.after))
            for entry in content.notebooks
        ),
        steps={name: _step(name, graph) for name in graph.order()},
        digest=hashlib.sha256(json.dumps(resolved, sort_keys=True).encode()).hexdigest(),
        deliveries=_step(COLLECT, collecting) if (collecting := _collecting(content, graph.layout)) else None,
        monitor=content.monitor,
        automl=content.automl,
        pipeline=content.pipeline,
    )


def _collecting(content: UseCaseModel, layout: Layout) -> StepGraph | None:
    """Return the section of deliveries as a step of its own, which no other reads from."""
    return StepGraph({COLLECT: content.deliveries}, layout) if content.deliveries else None


def _step(name: str, graph: StepGraph) -> Step:
    model = graph.steps[name]
    inputs = {key: value for key, value in model.inputs.items() if not is_empty(value)}
    arguments = {key: value for key, value in model.arguments.items() if not is_empty(value)}
    return Step(name, graph.script(name).resolve(), inputs, arguments)
