"""``configuration-<use case>.yml``: the notebooks and the steps of one use case."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from operation.engine.configuration.documents import Document, Place, Value, read_document
from operation.engine.configuration.messages import explain
from operation.engine.configuration.models import Automl, NotebookModel, Pipeline, StepModel, UseCaseModel
from operation.engine.configuration.secret_values import secret_problem
from operation.engine.configuration.variables import Variable, reference_problems, resolved
from operation.engine.foundation.errors import Problem

_SECTIONS: dict[str, type[BaseModel]] = {"automl": Automl, "pipeline": Pipeline}
_MODELS: dict[str, type[BaseModel]] = {"notebooks": NotebookModel, "steps": StepModel, **_SECTIONS}


@dataclass(frozen=True)
class UseCaseFile:
    """A use case as far as it could be read."""

    document: Document
    content: UseCaseModel  # what was well-formed
    secrets: tuple[str, ...]  # texts that no message may show
    broken: frozenset[str]  # steps of which something was left out of `content`


def read_use_case(
    path: Path, file: str, owner: str, variables: Mapping[str, Variable], declared: frozenset[str] | None
) -> tuple[UseCaseFile | None, list[Problem]]:
    """Read a use case and replace its ``$(NAME)`` references."""
    document, problems = read_document(path, file)
    if document is None:
        return None, problems
    secrets: list[str] = []
    for place, text in document.scalars():
        wrong = reference_problems(text, declared, owner)
        name = next((str(key) for key in reversed(place) if isinstance(key, str)), "")
        if secret := secret_problem(name, text):
            secrets.append(document.texts[place])
            wrong.append(f"{_named(place)} {secret}")
        problems += [document.problem(place, message) for message in wrong]
    content, errors = _validated(resolved(document.data, variables))
    problems += [document.problem(one["loc"], _message(one)) for one in errors]
    places = [one["loc"] for one in errors]
    broken = frozenset(str(place[1]) for place in places if place[0] == "steps" and len(place) > 1)
    return UseCaseFile(document, content, tuple(secrets), broken), problems


def _validated(data: dict[str, Value]) -> tuple[UseCaseModel, list[Any]]:
    """Return the model of `data`; where there are mistakes, of what is left without them."""
    try:
        return UseCaseModel.model_validate(data), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
        sound = copy.deepcopy(data)
        for one in errors:
            _take_out(sound, one["loc"])
        return UseCaseModel.model_validate(sound), list(errors)


def _take_out(data: Value, place: Place) -> None:
    """Remove what stands at `place`, or put in its stead what is passed over later."""
    if place[0] in _SECTIONS:
        data.pop(place[0], None)
        return
    *parents, key = place
    for parent in parents:
        data = data[parent]
    if isinstance(data, list):
        data[int(key)] = {"name": ""}
    elif parents == ["steps"] or place == ("steps",):
        data[key] = {}
    elif key in {"description", "name"} and "inputs" not in parents:
        data[key] = ""
    else:
        data.pop(key, None)


def _message(error: Any) -> str:
    *parents, _ = error["loc"]
    model = _MODELS[parents[0]] if parents else UseCaseModel
    return explain(error, _named(error["loc"]), f" in {_named(parents)}" if parents else "", model)


def _named(place: Sequence[str | int]) -> str:
    """Say `place` as a person would: ``notebook 2``, ``'arguments' of step 'train'``."""
    first, *rest = place
    if first in _SECTIONS and rest:
        return f"'{rest[-1]}' of '{first}'"
    if first not in {"notebooks", "steps"} or not rest:
        return f"'{first}'"
    owner = f"step '{rest[0]}'" if first == "steps" else f"notebook {int(rest[0]) + 1}"
    return " of ".join([*(f"'{key}'" for key in reversed(rest[1:])), owner])
