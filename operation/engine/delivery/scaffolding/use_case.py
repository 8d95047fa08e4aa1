"""A new use case: its configuration and its schema, guessed from data and written."""

import re
from collections.abc import Iterator
from pathlib import Path

from operation.engine import configuration
from operation.engine.configuration.new_environment import require_new_name
from operation.engine.delivery.scaffolding.guess import Guess, guess_use_case
from operation.engine.delivery.scaffolding.reading import Request, read
from operation.engine.delivery.scaffolding.use_case_text import use_case_text
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout


def write_use_case(request: Request, layout: Layout) -> tuple[Guess, list[Path]]:
    """Write the configuration and the schema of a new use case.

    Returns
    -------
    guess : Guess
        What was guessed.
    files : list of Path
        What was written.

    Raises
    ------
    UsageError
        For an invalid name, a file that exists, data or columns that do not exist, or data without features.
    """
    require_new_name(request.name, "use case", configuration.USE_CASE_NAME, layout)
    schema_file = layout.schemas / f"{request.name}.yml"
    if schema_file.exists():
        raise UsageError(
            f"{layout.relative(schema_file)} exists and is not overwritten: choose another name."
        )
    table, forms = read(request, layout)
    guess = guess_use_case(request, table, forms, layout)
    texts = {
        schema_file: guess.schema,
        configuration.configuration_file(layout, request.name): use_case_text(guess),
    }
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return guess, [*texts, *_as_default(request.name, layout)]


def _as_default(name: str, layout: Layout) -> Iterator[Path]:
    """Let environments whose default use case is gone, as where the examples are deleted, name this one."""
    for environment in configuration.environments(layout):
        path = configuration.configuration_file(layout, environment)
        text = path.read_text(encoding="utf-8")
        found = re.search(r"^(\s+USECASE:\s+)([\w-]+)", text, re.MULTILINE)
        if found and found[2] not in configuration.use_cases(layout):
            edited = text[: found.start(2)] + name + text[found.end(2) :]
            path.write_text(edited, encoding="utf-8", newline="\n")
            yield path
