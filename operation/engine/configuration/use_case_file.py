"""``configuration-<use case>.yml``: the notebooks and the steps of one use case."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from operation.engine.configuration.documents import Document, KeyPath, Value, read_document
from operation.engine.configuration.messages import explain
from operation.engine.configuration.models import (
    Automl,
    Monitor,
    NotebookModel,
    Pipeline,
    StepModel,
    UseCaseModel,
)
from operation.engine.configuration.secret_values import secret_problem
from operation.engine.configuration.variables import Variable, reference_problems, resolved
from operation.engine.foundation.errors import Problem

_SECTIONS: dict[str, type[BaseModel]] = {
    **{"deliveries": StepModel, "monitor": Monitor},
    **{"automl": Automl, "pipeline": Pipeline},
}
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
    for key_path, text in document.scalars():
        wrong = reference_problems(text, declared, owner)
        name = next((str(key) for key in reversed(key_path) if isinstance(key, str)), "")
        if secret := secret_problem(name, text):
            secrets.append(document.texts[key_path])
            wrong.append(f"{_named(key_path)} {secret}")
        problems += [document.problem(key_path, message) for message in wrong]
    content, errors = _validated(resolved(document.data, variables))
    problems += [document.problem(error["loc"], _message(error)) for error in errors]
    steps = [error["loc"][1] for error in errors if error["loc"][0] == "steps" and len(error["loc"]) > 1]
    broken = frozenset(map(str, steps))
    return UseCaseFile(document, content, tuple(secrets), broken), problems


def _validated(data: dict[str, Value]) -> tuple[UseCaseModel, list[Any]]:
    """Return the model of `data`; where there are mistakes, of what is left without them."""
    try:
        return UseCaseModel.model_validate(data), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
        sound = copy.deepcopy(data)
        for mistake in errors:
            _take_out(sound, mistake["loc"])
        return UseCaseModel.model_validate(sound), list(errors)


def _take_out(data: Value, key_path: KeyPath) -> None:
    """Remove what stands at `place`, or put in its stead what is passed over later."""
    if key_path[0] in _SECTIONS:
        data.pop(key_path[0], None)
        return
    *parents, key = key_path
    for parent in parents:
        data = data[parent]
    if isinstance(data, list):
        data[int(key)] = {"name": ""}
    elif parents == ["steps"] or key_path == ("steps",):
        data[key] = {}
    elif key in {"description", "name"} and "inputs" not in parents:
        data[key] = ""
    else:
        data.pop(key, None)


def _message(error: Any) -> str:
    *parents, _ = error["loc"]
    model = _MODELS[parents[0]] if parents else UseCaseModel
    return explain(error, _named(error["loc"]), f" in {_named(parents)}" if parents else "", model)


def _named(key_path: Sequence[str | int]) -> str:
    """Say `place` as a person would: ``notebook 2``, ``'arguments' of step 'train'``."""
    first, *rest = key_path
    if first in _SECTIONS and rest:
        return f"'{rest[-1]}' of '{first}'"
    if first not in {"notebooks", "steps"} or not rest:
        return f"'{first}'"
    owner = f"step '{rest[0]}'" if first == "steps" else f"notebook {int(rest[0]) + 1}"
    return " of ".join([*(f"'{key}'" for key in reversed(rest[1:])), owner])
