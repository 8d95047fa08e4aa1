"""Files of one folder, each of which describes a thing of some kind: a compute, a deployment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from operation.engine.configuration.documents import Document, Place, read_document
from operation.engine.configuration.environment_file import read_environment
from operation.engine.configuration.loading import Configuration, configuration_file, environments
from operation.engine.configuration.secret_values import secret_problem
from operation.engine.configuration.variables import reference_problems, resolved, typed
from operation.engine.errors import ConfigurationError, Problem, UsageError
from operation.engine.layout import Layout
from operation.engine.nearest import did_you_mean, listed


class Strict(BaseModel):
    """Keys are written with dashes; one that is unknown is a mistake."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, alias_generator=lambda name: name.replace("_", "-")
    )


Settings = TypeVar("Settings", bound=BaseModel)


@dataclass(frozen=True)
class Shelf(Generic[Settings]):
    """A folder of ``configuration/`` whose files are all of one sort.

    Parameters
    ----------
    thing : str
        What a file describes, and its folder: ``compute``.
    kinds : mapping of str to model
        What ``kind:`` may be, and which keys stand beside it.
    variables : mapping of str to str
        Variables of an environment that choose a file, and the file where it says nothing.
    name, name_words : pattern, str
        What Azure accepts as a name, and the same in words.
    exempt : frozenset of str
        Keys that may look as if they held a secret.
    """

    thing: str
    kinds: Mapping[str, type[Settings]]
    variables: Mapping[str, str]
    name: re.Pattern[str]
    name_words: str
    exempt: frozenset[str] = field(default_factory=frozenset)

    def names(self, layout: Layout) -> list[str]:
        """Return the names of all files, sorted."""
        return sorted(path.stem for path in self._folder(layout).glob("*.yml"))

    def chosen(
        self, layout: Layout, configured: Configuration, name: str | None, variable: str
    ) -> tuple[str, Settings]:
        """Return the name and settings of the file `name`, or of the one that a variable names.

        Raises
        ------
        UsageError
            For an unknown name; tells the nearest.
        ConfigurationError
            With every mistake in its file.
        """
        wanted = name or str(configured.variables.get(variable, self.variables[variable]))
        if wanted not in self.names(layout):
            origin = "" if name else f" ({variable} of environment {configured.environment})"
            raise UsageError(f"unknown {self.thing} '{wanted}'{origin}: there is {self._no(layout, wanted)}")
        settings, problems = self.read(layout, wanted, configured.variables)
        if problems or settings is None:
            raise ConfigurationError(problems)
        return wanted, settings

    def problems(self, layout: Layout, environment: str | None = None) -> Iterator[Problem]:
        """Yield every mistake in every file, and in the choice of one, for each sound environment."""
        for name in [environment] if environment else environments(layout):
            path = configuration_file(layout, name)
            file, problems = read_environment(path, layout.relative(path), name, os.environ)
            if problems or not file.document:
                continue
            chosen = {one: file.variables[one].text for one in self.variables if one in file.variables}
            for variable, wanted in chosen.items():
                if wanted not in self.names(layout):
                    message = f"{variable}: there is {self._no(layout, wanted)}"
                    yield file.document.problem(("variables", variable), message)
            values = {key: one.value for key, one in file.variables.items() if one.value is not None}
            for one in self.names(layout):
                yield from self.read(layout, one, values)[1]

    def read(
        self, layout: Layout, name: str, variables: Mapping[str, Any]
    ) -> tuple[Settings | None, list[Problem]]:
        """Read one file; the settings are None when there are problems."""
        path = self._folder(layout) / f"{name}.yml"
        document, problems = read_document(path, layout.relative(path))
        if document is None:
            return None, problems
        problems += [document.problem(place, text) for place, text in self._values(document, variables)]
        if not self.name.fullmatch(name):
            accepted = f"is no name that Azure accepts for a {self.thing}: expected {self.name_words}."
            problems.append(document.problem((), f"'{name}' {accepted} Rename the file."))
        data = resolved(document.data, {key: typed(str(value)) for key, value in variables.items()})
        settings, wrong = self._validated(data)
        problems += [document.problem(place, text) for place, text in wrong]
        return (None, problems) if problems else (settings, [])

    def _folder(self, layout: Layout) -> Path:
        return layout.configuration / self.thing

    def _no(self, layout: Layout, wanted: str) -> str:
        names = self.names(layout)
        hint = did_you_mean(wanted, names)
        return f"no configuration/{self.thing}/{wanted}.yml.{hint} Known: {listed(names, 'and')}."

    def _values(self, document: Document, variables: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
        """Yield what is wrong with references, and values that look like secrets."""
        for key, section in document.data.items():
            values = section if isinstance(section, dict) else {None: section}
            for inner, value in values.items():
                place = (key,) if inner is None else (key, inner)
                for message in reference_problems(value, variables, "the environment"):
                    yield place, message
                secret = (
                    isinstance(value, str) and key not in self.exempt and secret_problem(place[-1], value)
                )
                if secret:
                    yield place, f"'{'.'.join(place)}' {secret}"

    def _validated(self, data: Any) -> tuple[Settings | None, list[tuple[Place, str]]]:
        kind = data.get("kind")
        if kind not in self.kinds:
            found = f", found {kind!r}" if "kind" in data else ""
            hint = did_you_mean(str(kind), self.kinds)
            return None, [(("kind",), f"'kind': expected one of {listed(list(self.kinds))}{found}.{hint}")]
        model = self.kinds[str(kind)]
        try:
            return model.model_validate(dict(data)), []
        except ValidationError as error:
            whose = f"of a {self.thing} of kind {kind}"
            return None, [_message(one, whose, model) for one in error.errors(include_url=False)]


def _message(error: Any, whose: str, model: type[BaseModel]) -> tuple[Place, str]:
    place = tuple(str(part) for part in error["loc"])
    key = ".".join(place)
    known = [str(one.alias) for one in model.model_fields.values()]
    if error["type"] == "extra_forbidden":
        return place, f"unknown key '{key}' {whose}: expected {listed(known)}.{did_you_mean(key, known)}"
    if error["type"] == "missing":
        return place, f"key '{key}' is missing {whose.replace('of', 'for', 1)}: add a line '{key}: ...'."
    if error["type"] == "value_error":  # of the whole file, or of what should not be shown
        return place, str(error["ctx"]["error"])
    return place, f"'{key}': {_expected(error)}, found {error['input']!r}."


def _expected(error: Any) -> str:
    limits = error.get("ctx", {})
    words = {
        "string_type": "expected text",
        "int_type": "expected a whole number",
        "float_type": "expected a number",
        "bool_type": "expected true or false",
        "dict_type": "expected lines such as 'name: value' below it",
        "greater_than": f"expected more than {limits.get('gt', 0):g}",
        "greater_than_equal": f"expected {limits.get('ge')} or more",
        "less_than_equal": f"expected {limits.get('le')} or less",
        "literal_error": f"expected {limits.get('expected')}",
    }
    return words.get(error["type"], str(error["msg"]))
