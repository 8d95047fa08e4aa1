"""Feature tables: their definitions in ``configuration/features/``, and which steps make and use them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from operation.engine.configuration.loading import configuration_file, examine, use_cases
from operation.engine.configuration.resolved import Configuration
from operation.engine.foundation.errors import Problem, UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.nearest import did_you_mean, listed
from operation.engine.identity.parser_slice import describe_definition

SCRIPT = "materialise.py"  # the Core Script that reads definitions
_PLACE = re.compile(r"(?P<file>.+?):(?P<line>\d+): (?P<message>.*)")


@dataclass(frozen=True)
class Use:
    """A feature table in one use case."""

    use_case: str
    step: str  # that makes it
    readers: tuple[str, ...]  # the steps that read it, directly


def names(layout: Layout) -> list[str]:
    """Return the names of all feature tables, sorted."""
    return sorted(file.stem for file in layout.features.glob("*.yml"))


def definition_file(layout: Layout, name: str) -> Path:
    """Return the file of a feature table; raise UsageError when there is none."""
    if name not in names(layout):
        hint = did_you_mean(name, names(layout)) or f" There is {listed(names(layout), 'and') or 'none'}."
        raise UsageError(f"there is no configuration/features/{name}.yml.{hint}")
    return layout.features / f"{name}.yml"


def definition(layout: Layout, name: str) -> dict[str, Any]:
    """Return the definition of a feature table; raise UsageError with all mistakes in its file."""
    file = layout.relative(definition_file(layout, name))
    return describe_definition(layout.src / SCRIPT, file)


def definition_problems(layout: Layout) -> Iterator[Problem]:
    """Yield every mistake in the definitions."""
    for name in names(layout):
        try:
            definition(layout, name)
        except UsageError as error:
            for line in str(error).splitlines():
                place = _PLACE.fullmatch(line)
                file = layout.relative(layout.features / f"{name}.yml")
                yield Problem(file, int(place["line"]), place["message"]) if place else Problem(file, 1, line)


def maker(configured: Configuration, layout: Layout, name: str) -> str | None:
    """Return the step of a use case that makes a feature table, if one does."""
    file = definition_file(layout, name)
    makers = (
        step.name
        for step in configured.steps.values()
        if layout.root / step.inputs.get("definition", "") == file
    )
    return next(makers, None)


def readable_use_cases(layout: Layout, environment: str | None) -> list[Configuration]:
    """Return every use case without a mistake."""
    examined = (examine(environment, case, layout)[0] for case in use_cases(layout))
    return [configured for configured in examined if configured]


def uses(cases: Iterable[Configuration], layout: Layout, name: str) -> list[Use]:
    """Return where a feature table is made and read in use cases."""
    made = ((configured, maker(configured, layout, name)) for configured in cases)
    return [Use(case.use_case, step, tuple(_readers(case, step))) for case, step in made if step]


def required_maker(configured: Configuration, layout: Layout, name: str) -> str:
    """Return the step that makes a feature table; raise UsageError when the use case has none."""
    step = maker(configured, layout, name)
    if step is None:
        file = layout.relative(configuration_file(layout, configured.use_case))
        example = f"'script: {SCRIPT}' and the input 'definition: configuration/features/{name}.yml'"
        raise UsageError(f"{file} has no step that makes feature table '{name}'. Add one, with {example}.")
    return step


def _readers(configured: Configuration, maker: str) -> Iterator[str]:
    """Yield the steps that read what `maker` writes, or what another one adds to it."""
    for step in configured.steps.values():
        for argument, source in step.inputs.items():
            if configured.reference(source) and source.startswith(f"{maker}."):
                if argument == "beside":
                    yield from _readers(configured, step.name)
                else:
                    yield step.name
