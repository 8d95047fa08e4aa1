"""A new use case: guessed from data and written."""

from __future__ import annotations

import io
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from operation.engine import configuration
from operation.engine.configuration.documents import read_document
from operation.engine.configuration.new_environment import require_new_name
from operation.engine.delivery.scaffolding.columns import Column, guess_columns, unusable_name
from operation.engine.delivery.scaffolding.meanings import (
    NO_VALUE,
    is_year,
    missing_words,
    time_form,
    without,
)
from operation.engine.delivery.scaffolding.row_key import guess_key
from operation.engine.delivery.scaffolding.schema_text import rounded, schema_text
from operation.engine.delivery.scaffolding.split import HOLDOUT, guess_split, is_time, lags_of
from operation.engine.delivery.scaffolding.target import guess_target, label
from operation.engine.delivery.scaffolding.use_case_text import Guess, step_names, use_case_text
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.files import read_parquet
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.nearest import did_you_mean, listed
from operation.engine.identity.notebook_parameters import read_parameters, step_calls
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
    group_column: str | None = None
    time_format: str | None = None


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
    for option in ("target", "time_column", "group_column"):
        if name := getattr(request, option):
            _require_column(table, name, f"--{option.replace('_', '-')}")
    forms = _forms(table, request)
    table = _read_table(request.data, layout, forms) if forms else table
    others = [name for name in table.columns if name != request.target]
    missing = missing_words(table, others)
    table = without(table, missing)
    target = guess_target(table[request.target], request.task)
    split = guess_split(table, target, request.time_column, request.split, request.group_column)
    columns = [_grouping(column, split.group_column) for column in guess_columns(table, request.target)]
    lags = lags_of(table, target, split)
    if not lags:
        _require_features(columns)
    notebooks = {path.stem: _unreadable(path) for path in sorted(layout.notebooks.glob("[0-9]*.ipynb"))}
    guess = Guess(
        name=request.name,
        data=_data_path(request.data, layout),
        rows=len(table),
        target=target,
        split=split,
        columns=columns,
        forms=forms,
        missing={name: words for name, words in missing.items() if _is_used(name, columns)},
        lags=lags,
        doubtful={column.name: words for column in columns if (words := _absent_words(column, table))},
        unlabelled=int(table[request.target].isna().sum()),
        categories={
            column.name: table[column.name].map(label).nunique()
            for column in columns
            if column.kind == "categorical"
        },
        notebooks=[name for name, problem in notebooks.items() if not problem and _fits(layout, name)],
        unreadable=[problem for problem in notebooks.values() if problem],
        key=guess_key(table, columns, split.time_column) if request.data.is_dir() else [],
        samples=not lags and _all_declare(layout, "SAMPLEROWS"),
        span=_span(table[request.target]) if target.task == "regression" else 1.0,
    )
    texts = {
        schema_file: schema_text(request.name, table, columns, target, split, missing=guess.missing),
        configuration.configuration_file(layout, request.name): use_case_text(guess),
    }
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    return guess, list(texts)


def _fits(layout: Layout, notebook: str) -> bool:
    """Tell whether all scripts that a notebook calls are among the new use case's steps."""
    lacking = {path.stem for path in layout.src.glob("*.py")} - step_names()
    return lacking.isdisjoint(call.step for call in step_calls(layout.notebooks / f"{notebook}.ipynb"))


def _unreadable(notebook: Path) -> str:
    """Return why the parameters of a notebook cannot be read; empty where they can."""
    try:
        read_parameters(notebook)
    except UsageError as error:
        return str(error)
    return ""


def _absent_words(column: Column, table: pd.DataFrame) -> list[str]:
    """Return the categories of a column that elsewhere say that there is no value."""
    if column.kind != "categorical":
        return []
    return sorted({value for value in table[column.name].unique() if isinstance(value, str)} & NO_VALUE)


def _is_used(name: str, columns: Sequence[Column]) -> bool:
    return any(column.name == name and column.kind != "dropped" for column in columns)


def _grouping(column: Column, group: str | None) -> Column:
    """Leave out the column by whose values rows are kept together: later rows have other ones."""
    if column.name != group:
        return column
    return Column(column.name, "dropped", "its values are kept on one side of the split: later ones are new")


def _forms(table: pd.DataFrame, request: Request) -> dict[str, str]:
    """Return the form of every column of times that is not written in ISO 8601."""
    names = [name for name in table.columns if name != request.target and not unusable_name(name)]
    forms = {name: form for name in names if (form := time_form(table[name])) and "|" not in form}
    has_times = any(is_time(table[name]) for name in names)
    years = [name for name in names if is_year(table[name])]
    if (
        years
        and not forms
        and not has_times
        and request.time_column is None
        and request.split in (None, "time")
    ):
        forms[years[0]] = "year"
    column = request.time_column
    if column is not None and column not in forms and is_year(table[column]):
        forms[column] = "year"
    if request.time_format:
        if column is None:
            raise UsageError("--time-format: it is the form of --time-column: name that too.")
        forms[column] = request.time_format
    return forms


def _read_table(data: Path, layout: Layout, forms: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read a CSV or Parquet file, or a folder of them, through ``src/ingest.py``."""
    if not data.exists():
        siblings = [path.name for path in data.parent.glob("*")]
        raise UsageError(f"--data: there is no {data}.{did_you_mean(data.name, siblings)}")
    times = ["--times", *(f"{name}={form}" for name, form in forms.items())] if forms else []
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "table"
        with redirect_stdout(io.StringIO()) if forms else nullcontext():
            run_script(layout.src / "ingest.py", [f"--data={data.resolve()}", f"--table={table}", *times])
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
    elif split.split == "group":
        yield f"split        by group: {split.reason}"
    else:
        yield f"split        {split.split}: {split.reason}"
    yield from _values_lines(guess)
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


def _values_lines(guess: Guess) -> Iterator[str]:
    """Yield how the split and the values were understood, what speaks against it first."""
    target, split = guess.target, guess.split
    if split.fraction != HOLDOUT:
        yield f"holdout      {split.fraction:.0%} of the {guess.rows} rows: a smaller share tells little"
    for warning in split.warnings:
        yield f"WARNING      {warning}"
    if guess.unlabelled:
        yield f"no target    {guess.unlabelled} of {guess.rows} rows: left out"
    for name, form in guess.forms.items():
        yield f"times        {name}: read as {form}"
    for name, found in guess.missing.items():
        yield f"missing      {name}: {found.told}"
    for name, words in guess.doubtful.items():
        absent = listed(words, "and")
        yield f"category     {name}: {absent} counts as one; `missing` in the schema says otherwise"
    if guess.lags:
        rows = listed([str(count) for count in guess.lags], "and")
        unit = "row" if rows == "1" else "rows"
        yield f"lags         {target.name}: its values {rows} {unit} earlier are features, and the baseline"


def options(guess: Guess) -> str:
    """Return the options that change what was guessed."""
    names = ["--time-column COLUMN", "--group-column COLUMN"]
    if guess.target.task == "regression":
        names.insert(0, "--task classification")
    elif guess.target.threshold is not None or guess.target.of_numbers:
        names.insert(0, "--task regression")
    return listed([*names, "--split random"] if guess.split.split in ("time", "group") else names)
