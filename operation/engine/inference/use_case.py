"""A new use case: guessed, written, checked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from operation.engine import configuration
from operation.engine.configuration.documents import read_document
from operation.engine.configuration.new_environment import require_new_name
from operation.engine.errors import UsageError
from operation.engine.inference.columns import Column, guess_columns
from operation.engine.inference.schema_text import schema_text
from operation.engine.inference.split import guess_split
from operation.engine.inference.table import data_path, read_table, require_column
from operation.engine.inference.target import guess_target, label
from operation.engine.inference.use_case_text import Guess, use_case_text
from operation.engine.layout import Layout
from operation.engine.nearest import listed

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Request:
    """What a new use case is asked to be; what is None is guessed."""

    name: str
    data: Path
    target: str
    time_column: str | None = None
    task: str | None = None
    split: str | None = None


def write_use_case(request: Request, layout: Layout) -> tuple[Guess, list[Path]]:
    """Write the configuration and the schema of a new use case.

    Returns
    -------
    guess : Guess
        What was guessed, to be told.
    files : list of Path
        What was written.

    Raises
    ------
    UsageError
        For a bad name, a file that exists, data or columns that do not exist, data that nothing
        can be learnt from.
    """
    require_new_name(request.name, "use case", configuration.USE_CASE_NAME, layout)
    schema_file = layout.schemas / f"{request.name}.yml"
    if schema_file.exists():
        raise UsageError(
            f"{layout.relative(schema_file)} exists and is not overwritten: choose another name."
        )
    table = read_table(request.data, layout)
    require_column(table, request.target, "--target")
    if request.time_column is not None:
        require_column(table, request.time_column, "--time-column")
    target = guess_target(table[request.target], request.task)
    split = guess_split(table, target, request.time_column, request.split)
    columns = guess_columns(table, request.target)
    _require_features(columns)
    guess = Guess(
        name=request.name,
        data=data_path(request.data, layout),
        rows=len(table),
        target=target,
        split=split,
        columns=columns,
        levels={
            one.name: table[one.name].map(label).nunique() for one in columns if one.kind == "categorical"
        },
        notebooks=sorted(path.stem for path in layout.notebooks.glob("[0-9]*.ipynb")),
        samples=_all_declare(layout, "SAMPLEROWS"),
        span=_span(table[request.target]) if target.task == "regression" else 1.0,
    )
    texts = {
        schema_file: schema_text(request.name, table, columns, target, split.time_column),
        configuration.configuration_file(layout, request.name): use_case_text(guess),
    }
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return guess, list(texts)


def _require_features(columns: list[Column]) -> None:
    if all(column.kind == "dropped" for column in columns):
        reasons = "; ".join(f"'{column.name}': {column.reason}" for column in columns)
        raise UsageError(f"no column can be learnt from ({reasons or 'the target is the only one'}).")


def _span(values: pd.Series) -> float:
    """Return how far apart numbers are at most, rounded up to two digits."""
    span = float(values.max() - values.min())
    step = 10.0 ** (math.floor(math.log10(span)) - 1)
    return float(f"{math.ceil(span / step) * step:.6g}")


def _all_declare(layout: Layout, variable: str) -> bool:
    """Tell whether every environment declares `variable`, so that a use case may refer to it."""
    paths = [configuration.configuration_file(layout, name) for name in configuration.environments(layout)]
    documents = [read_document(path, path.name)[0] for path in paths]
    return bool(documents) and all(one and variable in one.data.get("variables", {}) for one in documents)


def told(guess: Guess) -> Iterator[str]:
    """Yield a line for each guess, with its reason."""
    target, split = guess.target, guess.split
    yield f"task         {target.task}: {target.reason}"
    if split.split == "time":
        yield f"split        by time: {split.reason}; the latest rows are the holdout"
    else:
        yield f"split        random: {split.reason}"
    for kind in ("numeric", "categorical", "datetime"):
        if names := [column.declaration for column in guess.of(kind)]:
            yield f"{kind:<12} {', '.join(names)}"
    for column in guess.of("dropped"):
        yield f"left out     {column.name}: {column.reason}"
    if Path(guess.data).is_absolute():
        yield f"data         {guess.data} lies outside the project: other machines will not find it there"


def options(guess: Guess) -> str:
    """Return which options would have changed what was guessed."""
    found = ["--time-column COLUMN"]
    if guess.target.task == "regression":
        found.insert(0, "--task classification")
    elif guess.target.threshold is not None or guess.target.of_numbers:
        found.insert(0, "--task regression")
    return listed([*found, "--split random"] if guess.split.split == "time" else found)
