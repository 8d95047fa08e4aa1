"""``configuration-<ENVIRONMENT>.yml``: one flat mapping of variables that Azure DevOps reads too."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from operation.engine.configuration.documents import Document, KeyPath, Value, read_document
from operation.engine.configuration.messages import shown_value
from operation.engine.configuration.models import MANDATORY, OPTIONAL, EnvironmentModel
from operation.engine.configuration.secret_values import secret_problem
from operation.engine.configuration.variables import Variable, references, resolve, typed
from operation.engine.foundation.errors import Problem
from operation.engine.foundation.nearest import did_you_mean, nearest

_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_RESERVED = re.compile(r"ENDPOINT|INPUT|SECRET|PATH|SECUREFILE")
_SYSTEM = " (from the operating system's environment, which wins over the file)"


@dataclass(frozen=True)
class EnvironmentFile:
    """An environment as far as it could be read."""

    variables: Mapping[str, Variable]  # those that could be resolved
    declared: frozenset[str] | None  # all names that exist; None when the file could not be read
    secrets: tuple[str, ...] = ()  # texts that no message may show
    document: Document | None = None


def read_environment(
    path: Path, file: str, name: str, system: Mapping[str, str]
) -> tuple[EnvironmentFile, list[Problem]]:
    """Read and check the environment `name`."""
    document, problems = read_document(path, file)
    if document is None:
        return EnvironmentFile({}, None), problems
    content = document.data.get("variables")
    problems += [document.problem(key_path, message) for key_path, message in _shape(document)]
    if not isinstance(content, dict):
        return EnvironmentFile({}, None, (), document), problems
    raw, from_system = _raw(document, content, _of(name, system))
    complete = {**raw, **{key: typed(text) for key, text in OPTIONAL.items() if key not in raw}}
    secrets = {key: text for key, variable in raw.items() if (text := secret_problem(key, variable.value))}
    usable = {key: value for key, value in complete.items() if key not in secrets}
    variables, broken = resolve(usable, declared={*secrets, *MANDATORY})
    wrong = [(key, text) for key, texts in broken.items() for text in texts]
    wrong += [*secrets.items(), *_values(name, variables)]
    for key, text in wrong:
        origin = _SYSTEM if key in from_system else "" if key in raw else f", by default {OPTIONAL[key]},"
        at = key if key in raw else "NAMESPACE"  # which decides every default
        problems.append(document.problem(("variables", at), f"{key}{origin} {text}"))
    declared = frozenset({*content, *MANDATORY, *OPTIONAL})
    texts = tuple(raw[key].text for key in secrets)
    return EnvironmentFile(variables, declared, texts, document), problems


def _shape(document: Document) -> Iterator[tuple[KeyPath, str]]:
    for key in document.data:
        if key != "variables":
            hint = did_you_mean(key, ["variables"])
            yield (key,), f"unknown key '{key}': expected 'variables' and nothing beside it.{hint}"
    variables = document.data.get("variables")
    if not isinstance(variables, dict):
        # a scalar is not shown: it may be a secret
        what = shown_value(variables) if isinstance(variables, list | None) else "a single value"
        there = f"holds {what}" if "variables" in document.data else "is missing"
        yield ("variables",), f"'variables' {there}: expected a mapping, lines such as 'NAME: value'."
        return
    for name, value in variables.items():
        yield from ((("variables", name), text) for text in _name_problems(name, value, variables))
    for name in MANDATORY.keys() - variables.keys():
        slip = nearest(name, variables.keys() - {*MANDATORY, *OPTIONAL}, cutoff=0.8)
        fix = f"Rename '{slip}' to '{name}'." if slip else f"Add a line '{name}: ...'."
        yield ("variables",), f"variable {name} is missing ({MANDATORY[name]}). {fix}"


def _name_problems(name: str, value: Value, variables: Mapping[str, Value]) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        proposal = re.sub(r"[^A-Z0-9_]", "_", name.upper()).lstrip("_0123456789")
        hint = f" Rename it to '{proposal}'." if proposal else ""
        yield f"'{name}' is not a valid variable name: use upper-case letters, digits and '_'.{hint}"
    elif _RESERVED.match(name):
        yield f"'{name}' begins with a word that Azure DevOps reserves. Rename it."
    slip = nearest(name, [variable for variable in OPTIONAL if variable not in variables], cutoff=0.85)
    if slip and name not in {*MANDATORY, *OPTIONAL} and not name.startswith(slip):
        yield f"unknown variable {name}. Did you mean '{slip}'?"
    if isinstance(value, list | dict):
        yield f"variable {name} holds {shown_value(value)}: expected a single value."


def _of(name: str, system: Mapping[str, str]) -> Mapping[str, str]:
    """Return the operating system's variables, none where their ENVIRONMENT says that they are another's."""
    return system if system.get("ENVIRONMENT") in {None, "", name} else {}


def _raw(
    document: Document, content: Mapping[str, Value], system: Mapping[str, str]
) -> tuple[dict[str, Variable], set[str]]:
    """Return the variables before resolution, and which of them the operating system sets."""
    raw = {
        name: Variable(document.texts[("variables", name)], value)
        for name, value in content.items()
        if not isinstance(value, list | dict)
    }
    # ENVIRONMENT chooses the file: were it to win inside the file, no file could be chosen against it
    names = {name for name in raw if name in system and name != "ENVIRONMENT"}
    return {**raw, **{name: _override(raw[name], system[name]) for name in names}}, names


def _override(own: Variable, text: str) -> Variable:
    """Return `text` with the type that the file's own value suggests."""
    plain = isinstance(own.value, str) and not references(own.text)
    return Variable(text, text) if plain else typed(text)


def _values(name: str, variables: Mapping[str, Variable]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the values of variables that have a meaning here."""
    try:
        EnvironmentModel.model_validate(
            {key: variable.text for key, variable in variables.items()}, context={"name": name}
        )
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            if detail["type"] == "value_error":  # `_shape` reports what is missing
                yield str(detail["loc"][0]), str(detail["ctx"]["error"])
