"""A new use case: guessed from data and written."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from operation.engine import configuration
from operation.engine.configuration.documents import read_document
from operation.engine.configuration.new_environment import require_new_name
from operation.engine.delivery.scaffolding.columns import Column, guess_columns, unusable_name
from operation.engine.delivery.scaffolding.row_key import guess_key
from operation.engine.delivery.scaffolding.schema_text import rounded, schema_text
from operation.engine.delivery.scaffolding.split import guess_split
from operation.engine.delivery.scaffolding.target import guess_target, label
from operation.engine.delivery.scaffolding.use_case_text import Guess, use_case_text
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.files import read_parquet
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.nearest import did_you_mean, listed
from operation.engine.identity.notebook_parameters import read_parameters
from operation.engine.steps.runners import run_script

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Request:
    """What is known of a new use case; what is None is guessed."""

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
    table = _read_table(request.data, layout)
    _require_column(table, request.target, "--target")
    if request.time_column is not None:
        _require_column(table, request.time_column, "--time-column")
    target = guess_target(table[request.target], request.task)
    split = guess_split(table, target, request.time_column, request.split)
    columns = guess_columns(table, request.target)
    _require_features(columns)
    notebooks = {path.stem: _unreadable(path) for path in sorted(layout.notebooks.glob("[0-9]*.ipynb"))}
    guess = Guess(
        name=request.name,
        data=_data_path(request.data, layout),
        rows=len(table),
        target=target,
        split=split,
        columns=columns,
        categories={
            column.name: table[column.name].map(label).nunique()
            for column in columns
            if column.kind == "categorical"
        },
        notebooks=[name for name, problem in notebooks.items() if not problem],
        unreadable=[problem for problem in notebooks.values() if problem],
        samples=_all_declare(layout, "SAMPLEROWS"),
        key=guess_key(table, columns, split.time_column) if request.data.is_dir() else [],
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


def _unreadable(notebook: Path) -> str:
    """Return why the parameters of a notebook cannot be read; empty where they can."""
    try:
        read_parameters(notebook)
    except UsageError as error:
        return str(error)
    return ""


def _read_table(data: Path, layout: Layout) -> pd.DataFrame:
    """Read a CSV or Parquet file, or a folder of them, through ``src/ingest.py``."""
    if not data.exists():
        siblings = [path.name for path in data.parent.glob("*")]
        raise UsageError(f"--data: there is no {data}.{did_you_mean(data.name, siblings)}")
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table"
        run_script(layout.src / "ingest.py", [f"--data={data.resolve()}", f"--table={table}"])
        return read_parquet(table / "table.parquet")


def _require_column(table: pd.DataFrame, name: str, option: str) -> None:
    """Raise a UsageError for a column that `table` does not have, or that cannot be used."""
    if name not in table.columns:
        known = listed(table.columns, "and")
        raise UsageError(
            f"{option}: there is no column '{name}'.{did_you_mean(name, table.columns)} Known: {known}."
        )
    if problem := unusable_name(name):
        raise UsageError(f"{option}: column '{name}' cannot be used: {problem}.")


def _data_path(data: Path, layout: Layout) -> str:
    """Return `data` as the use case names it: from the root where it lies inside, otherwise absolute."""
    path = layout.relative(data.resolve())
    return path if "/" in path else f"./{path}"  # train.csv alone would be output `csv` of step `train`


def _require_features(columns: list[Column]) -> None:
    if all(column.kind == "dropped" for column in columns):
        reasons = "; ".join(f"'{column.name}': {column.reason}" for column in columns)
        raise UsageError(f"No column can be a feature ({reasons or 'the target is the only one'}).")


def _span(values: pd.Series) -> float:
    """Return the largest distance between numbers, rounded up to two digits."""
    return rounded(float(values.max() - values.min()), math.ceil, digits=2)


def _all_declare(layout: Layout, variable: str) -> bool:
    """Tell whether every environment declares `variable`, so that a use case may refer to it."""
    paths = [configuration.configuration_file(layout, name) for name in configuration.environments(layout)]
    documents = [read_document(path, path.name)[0] for path in paths]
    return bool(documents) and all(
        document and variable in document.data.get("variables", {}) for document in documents
    )


def guess_lines(guess: Guess) -> Iterator[str]:
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
    if guess.key:
        yield f"deliveries   each file once, by `collect`; {', '.join(guess.key)} identifies a row"
    for column in guess.of("dropped"):
        yield f"left out     {column.name}: {column.reason}"
    for problem in guess.unreadable:
        yield f"left out     {problem}"
    if Path(guess.data).is_absolute():
        yield f"data         {guess.data} lies outside the project: other machines will not find it there"


def options(guess: Guess) -> str:
    """Return the options that change what was guessed."""
    names = ["--time-column COLUMN"]
    if guess.target.task == "regression":
        names.insert(0, "--task classification")
    elif guess.target.threshold is not None or guess.target.of_numbers:
        names.insert(0, "--task regression")
    return listed([*names, "--split random"] if guess.split.split == "time" else names)
