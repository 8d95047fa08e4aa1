"""Observed rows: outputs, features and labels of scored rows as arrays, whatever form they came in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from modelling.models import Model
from modelling.targets import TARGET
from scoring.scored_form import FEATURE, INPUT, OUTPUT
from support import step
from tabular.columns import as_categories, as_times

Array = np.ndarray[Any, Any]
Name: TypeAlias = tuple[str, str, str]  # part, name, slice: ("output", "probability", "airline=UA")
DIGEST = "model_digest"


@dataclass(frozen=True)
class Observed:
    """Rows that a model scored."""

    outputs: Mapping[str, Array]  # numbers of shape (rows,)
    features: Mapping[str, Array]  # categories as codes; NaN for a missing or an unknown value
    # label (a number or the position of the class) and loss: the Brier score (1950) from 0 to 1, or the
    # absolute error. NaN where the label is not known yet; empty where none is known.
    labels: Mapping[str, Array]
    slices: pd.DataFrame  # of shape (rows, columns): categories as text
    times: pd.Series | None = None
    notes: tuple[str, ...] = ()  # what cannot be compared, and why

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.slices)

    def where(self, chosen: Array) -> Observed:
        """Return the rows for which the array of shape (rows,) is True."""
        outputs, features, labels = (
            {name: values[chosen] for name, values in part.items()}
            for part in (self.outputs, self.features, self.labels)
        )
        return Observed(outputs, features, labels, self.slices[chosen], notes=self.notes)

    def columns(self) -> Iterator[tuple[Name, Array]]:
        """Yield name and values: outputs first, then labels, features, and the outputs in each slice."""
        for part, columns in (("output", self.outputs), ("label", self.labels), ("feature", self.features)):
            for name, values in columns.items():
                yield (part, name, ""), values
        for column in self.slices:
            for category, places in self.slices.groupby(column).indices.items():
                for name, values in self.outputs.items():
                    yield ("output", name, f"{column}={category}"), values[places]

    def beside(self, table: pd.DataFrame, slices: Sequence[str], time: str | None) -> Observed:
        """Return the same rows with slices and times, from the table that they came from."""
        sources = {name: _column(table, name) for name in slices}
        parts = {name: as_categories(table[source]).to_numpy() for name, source in sources.items() if source}
        absent = [
            f"slices by {name!r} were not compared: the rows have no such column"
            for name in slices
            if not sources[name]
        ]
        source = _column(table, time) if time else None
        times = (
            as_times(table[source]).reset_index(drop=True) if source and table[source].notna().any() else None
        )
        frame = pd.DataFrame(parts, index=range(len(table)))
        return replace(self, slices=frame, times=times, notes=(*self.notes, *absent))


def categorical(model: Model) -> set[tuple[str, str]]:
    """Return part and name of the columns whose values are codes of categories."""
    codes = {("feature", name) for name in model.features.categories}
    return codes | ({("label", "label")} if model.classes else set())


def is_log(table: pd.DataFrame) -> bool:
    """Return whether a table has the form of a scored log."""
    return DIGEST in table and any(str(name).startswith(OUTPUT) for name in table)


def of_table(model: Model, table: pd.DataFrame) -> Observed:
    """Return rows of a table; the model scores them, unless it holds scores in place of features.

    Raises
    ------
    StepError
        When the table holds neither.
    """
    label = table[TARGET].to_numpy("float64") if TARGET in table else None
    missing = [name for name in model.features.columns if name not in table]
    if missing and "prediction" in table:
        note = f"features were not compared: the rows have no column {missing[0]!r}"
        return replace(
            _observed(model, table.filter(regex="^pr(ediction|obability)"), {}, label), notes=(note,)
        )
    values = model.features.transform(table)
    features = dict(zip(model.features.sources, values.T, strict=True))
    outputs = pd.DataFrame(model.outputs(model.predict_features(values), 0))
    return _observed(model, outputs, features, label)


def of_log(model: Model, log: pd.DataFrame, label: str) -> Observed:
    """Return the rows of a scored log, all of this model, with the labels in the column `label`, if any.

    Raises
    ------
    StepError
        When a label is none of the model's classes.
    """
    absent = [name for name in model.features.sources if FEATURE + name not in log]
    known = [name for name in model.features.sources if name not in absent]
    features = {name: log[FEATURE + name].to_numpy("float64") for name in known}
    outputs = log.filter(regex=f"^{re.escape(OUTPUT)}").rename(columns=lambda name: name.removeprefix(OUTPUT))
    labels = _codes(log[label], model.classes) if label in log and log[label].notna().any() else None
    found = _observed(model, outputs, features, labels)
    note = f"features that the log does not hold: {step.listing(absent)}"
    return replace(found, notes=(note,)) if absent else found


def _observed(
    model: Model, outputs: pd.DataFrame, features: Mapping[str, Array], label: Array | None
) -> Observed:
    numeric = outputs.select_dtypes("number")
    found = {str(name): values.to_numpy("float64") for name, values in numeric.items()}
    labels = {} if label is None else {"label": label, "loss": _loss(found, label, model.classes)}
    return Observed(found, features, labels, pd.DataFrame(index=range(len(outputs))))


def _column(table: pd.DataFrame, name: str) -> str | None:
    """Return the column that `name` stands for, an input in a log, or None."""
    return next((known for known in (name, INPUT + name) if known in table), None)


def _codes(label: pd.Series, classes: Sequence[str]) -> Array:
    """Return labels as numbers, or as positions of the classes that they name."""
    codes = as_categories(label).map({name: float(code) for code, name in enumerate(classes)})
    numbers = codes if classes else pd.to_numeric(label, errors="coerce")
    broken = label[numbers.isna() & label.notna()]
    if len(broken):
        expected = f"none of the model's classes: {step.listing(classes)}" if classes else "not a number"
        raise step.StepError(f"column {label.name!r} holds {step.show(broken.iloc[0])}, {expected}")
    return np.asarray(numbers.to_numpy("float64"))


def _loss(outputs: Mapping[str, Array], label: Array, classes: Sequence[str]) -> Array:
    """Return the Brier score of each row, or its absolute error."""
    if not classes:
        return np.asarray(np.abs(label - outputs["prediction"]))
    if len(classes) == 2:
        return np.asarray((outputs["probability"] - label) ** 2)
    probabilities = np.stack([outputs[f"probability_{name}"] for name in classes], axis=1)
    losses = ((probabilities - (label[:, None] == np.arange(len(classes)))) ** 2).sum(axis=1) / 2
    return np.where(np.isnan(label), np.nan, losses)
