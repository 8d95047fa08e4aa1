"""``configuration/compute/<name>.yml``: where the steps of a submission are executed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from operation.engine.configuration.documents import Document, read_document
from operation.engine.configuration.environment_file import EnvironmentFile, read_environment
from operation.engine.configuration.loading import (
    Configuration,
    configuration_file,
    environments,
)
from operation.engine.configuration.secret_values import secret_problem
from operation.engine.configuration.variables import reference_problems, resolved, typed
from operation.engine.errors import ConfigurationError, Problem, UsageError
from operation.engine.layout import Layout
from operation.engine.nearest import did_you_mean, listed

DEFAULTS = {"COMPUTE": "cpu-cluster", "SPARKCOMPUTE": "spark-cluster"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,14}[A-Za-z0-9]")
_NAME_WORDS = "3 to 16 letters, digits or '-', the first a letter, the last a letter or digit"


class _Strict(BaseModel):
    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, alias_generator=lambda name: name.replace("_", "-")
    )


class _Place(_Strict):
    """Any compute: its packages are those of ``configuration/environments/<environment>.yml``."""

    environment: str = "training"


class LocalCompute(_Place):
    """The machine that submits."""

    kind: Literal["local"]


class ClusterCompute(_Place):
    """Machines of Azure ML that start when there is work."""

    kind: Literal["amlcompute"]
    vm_size: str
    min_nodes: Annotated[int, Field(ge=0, le=1000)] = 0
    max_nodes: Annotated[int, Field(ge=1, le=1000)] = 1
    idle_seconds_before_scaledown: Annotated[int, Field(ge=0, le=86400)] = 1200
    priority: Literal["dedicated", "lowpriority"] = "dedicated"


class _Reached(_Place):
    """What is reached by SSH."""

    address: str
    ssh_port: Annotated[int, Field(ge=1, le=65535)] = 22
    username: str
    private_key_file: str


class RemoteCompute(_Reached):
    """A Linux machine of one's own."""

    kind: Literal["remote"]


class SparkCompute(_Reached):
    """A Spark cluster of Azure HDInsight."""

    kind: Literal["hdinsight"]


Settings = LocalCompute | ClusterCompute | RemoteCompute | SparkCompute
_KINDS: dict[str, type[Settings]] = {
    "local": LocalCompute,
    "amlcompute": ClusterCompute,
    "remote": RemoteCompute,
    "hdinsight": SparkCompute,
}


@dataclass(frozen=True)
class Compute:
    """A compute that is configured.

    Parameters
    ----------
    name : str
        Of its file, and in the workspace.
    settings : Settings
        What the file says.
    """

    name: str
    settings: Settings


def computes(layout: Layout) -> list[str]:
    """Return the names of all configured computes, sorted."""
    return sorted(path.stem for path in _folder(layout).glob("*.yml"))


def chosen_compute(
    layout: Layout, configured: Configuration, name: str | None = None, variable: str = "COMPUTE"
) -> Compute:
    """Return the compute called `name`; by default the one that a variable of the environment names.

    Raises
    ------
    UsageError
        For an unknown name; tells the nearest.
    ConfigurationError
        With every mistake in its file.
    """
    wanted = name or str(configured.variables.get(variable, DEFAULTS[variable]))
    if wanted not in computes(layout):
        origin = "" if name else f" ({variable} of environment {configured.environment})"
        known = f"Known: {listed(computes(layout), 'and')}."
        file = f"configuration/compute/{wanted}.yml"
        hint = did_you_mean(wanted, computes(layout))
        raise UsageError(f"unknown compute '{wanted}'{origin}: there is no {file}.{hint} {known}")
    compute, problems = read_compute(layout, wanted, configured.variables)
    if problems or compute is None:
        raise ConfigurationError(problems)
    return compute


def compute_problems(layout: Layout, environment: str | None = None) -> Iterator[Problem]:
    """Yield every mistake in every compute's file, and in the choice of one, for each sound environment."""
    for name in [environment] if environment else environments(layout):
        path = configuration_file(layout, name)
        file, problems = read_environment(path, layout.relative(path), name, os.environ)
        if not problems and file.document:
            yield from _choice_problems(layout, file, file.document)
            values = {key: one.value for key, one in file.variables.items() if one.value is not None}
            for compute in computes(layout):
                yield from read_compute(layout, compute, values)[1]


def _choice_problems(layout: Layout, file: EnvironmentFile, document: Document) -> Iterator[Problem]:
    for variable in DEFAULTS:
        chosen = file.variables.get(variable)
        if chosen and chosen.text not in computes(layout):
            known = f"Known: {listed(computes(layout), 'and')}."
            hint = did_you_mean(chosen.text, computes(layout))
            message = f"{variable}: there is no configuration/compute/{chosen.text}.yml.{hint} {known}"
            yield document.problem(("variables", variable), message)


def read_compute(
    layout: Layout, name: str, variables: Mapping[str, Any]
) -> tuple[Compute | None, list[Problem]]:
    """Read one file; the compute is None when there are problems."""
    path = _folder(layout) / f"{name}.yml"
    document, problems = read_document(path, layout.relative(path))
    if document is None:
        return None, problems
    problems += [document.problem((key,), message) for key, message in _value_problems(document, variables)]
    if not _NAME.fullmatch(name):
        message = (
            f"'{name}' is no name that Azure accepts for a compute: expected {_NAME_WORDS}. Rename the file."
        )
        problems.append(document.problem((), message))
    data = resolved(document.data, {key: typed(str(value)) for key, value in variables.items()})
    settings, wrong = _validated(data)
    problems += [document.problem((key,), message) for key, message in wrong]
    return (None, problems) if problems or settings is None else (Compute(name, settings), [])


def _folder(layout: Layout) -> Path:
    return layout.configuration / "compute"


def _value_problems(document: Document, variables: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in document.data.items():
        yield from ((key, message) for message in reference_problems(value, variables, "the environment"))
        secret = secret_problem(key, value) if key != "private-key-file" and isinstance(value, str) else None
        if secret:
            yield key, f"'{key}' {secret}"


def _validated(data: Mapping[str, Any]) -> tuple[Settings | None, list[tuple[str, str]]]:
    kind = data.get("kind")
    if kind not in _KINDS:
        found = f", found {kind!r}" if "kind" in data else ""
        hint = did_you_mean(str(kind), _KINDS)
        return None, [("kind", f"'kind': expected one of {listed(list(_KINDS))}{found}.{hint}")]
    model = _KINDS[str(kind)]
    try:
        return model.model_validate(dict(data)), []
    except ValidationError as error:
        return None, [_message(one, str(kind), model) for one in error.errors(include_url=False)]


def _message(error: Any, kind: str, model: type[Settings]) -> tuple[str, str]:
    key = str(error["loc"][0])
    known = [str(field.alias) for field in model.model_fields.values()]
    if error["type"] == "extra_forbidden":
        hint = did_you_mean(key, known)
        return key, f"unknown key '{key}' of a compute of kind {kind}: expected {listed(known)}.{hint}"
    if error["type"] == "missing":
        return key, f"key '{key}' is missing for a compute of kind {kind}: add a line '{key}: ...'."
    return key, f"'{key}': {_expected(error)}, found {error['input']!r}."


def _expected(error: Any) -> str:
    limits = error.get("ctx", {})
    words = {
        "string_type": "expected text",
        "int_type": "expected a whole number",
        "greater_than_equal": f"expected {limits.get('ge')} or more",
        "less_than_equal": f"expected {limits.get('le')} or less",
        "literal_error": f"expected {limits.get('expected')}",
    }
    return words.get(error["type"], str(error["msg"]))
