"""Profiles: the distributions that a model was made for, beside it on disk, verified with it."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from comparing.sketches import Array, Sketch
from support import step
from tabular import tables

PROFILE_FILE = "profile.parquet"
PROFILE = "profile"  # what model.json calls its digest
Name: TypeAlias = tuple[str, str, str]  # part, name, slice: ("output", "probability", "airline=UA")
Profile: TypeAlias = dict[Name, Sketch]


def describe(
    columns: Iterable[tuple[Name, Array]], categorical: set[tuple[str, str]], min_rows: int
) -> Profile:
    """Return a sketch of each column; those whose part and name are `categorical` hold codes.

    A slice of fewer than `min_rows` rows is left out.
    """
    return {
        name: Sketch.of(values, "category" if name[:2] in categorical else "number")
        for name, values in columns
        if not name[2] or len(values) >= min_rows
    }


def save(folder: Path, profile: Mapping[Name, Sketch]) -> str:
    """Write profile.parquet into `folder`; return its digest (sha256), which model.json is to hold."""
    file = folder / PROFILE_FILE
    tables.write_table(pd.concat(_rows(*item) for item in profile.items()), file)
    return hashlib.sha256(file.read_bytes()).hexdigest()


def load(folder: Path, facts: Mapping[str, Any]) -> Profile:
    """Return the profile in `folder`, verified by the digest in `facts`, the content of model.json.

    Raises
    ------
    StepError
        When there is none, or it is not the one that training wrote.
    """
    file, digest = folder / PROFILE_FILE, facts.get(PROFILE)
    if digest is None or not file.is_file():
        raise step.StepError(
            f"{folder} holds no {PROFILE_FILE}: retrain the model, save one in the step that wrote it "
            "(comparing.profiles), or give --training to compare its features with"
        )
    if hashlib.sha256(file.read_bytes()).hexdigest() != digest:
        raise step.StepError(f"{file} is not the profile that training wrote: retrain the model")
    table = tables.read_parquet(file)
    return {
        (str(part), str(name), str(within)): _sketch(rows)
        for (part, name, within), rows in table.groupby(["part", "name", "slice"], sort=False)
    }


def _rows(name: Name, sketch: Sketch) -> pd.DataFrame:
    """Return a row for each value; one without a value for a column that has none."""
    columns = {"value": sketch.values, "between": sketch.between, "at": sketch.at}
    if not len(sketch.values):
        columns = {"value": np.array([np.nan]), "between": np.array([0]), "at": np.array([0])}
    head = dict(zip(("part", "name", "slice"), name, strict=True))
    return pd.DataFrame(
        {**head, "kind": sketch.kind, "rows": sketch.rows, "missing": sketch.missing, **columns}
    )


def _sketch(rows: pd.DataFrame) -> Sketch:
    first, known = rows.iloc[0], rows[rows["value"].notna()]
    values, between, at = (known[name].to_numpy() for name in ("value", "between", "at"))
    return Sketch(first["kind"], int(first["rows"]), int(first["missing"]), values, between, at)
