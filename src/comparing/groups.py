"""Groups that got worse: many, each with few rows, listed beside a decision that is about the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from comparing.paired import Array, student_quantile
from tabular.columns import group_codes

LISTED = 100  # the others are counted


def worse_groups(
    columns: pd.DataFrame, challenger: Array, champion: Array, error_rate: float
) -> dict[str, Any]:
    """Return the groups whose mean loss is larger with the challenger: those that are certain first.

    Parameters
    ----------
    columns : DataFrame of shape (rows, columns)
        Whose values together name a group; rows that lack one belong to none.
    challenger, champion : ndarray of shape (rows,)
        Losses on the same rows.
    error_rate : float
        Probability, between 0 and 0.5, that any of equally good groups is called certainly worse. The rows of
        a group are taken as independent; the rate is divided among all groups (Bonferroni).

    Returns
    -------
    dict
        columns; count of all groups; worse and certain: of those that got worse; listed: at most 100 of these
        with group, rows, both mean losses, value (their difference) and certain, by what they lose in all.
    """
    codes, names = group_codes(columns)
    known = codes >= 0
    table = pd.DataFrame({"challenger": challenger, "champion": champion, "value": challenger - champion})
    grouped = table[known].groupby(codes[known])
    found, deviations = grouped.mean(), grouped["value"].std().fillna(np.inf)
    found.insert(0, "rows", grouped.size())
    error = deviations / np.sqrt(found["rows"])
    reach = [student_quantile(error_rate / max(len(names), 1), rows) for rows in found["rows"]]
    found["certain"] = found["value"] > error * reach
    found.insert(0, "group", [names[code] for code in found.index])
    worse = found[found["value"] > 0]
    order = np.lexsort((-worse["value"] * worse["rows"], ~worse["certain"]))
    counts = {"count": len(names), "worse": len(worse), "certain": int(worse["certain"].sum())}
    listed = worse.iloc[order[:LISTED]].to_dict("records")
    return {"columns": [str(name) for name in columns], **counts, "listed": listed}
