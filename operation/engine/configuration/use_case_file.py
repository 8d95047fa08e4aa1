"""``configuration-<use case>.yml``: the notebooks and the steps of one use case."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from operation.engine.configuration.azure_settings import SECTIONS, Automl, Pipeline
from operation.engine.configuration.documents import Document, Place, Value, read_document
from operation.engine.configuration.secret_values import secret_problem
from operation.engine.configuration.variables import Variable, reference_problems, resolved
from operation.engine.errors import Problem
from operation.engine.nearest import did_you_mean, listed


def _or_empty(value: object) -> object:
    """Read a key with nothing behind it as an empty mapping: ``ingest:``."""
    return {} if value is None else value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class NotebookModel(_Strict):
    """One notebook of a use case."""

    name: str
    parameters: Annotated[dict[str, Any], BeforeValidator(_or_empty)] = Field(default_factory=dict)


class StepModel(_Strict):
    """One step of a use case."""

    script: str | None = None
    inputs: Annotated[dict[str, str], BeforeValidator(_or_empty)] = Field(default_factory=dict)
    arguments: Annotated[dict[str, Any], BeforeValidator(_or_empty)] = Field(default_factory=dict)


class UseCaseModel(_Strict):
    """The whole file."""

    description: str
    notebooks: list[NotebookModel] = Field(default_factory=list)
    steps: dict[str, Annotated[StepModel, BeforeValidator(_or_empty)]]
    automl: Automl | None = None
    pipeline: Pipeline | None = None


_MODELS: dict[str, type[BaseModel]] = {
    "": UseCaseModel,
    "notebooks": NotebookModel,
    "steps": StepModel,
    **SECTIONS,
}
_EMPTY: dict[str, Value] = {
    "description": "",
    "name": "",
    "notebooks": [],
    "steps": {},
    "script": None,
    "inputs": {},
    "arguments": {},
    "parameters": {},
}
_EXPECTED = {
    "string_type": "text",
    "dict_type": "a mapping, lines such as 'name: value'",
    "list_type": "a list, lines such as '- name: 01-explore-data'",
    "model_type": "a mapping, lines such as 'name: value'",
    "int_type": "a whole number",
}


@dataclass(frozen=True)
class UseCaseFile:
    """A use case as far as it could be read.

    Parameters
    ----------
    document : Document
        The file, for places.
    content : UseCaseModel
        What was well-formed.
    secrets : tuple of str
        Texts that no message may show.
    broken : frozenset of str
        Steps of which something was left out of `content`.
    """

    document: Document
    content: UseCaseModel
    secrets: tuple[str, ...]
    broken: frozenset[str]


def read_use_case(
    path: Path, file: str, owner: str, variables: Mapping[str, Variable], declared: frozenset[str] | None
) -> tuple[UseCaseFile | None, list[Problem]]:
    """Read a use case and replace its ``$(NAME)`` references.

    Parameters
    ----------
    path, file : Path, str
        The file, and its name in messages.
    owner : str
        The file that declares the variables, for messages.
    variables : Mapping[str, Variable]
        The environment's resolved variables.
    declared : frozenset of str or None
        All names that the environment declares; None when it could not be read.
    """
    document, problems = read_document(path, file)
    if document is None:
        return None, problems
    for place, text in _scalars(document.data, ()):
        found = reference_problems(text, declared, owner)
        problems += [document.problem(place, message) for message in found]
    secrets = {place: told for place, text in _scalars(document.data, ()) if (told := _secret(place, text))}
    problems += [document.problem(place, f"{_named(place)} {told}") for place, told in secrets.items()]
    content, wrong = _validated(resolved(document.data, variables))
    problems += [document.problem(place, message) for place, message in wrong]
    texts = tuple(document.texts[place] for place in secrets)
    broken = frozenset(str(place[1]) for place, _ in wrong if place[0] == "steps" and len(place) > 1)
    return UseCaseFile(document, content, texts, broken), problems


def _secret(place: Place, text: str) -> str | None:
    name = next((str(key) for key in reversed(place) if isinstance(key, str)), "")
    return secret_problem(name, text)


def _scalars(value: Value, place: Place) -> Iterator[tuple[Place, str]]:
    """Yield every text in `value` with its place."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _scalars(one, (*place, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _scalars(one, (*place, index))
    elif isinstance(value, str):
        yield place, value


def _validated(data: dict[str, Value]) -> tuple[UseCaseModel, list[tuple[Place, str]]]:
    """Return the model of `data`; where there are mistakes, of what is left without them."""
    try:
        return UseCaseModel.model_validate(data), []
    except ValidationError as error:
        found = error.errors(include_url=False)
        mended = copy.deepcopy(data)
        for one in found:
            _neutralise(mended, one["loc"])
        return UseCaseModel.model_validate(mended), [(one["loc"], _message(one)) for one in found]


def _message(error: Any) -> str:
    *parents, key = error["loc"]
    where = f" in {_named(parents)}" if parents else ""
    fields = _MODELS[str(parents[0]) if parents else ""].model_fields
    known = [one.alias or name for name, one in fields.items()]
    if error["type"] == "extra_forbidden":
        return f"unknown key '{key}'{where}: expected {listed(known)}.{did_you_mean(str(key), known)}"
    if error["type"] == "missing":
        return f"key '{key}' is missing{where}: add a line '{key}: ...'."
    limits = error.get("ctx", {})
    ranges = {
        "greater_than_equal": f"{limits.get('ge')} or more",
        "less_than_equal": f"{limits.get('le')} or less",
        "literal_error": limits.get("expected"),
    }
    expected = ranges.get(error["type"]) or _EXPECTED[error["type"]]
    return f"{_named(error['loc'])}: expected {expected}, found {_found(error['input'])}."


def _named(place: Sequence[str | int]) -> str:
    """Say `place` as a person would: ``notebook 2``, ``arguments of step 'train'``."""
    first, *rest = place
    if first in SECTIONS and rest:
        return f"'{rest[-1]}' of '{first}'"
    if first not in {"notebooks", "steps"} or not rest:
        return f"'{first}'"
    owner = f"step '{rest[0]}'" if first == "steps" else f"notebook {int(rest[0]) + 1}"
    return " of ".join([*(f"'{key}'" for key in reversed(rest[1:])), owner])


def _found(value: object) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    return "nothing" if value is None else repr(value)


def _neutralise(data: Value, place: Place) -> None:
    """Replace what stands at `place` by what passes and is passed over later."""
    if place[0] in SECTIONS:
        data.pop(place[0], None)
        return
    *parents, key = place
    for parent in parents:
        data = data[parent]
    if isinstance(data, list):
        data[int(key)] = {"name": ""}
    elif len(parents) == 1 and parents[0] == "steps":
        data[key] = {}
    elif key in _EMPTY and not (parents and parents[-1] in {"inputs", "arguments", "parameters"}):
        data[key] = copy.deepcopy(_EMPTY[str(key)])
    else:
        data.pop(key, None)
