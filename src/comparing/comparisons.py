"""Comparisons: what a scored log says of two variants, one observation for each key or each request."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from comparing.sample_ratio import ratio_evidence
from support import step
from tabular import tables
from tabular.columns import as_date, as_times

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Columns:
    """Names of the columns of a scored log.

    Parameters
    ----------
    request : sequence of str
        Together they name a scored row; both rows of a request in shadow mode have the same.
    key : str
        What sticks to a variant, such as a customer.
    variant, model, label : str
        The variant; the digest of the model that was behind it; what came true, missing until it is known.
    prediction : str
        What is judged: a probability for brier, else the prediction.
    share : str or None
        The challenger's share of keys when the request came; None: the log does not say.
    time : str or None
        When it came; None: nobody asks.
    """

    request: Sequence[str]
    key: str
    variant: str
    model: str
    prediction: str
    label: str
    share: str | None
    time: str | None

    @property
    def all(self) -> list[str]:
        """Every name, each once."""
        names = [*self.request, self.key, self.variant, self.model, self.prediction, self.label]
        return list(dict.fromkeys([*names, *filter(None, [self.share, self.time])]))


def models_of(log: pd.DataFrame, columns: Columns) -> dict[str, str]:
    """Return the digest of the model behind each variant.

    Raises
    ------
    StepError
        When a variant had several: what came of them together says nothing of either.
    """
    found: dict[str, str] = {}
    for name, digests in log.groupby(columns.variant)[columns.model]:
        known = sorted({str(digest)[:12] for digest in digests})
        if len(known) > 1:
            raise step.StepError(
                f"variant {str(name)!r} was answered by {len(known)} models, {step.listing(known)}: "
                "give the part of the log in which each variant had one"
            )
        found[str(name)] = str(digests.iloc[0])
    return found


def require_variants(log: pd.DataFrame, column: str, names: Sequence[str]) -> None:
    """Raise a StepError for a variant that is nowhere in the log."""
    known = sorted(log[column].astype(str).unique())
    for name in names:
        if name not in known:
            raise step.StepError(
                f"the log has no variant {name!r}{step.nearest(name, known)}; "
                f"its variants: {step.listing(known)}"
            )


def between(log: pd.DataFrame, column: str | None, since: str | None, until: str | None) -> pd.DataFrame:
    """Return the requests that came from `since` on and before `until`; both are times in ISO's notation."""
    if column is None:
        return log
    times = as_times(log[column])
    kept = pd.Series(data=True, index=log.index)
    if since:
        kept &= times >= as_date(since, "--since")
    if until:
        kept &= times < as_date(until, "--until")
    if not kept.any():
        raise step.StepError(
            f"no request came between --since and --until: they are of {times.min()} to {times.max()}"
        )
    return log[kept]


def with_planned(log: pd.DataFrame, column: str | None, share: float) -> pd.DataFrame:
    """Return the requests that were drawn, with the challenger's share in a column "planned".

    Where the challenger had nothing, or everything, there is nothing to compare it with.
    """
    planned = log[column].astype("float64") if column else pd.Series(share, index=log.index)
    drawn = log.assign(planned=planned)[(planned > 0) & (planned < 1)]
    if drawn.empty:
        raise step.StepError("no request was drawn: the share of the challenger is 0 or 1 in the whole log")
    return drawn


def first_of_each_key(log: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return the rows of the first request of each key.

    A key that comes again gets the variant it had, and does as it did: counted once more, it would pass for
    new evidence. A request without a key counts by itself.
    """
    requests = pd.MultiIndex.from_frame(log[[*columns.request]])
    keyed = log[columns.key].notna().to_numpy()
    first = log.loc[keyed].drop_duplicates(columns.key).index
    kept = requests.isin(requests[log.index.isin(first)]) | ~keyed
    return log[kept]


def pairs(log: pd.DataFrame, columns: Columns, champion: str, challenger: str) -> tuple[Array, Array]:
    """Return the losses of both variants on each request that both scored and whose label is known.

    `log` has a column "loss"; requests come in the order of the log.
    """
    known = log[log["loss"].notna()].set_index([*columns.request])
    sides = {name: known.loc[known[columns.variant] == name, "loss"] for name in (champion, challenger)}
    both = sides[champion].index[sides[champion].index.isin(sides[challenger].index)]
    if both.empty:
        raise step.StepError(
            f"no request that has a label was scored by both {champion!r} and {challenger!r}: "
            "use --mode split, or give a shadow log with labels"
        )
    first, second = (sides[name].loc[both].to_numpy("float64") for name in (champion, challenger))
    return first, second


def without_repeats(log: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return each row that a variant scored once, as it was scored first.

    A client that had no answer in time asks again under the same id; counted twice, it would pass for new
    evidence.

    Raises
    ------
    StepError
        When a variant predicted differently for what has one name: then it was not the same row.
    """
    names = [*columns.request, columns.variant]
    once = log.drop_duplicates([*names, columns.prediction])
    twice = once[once.duplicated(names)]
    if len(twice):
        where = ", ".join(f"{name} {twice[name].iloc[0]}" for name in columns.request)
        raise step.StepError(
            f"variant {str(twice[columns.variant].iloc[0])!r} has {where} twice, with different predictions: "
            "give each scored row once, or name all columns that tell rows apart in --request"
        )
    return once


def summary(
    log: pd.DataFrame, columns: Columns, variants: Sequence[str], models: Mapping[str, str], scale: float
) -> pd.DataFrame:
    """Return a row for champion and challenger, which `variants` names in this order.

    Returns
    -------
    DataFrame of shape (2, 7)
        variant, model, planned and share (of all requests in `log`), requests, labelled, mean_loss (`scale`
        times that of the column "loss", missing where no label is known).
    """
    mean = float(log["planned"].mean())
    rows = []
    for name, planned in zip(variants, (1 - mean, mean), strict=True):
        group = log[log[columns.variant] == name]
        counts = {"requests": len(group), "labelled": int(group["loss"].notna().sum())}
        facts = {"variant": name, "model": models.get(name, ""), "planned": planned}
        rows.append(
            {**facts, "share": len(group) / len(log), **counts, "mean_loss": scale * group["loss"].mean()}
        )
    return pd.DataFrame(rows)


def ratio_doubt(log: pd.DataFrame, columns: Columns, challenger: str) -> float:
    """Return how probable it is, at most, that counts stray so far from the column "planned"."""
    evidence = 0.0
    for share, part in log.groupby("planned"):
        got = int((part[columns.variant] == challenger).sum())
        planned = {"champion": 1 - float(share), "challenger": float(share)}
        evidence += ratio_evidence({"champion": len(part) - got, "challenger": got}, planned)
    return math.exp(-max(evidence, 0.0))


def with_labels(log: pd.DataFrame, labels: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return the log with the labels that came later, joined by the columns that name a request.

    Raises
    ------
    StepError
        When a column is missing, or two labels claim one row.
    """
    names = [*columns.request]
    tables.require_columns(labels, [*names, columns.label], "--labels")
    twice = labels[labels.duplicated(names)]
    if len(twice):
        where = ", ".join(f"{name} {twice[name].iloc[0]}" for name in names)
        raise step.StepError(f"--labels: {where} has two labels: leave one of them out")
    return log.drop(columns=columns.label, errors="ignore").merge(
        labels[[*names, columns.label]], on=names, how="left", validate="many_to_one"
    )
