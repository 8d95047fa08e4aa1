"""``configuration-<ENVIRONMENT>.yml``: one flat mapping of variables that Azure DevOps reads too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from operation.engine.configuration.azure_names import RULES, name_problem
from operation.engine.configuration.documents import Document, Value, read_document
from operation.engine.configuration.secret_values import secret_problem
from operation.engine.configuration.variables import Variable, references, resolve, typed
from operation.engine.errors import Problem
from operation.engine.nearest import did_you_mean, nearest

MANDATORY = {
    "ENVIRONMENT": "the environment's name, as in the name of the file",
    "RESOURCE_GROUP": "the Azure resource group",
    "LOCATION": "the Azure region, such as westeurope",
    "NAMESPACE": "the short name that the names of the resources end with",
    "SERVICECONNECTION_RG": "the Azure DevOps service connection to the resource group",
    "SERVICECONNECTION_WS": "the Azure DevOps service connection to the workspace",
}
OPTIONAL = {
    "AMLWORKSPACE": "aml$(NAMESPACE)",
    "STORAGEACCOUNT": "sa$(NAMESPACE)",
    "KEYVAULT": "kv$(NAMESPACE)",
    "APPINSIGHTS": "ai$(NAMESPACE)",
    "CONTAINERREGISTRY": "cr$(NAMESPACE)",
}
_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_RESERVED = re.compile(r"ENDPOINT|INPUT|SECRET|PATH|SECUREFILE")
_SYSTEM = " (from the operating system's environment, which wins over the file)"


@dataclass(frozen=True)
class EnvironmentFile:
    """An environment as far as it could be read.

    Parameters
    ----------
    variables : Mapping[str, Variable]
        Those that could be resolved.
    declared : frozenset of str or None
        All names that exist, resolved or not; None when the file could not be read.
    secrets : tuple of str
        Texts that no message may show.
    document : Document or None
        The file, for places.
    """

    variables: Mapping[str, Variable]
    declared: frozenset[str] | None
    secrets: tuple[str, ...] = ()
    document: Document | None = None


def read_environment(
    path: Path, file: str, name: str, system: Mapping[str, str]
) -> tuple[EnvironmentFile, list[Problem]]:
    """Read and check the environment `name`.

    Parameters
    ----------
    path, file : Path, str
        The file, and its name in messages.
    name : str
        The environment that the file's name promises.
    system : Mapping[str, str]
        The operating system's environment: a variable of the file that is set there takes its value.
    """
    document, problems = read_document(path, file)
    if document is None:
        return EnvironmentFile({}, None), problems
    problems += [document.problem(place, message) for place, message in _shape(document)]
    raw, from_system = _raw(document, system)
    complete = {**raw, **{one: typed(text) for one, text in OPTIONAL.items() if one not in raw}}
    secrets = {one: text for one, variable in raw.items() if (text := secret_problem(one, variable.value))}
    usable = {one: value for one, value in complete.items() if one not in secrets}
    variables, broken = resolve(usable, declared={*secrets, *MANDATORY})

    def told(one: str, message: str) -> Problem:
        origin = _SYSTEM if one in from_system else ""
        return document.problem(("variables", one), f"{one}{origin} {message}")

    problems += [told(one, text) for one, text in secrets.items()]
    problems += [told(one, text) for one, found in broken.items() for text in found]
    problems += [told(one, f"is {text}") for one, text in _value_problems(name, variables)]
    problems += [document.problem(_blame(one, raw), text) for one, text in _azure_problems(raw, variables)]
    texts = tuple(raw[one].text for one in secrets)
    return EnvironmentFile(variables, _declared(document), texts, document), problems


def _shape(document: Document) -> Iterator[tuple[tuple[str, ...], str]]:
    for key in document.data:
        if key != "variables":
            hint = did_you_mean(key, ["variables"])
            yield (key,), f"unknown key '{key}': expected 'variables' and nothing beside it.{hint}"
    variables = document.data.get("variables")
    if not isinstance(variables, dict):
        found = "is missing" if "variables" not in document.data else f"holds {_kind(variables)}"
        yield ("variables",), f"'variables' {found}: expected a mapping, lines such as 'NAME: value'."
        return
    for name, value in variables.items():
        yield from ((("variables", name), text) for text in _name_problems(name, value, variables))
    for name, meaning in MANDATORY.items():
        if name not in variables:
            yield ("variables",), f"variable {name} is missing ({meaning}). {_add(name, variables)}"


def _declared(document: Document) -> frozenset[str] | None:
    variables = document.data.get("variables")
    return frozenset({*variables, *MANDATORY, *OPTIONAL}) if isinstance(variables, dict) else None


def _add(name: str, variables: Mapping[str, Value]) -> str:
    known = {*MANDATORY, *OPTIONAL}
    slip = nearest(name, [one for one in variables if one not in known], cutoff=0.8)
    return f"Rename '{slip}' to '{name}'." if slip else f"Add a line '{name}: ...'."


def _name_problems(name: str, value: Value, variables: Mapping[str, Value]) -> Iterator[str]:
    if not _NAME.fullmatch(name):
        proposal = re.sub(r"[^A-Z0-9_]", "_", name.upper()).lstrip("_0123456789")
        hint = f" Rename it to '{proposal}'." if proposal else ""
        yield f"'{name}' is no variable's name: expected upper-case letters, digits and '_'.{hint}"
    elif _RESERVED.match(name):
        yield f"'{name}' begins with a word that Azure DevOps keeps for itself: give it another name."
    slip = nearest(name, [one for one in OPTIONAL if one not in variables], cutoff=0.85)
    if slip and name not in {*MANDATORY, *OPTIONAL} and not name.startswith(slip):
        yield f"unknown variable {name}. Did you mean '{slip}'?"
    if isinstance(value, list | dict):
        yield f"variable {name} holds {_kind(value)}: expected a single value."


def _kind(value: Value) -> str:
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    return "nothing" if value is None else "a single value"


def _raw(document: Document, system: Mapping[str, str]) -> tuple[dict[str, Variable], set[str]]:
    """Return the variables before resolution, and which of them the operating system sets."""
    variables = document.data.get("variables")
    raw = {
        name: Variable(document.texts[("variables", name)], value)
        for name, value in (variables if isinstance(variables, dict) else {}).items()
        if not isinstance(value, list | dict)
    }
    # ENVIRONMENT chooses the file: were it to win inside the file, no file could be chosen against it
    names = {name for name in raw if name in system and name != "ENVIRONMENT"}
    return {**raw, **{name: _override(raw[name], system[name]) for name in names}}, names


def _override(own: Variable, text: str) -> Variable:
    """Return `text` with the type that the file's own value suggests."""
    plain = isinstance(own.value, str) and not references(own.text)
    return Variable(text, text) if plain else typed(text)


def _value_problems(name: str, variables: Mapping[str, Variable]) -> Iterator[tuple[str, str]]:
    for one, meaning in MANDATORY.items():
        if one in variables and not variables[one].text.strip(" ~"):
            yield one, f"empty: expected {meaning}."
        elif one == "ENVIRONMENT" and one in variables and variables[one].text != name:
            yield one, f"'{variables[one].text}' in the file of environment {name}: expected '{name}'."


def _azure_problems(
    raw: Mapping[str, Variable], variables: Mapping[str, Variable]
) -> Iterator[tuple[str, str]]:
    for one in (*RULES, "LOCATION"):
        text = variables[one].text if one in variables else ""
        problem = name_problem(one, text) if text else None
        if problem:
            default = f", by default {OPTIONAL[one]}," if one not in raw else ""
            yield one, f"{one}{default} {problem}"


def _blame(one: str, raw: Mapping[str, Variable]) -> tuple[str, str]:
    """Return the place of the variable that decides `one`: its own, or NAMESPACE for a default."""
    return ("variables", one if one in raw else "NAMESPACE")
