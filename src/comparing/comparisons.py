"""Comparisons: two variants in a scored log, one observation for each key or each request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from comparing import sample_ratio as ratio
from support import step
from tabular import tables
from tabular.columns import as_date, as_times

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Columns:
    """Names of the columns of a scored log."""

    # together they identify a scored row; both rows of a request in shadow mode have the same
    request: Sequence[str]
    key: str  # what sticks to a variant, such as a customer
    variant: str
    model: str  # digest of the variant's model
    prediction: str  # what is judged: a probability for the Brier loss, else the prediction
    label: str  # missing until it is known
    share: str | None  # the challenger's share of keys at the time of the request; None: not logged
    time: str | None  # when the request came; None: not needed

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
        When a variant had several models: their outcomes together describe neither.
    """
    models: dict[str, str] = {}
    for name, digests in log.groupby(columns.variant)[columns.model]:
        known = sorted({str(digest)[:12] for digest in digests})
        if len(known) > 1:
            raise step.StepError(
                f"variant {str(name)!r} was answered by {len(known)} models, {step.listing(known)}: "
                "give the part of the log in which each variant had one"
            )
        models[str(name)] = str(digests.iloc[0])
    return models


def require_variants(log: pd.DataFrame, column: str, names: Sequence[str]) -> None:
    """Raise a StepError for a variant that is not in the log."""
    known = sorted(log[column].astype(str).unique())
    for name in names:
        if name not in known:
            near, there = step.nearest(name, known), step.listing(known)
            raise step.StepError(f"the log has no variant {name!r}{near}; its variants: {there}")


def between(log: pd.DataFrame, column: str | None, since: str | None, until: str | None) -> pd.DataFrame:
    """Return the requests from `since` on and before `until`, both times in ISO 8601."""
    if column is None:
        return log
    times = as_times(log[column])
    start = as_date(since, "--since") if since else times.min()
    inside = (times >= start) & (times < as_date(until, "--until") if until else True)
    if not inside.any():
        raise step.StepError(
            f"no request lies between --since and --until: the log goes from {times.min()} to {times.max()}"
        )
    return log[inside]


def with_planned(log: pd.DataFrame, column: str | None, share: float) -> pd.DataFrame:
    """Return the randomized requests, with the challenger's share in a column "planned".

    Where the challenger had no request, or all of them, there is nothing to compare.
    """
    planned = log[column].astype("float64") if column else pd.Series(share, index=log.index)
    randomized = log.assign(planned=planned)[(planned > 0) & (planned < 1)]
    if randomized.empty:
        raise step.StepError("nothing to compare: the share of the challenger is 0 or 1 in the whole log")
    return randomized


def first_of_each_key(log: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return the rows of the first request of each key.

    A returning key gets the same variant and behaves alike: counting it again would pass for new evidence. A
    request without a key counts by itself.
    """
    requests = pd.MultiIndex.from_frame(log[[*columns.request]])
    keyed = log[columns.key].notna().to_numpy()
    first = log.loc[keyed].drop_duplicates(columns.key).index
    return log[requests.isin(requests[log.index.isin(first)]) | ~keyed]


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
    """Return each row that a variant scored once, the first time.

    A client that times out retries under the same id; counting the retry would pass for new evidence.

    Raises
    ------
    StepError
        When a variant predicted differently for one id: then these were different rows.
    """
    names = [*columns.request, columns.variant]
    unique = log.drop_duplicates([*names, columns.prediction])
    repeated = unique[unique.duplicated(names)]
    if len(repeated):
        raise step.StepError(
            f"variant {str(repeated[columns.variant].iloc[0])!r} has {_describe(repeated, columns)} twice, "
            "with different predictions: give each scored row once, or name all columns that identify a row "
            "in --request"
        )
    return unique


def _describe(log: pd.DataFrame, columns: Columns) -> str:
    """Return the id of the first row."""
    return ", ".join(f"{name} {log[name].iloc[0]}" for name in columns.request)


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
        facts = {"variant": name, "model": models.get(name, ""), "planned": planned}
        facts |= {"share": len(group) / len(log), "requests": len(group)}
        loss = group["loss"]
        rows.append({**facts, "labelled": int(loss.notna().sum()), "mean_loss": scale * loss.mean()})
    return pd.DataFrame(rows)


def sample_ratio(log: pd.DataFrame, columns: Columns, challenger: str) -> float:
    """Return the p-value of the counts of both variants under the column "planned"; see `sample_ratio`."""
    parts = []
    for share, part in log.groupby("planned"):
        count = int((part[columns.variant] == challenger).sum())
        planned = {"champion": 1 - float(share), "challenger": float(share)}
        parts.append(({"champion": len(part) - count, "challenger": count}, planned))
    return ratio.sample_ratio(parts)


def with_labels(log: pd.DataFrame, labels: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return the log with labels that arrived later, joined by the columns that identify a row.

    Raises
    ------
    StepError
        When a column is missing, or a row has two labels.
    """
    names = [*columns.request]
    tables.require_columns(labels, [*names, columns.label], "--labels")
    repeated = labels[labels.duplicated(names)]
    if len(repeated):
        raise step.StepError(f"--labels: {_describe(repeated, columns)} has two labels: remove one of them")
    return log.drop(columns=columns.label, errors="ignore").merge(
        labels[[*names, columns.label]], on=names, how="left", validate="many_to_one"
    )
