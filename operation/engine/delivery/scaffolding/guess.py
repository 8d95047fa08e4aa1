"""Everything that a new use case is written from, guessed from its table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from operation.engine import configuration
from operation.engine.configuration.documents import read_document
from operation.engine.delivery.scaffolding.columns import Column, guess_columns
from operation.engine.delivery.scaffolding.missing import NO_VALUE, Missing, missing_words, without
from operation.engine.delivery.scaffolding.notebooks import notebooks_of
from operation.engine.delivery.scaffolding.reading import Request
from operation.engine.delivery.scaffolding.row_key import guess_key
from operation.engine.delivery.scaffolding.schema_text import rounded, schema_text
from operation.engine.delivery.scaffolding.split import Split, guess_split, lags_of
from operation.engine.delivery.scaffolding.target import Target, guess_target, label
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout

if TYPE_CHECKING:
    import pandas as pd

MOST_SLICES, SLICE_CATEGORIES = 3, 12


@dataclass(frozen=True)
class Guess:
    """Everything that a new use case is written from."""

    name: str  # the use case
    data: str  # the table's path, as ingest receives it
    schema: str  # the text of its schema
    rows: int  # rows of the table
    target: Target
    split: Split
    columns: Sequence[Column]
    categories: dict[str, int]  # categories of the categorical columns
    notebooks: Sequence[str]  # to be executed
    unreadable: Sequence[str]  # why others are not
    samples: bool  # whether every environment declares SAMPLEROWS
    key: Sequence[str]  # columns that identify a row of a folder of files; none: the files are no deliveries
    forms: dict[str, str]  # of times that are not written as 2013-01-31
    missing: dict[str, Missing]  # words of a column that say that there is no value
    doubtful: dict[str, list[str]]  # categories that elsewhere say that there is no value
    lags: Sequence[int]  # rows back in time whose target is a feature
    unlabelled: int  # rows without a target
    span: float  # largest distance between values of a numeric target; 1 for labels

    def of(self, kind: str) -> list[Column]:
        """Return the columns of one kind."""
        return [column for column in self.columns if column.kind == kind]

    @property
    def slices(self) -> list[str]:
        """Columns with few categories, whose categories are worth measuring one by one."""
        few = [name for name, categories in self.categories.items() if categories <= SLICE_CATEGORIES]
        return few[:MOST_SLICES]


def guess_use_case(request: Request, table: pd.DataFrame, forms: dict[str, str], layout: Layout) -> Guess:
    """Guess what is not requested; raise UsageError for a target, a split or columns that cannot be used."""
    missing = missing_words(table, [name for name in table.columns if name != request.target])
    table = without(table, missing)
    target = guess_target(table[request.target], request.task)
    split = guess_split(table, target, request.time_column, request.split, request.group_column)
    columns = [
        _told(_grouping(column, split.group_column), missing)
        for column in guess_columns(table, request.target)
    ]
    lags = lags_of(table, target, split)
    if not lags:
        _require_features(columns)
    categorical = [column.name for column in columns if column.kind == "categorical"]
    used = {column.name for column in columns if column.kind != "dropped"}
    missing = {name: words for name, words in missing.items() if name in used}
    notebooks = notebooks_of(layout)
    return Guess(
        name=request.name,
        data=_data_path(request.data, layout),
        schema=schema_text(request.name, table, columns, target, split, missing=missing),
        rows=len(table),
        target=target,
        split=split,
        columns=columns,
        forms=forms,
        missing=missing,
        lags=lags,
        doubtful={name: words for name in categorical if (words := _absent_words(table[name]))},
        unlabelled=int(table[request.target].isna().sum()),
        categories={name: table[name].map(label).nunique() for name in categorical},
        notebooks=[name for name, problem in notebooks.items() if not problem],
        unreadable=[problem for problem in notebooks.values() if problem],
        key=guess_key(table, columns, split.time_column) if request.data.is_dir() else [],
        samples=not lags and _all_declare(layout, "SAMPLEROWS"),
        span=_span(table[request.target]) if target.task == "regression" else 1.0,
    )


def _grouping(column: Column, group: str | None) -> Column:
    """Leave out the column by whose values rows are kept together: later rows have other ones."""
    if column.name != group:
        return column
    return Column(column.name, "dropped", "its values are kept on one side of the split: later ones are new")


def _told(column: Column, missing: Mapping[str, Missing]) -> Column:
    """Add to why a column is left out which of its values counted as missing."""
    if column.kind != "dropped" or column.name not in missing:
        return column
    return replace(column, reason=f"{column.reason}; {missing[column.name].told}")


def _require_features(columns: list[Column]) -> None:
    if all(column.kind == "dropped" for column in columns):
        reasons = "; ".join(f"'{column.name}': {column.reason}" for column in columns)
        raise UsageError(f"No column can be a feature ({reasons or 'the target is the only one'}).")


def _absent_words(values: pd.Series) -> list[str]:
    """Return the categories that elsewhere say that there is no value."""
    return sorted({value for value in values.unique() if isinstance(value, str)} & NO_VALUE)


def _data_path(data: Path, layout: Layout) -> str:
    """Return `data` as the use case names it: from the root where it lies inside, otherwise absolute."""
    path = layout.relative(data.resolve())
    return path if "/" in path else f"./{path}"  # train.csv alone would be output `csv` of step `train`


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
