"""Feature tables in a folder: their features of rows, as they were known at the rows' times."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from support import step
from tabular.feature_table import DEFINITION, FeatureTable, read_facts


def names_in(folder: Path) -> list[str]:
    """Return the names of the feature tables in `folder`; raise a StepError where there is none."""
    names = sorted(file.parent.name for file in folder.glob(f"*/{DEFINITION}"))
    if not names:
        raise step.StepError(f"{folder} holds no feature table: name what materialise wrote")
    return names


def add_known(
    table: pd.DataFrame, folder: Path, time_column: str | None, wanted: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Add those of the columns `wanted` that feature tables hold, as they were known at each row's time.

    Returns
    -------
    DataFrame of shape (rows, columns)
        With the columns added.
    dict
        What was joined, as features.json and model.json say it: ``time_column``, and name, version, digest,
        entity and columns of each of the ``tables``; empty where no wanted column is in any.

    Raises
    ------
    StepError
        When there is no time column, or a wanted column is in several places.
    """
    found = names_in(folder)
    if not time_column:
        raise step.StepError("--feature-tables needs --time-column: name the column with the time of a row")
    owners = {**dict.fromkeys(map(str, table.columns), "the rows")}
    joined = []
    for name in found:
        names = [column for column in read_facts(folder / name)[0].columns if column in wanted]
        for column in names:
            if column in owners:
                places = f"{owners[column]} and in feature table {name!r}"
                raise step.StepError(f"column {column!r} is in {places}: leave one out, or rename it")
            owners[column] = f"feature table {name!r}"
        if names:
            feature_table = FeatureTable.read(folder / name)
            table = table.join(feature_table.known_at(table, time_column, names))
            joined.append(record(feature_table, names))
    return table, {"time_column": time_column, "tables": joined} if joined else {}


def keys(recorded: Mapping[str, Any]) -> list[str]:
    """Return the columns by which rows are looked up in the feature tables of a model, each once."""
    entities = [name for one in recorded.get("tables", []) for name in one["entity"]]
    return list(dict.fromkeys([*filter(None, [recorded.get("time_column")]), *entities]))


def record(feature_table: FeatureTable, columns: Sequence[str]) -> dict[str, Any]:
    """Return what a model must know of a feature table to be given the same features later."""
    definition = feature_table.definition
    facts = {"name": definition.name, "version": definition.version, "digest": feature_table.digest}
    return {**facts, "entity": definition.entity, "columns": list(columns)}


def fill(table: pd.DataFrame, folder: Path, recorded: Mapping[str, Any]) -> pd.DataFrame:
    """Add the columns that a model's feature tables give and `table` lacks; what is there is taken as given.

    Parameters
    ----------
    recorded : mapping
        What features.json says: ``time_column`` and ``tables``.

    Raises
    ------
    StepError
        When a feature table is not in `folder`, or has another version than the model was trained with.
    """
    for one in recorded["tables"]:
        if missing := [name for name in one["columns"] if name not in table]:
            check_version(folder, one)
            found = FeatureTable.read(folder / one["name"])
            table = table.join(found.known_at(table, recorded["time_column"], missing))
    return table


def check_version(folder: Path, recorded: Mapping[str, Any]) -> Path:
    """Return the folder of a feature table; raise a StepError for another version than was trained with."""
    name, names = str(recorded["name"]), names_in(folder)
    if name not in names:
        near, known = step.nearest(name, names), step.listing(names)
        raise step.StepError(f"{folder} holds no feature table {name!r}{near}; it holds: {known}")
    definition, _ = read_facts(folder / name)
    if definition.version != recorded["version"]:
        versions = f"version {definition.version}, the model was trained with version {recorded['version']}"
        raise step.StepError(f"feature table {name!r} in {folder} is {versions}: name that one, or retrain")
    return folder / name
