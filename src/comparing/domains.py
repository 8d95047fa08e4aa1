"""Domains: whether a classifier tells rows from their reference, and by which columns together."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from comparing.sketches import Array

RELATED = 0.6  # columns of this rank correlation or more are shuffled together


class Domains(NamedTuple):
    """What a domain classifier found."""

    # of shape (rows,): probability of each row to be of the batch, from a classifier not trained on it
    reference: Array
    batch: Array
    auc: float  # area under the ROC curve: 0.5 where nothing tells them apart
    # of shape (groups, 2), largest first: features (related ones joined by " + ") and drop, by which the area
    # falls when they are shuffled together (Breiman, 2001)
    groups: pd.DataFrame


def tell_apart(
    reference: pd.DataFrame, batch: pd.DataFrame, categorical: set[str], rows: int, random_state: int
) -> Domains:
    """Return how well gradient boosting tells `batch` from `reference` (Lopez-Paz and Oquab, 2017).

    Parameters
    ----------
    reference, batch : DataFrame of shape (rows, features)
        The same features: numbers, and codes for `categorical` ones; NaN is missing.
    categorical : set of str
        Names of features that hold codes.
    rows : int
        Rows used of each at most, chosen at random.
    random_state : int
        Seed.
    """
    from sklearn.metrics import roc_auc_score
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    random = np.random.default_rng(random_state)
    size = min(rows, len(reference), len(batch))
    chosen = [table.iloc[random.permutation(len(table))[:size]] for table in (reference, batch)]
    table = pd.concat(chosen, ignore_index=True)
    groups, features = related(table, categorical), table.to_numpy()
    is_batch, fold = np.repeat([0, 1], size), np.tile(np.arange(size) % 2, 2)
    scores = np.empty((len(groups) + 1, len(table)))
    codes = table.columns.isin(categorical)
    with threadpool_limits(limits=1):  # starting threads takes longer than so few rows
        for side in (0, 1):
            inside = fold == side
            classifier = _fitted(features[~inside], is_batch[~inside], codes, random_state)
            order = random.permutation(np.flatnonzero(inside))
            for row, group in enumerate([[], *groups]):
                shuffled = features[inside]
                places = table.columns.get_indexer(group)
                shuffled[:, places] = features[order][:, places]
                scores[row, inside] = classifier.predict_proba(shuffled)[:, 1]
    auc, *others = (float(roc_auc_score(is_batch, values)) for values in scores)
    names = [" + ".join(group) for group in groups]
    found = pd.DataFrame({"features": names, "drop": auc - np.array(others)})
    ordered = found.sort_values(["drop", "features"], ascending=[False, True], ignore_index=True)
    return Domains(scores[0, :size], scores[0, size:], auc, ordered)


def related(table: pd.DataFrame, categorical: set[str]) -> list[list[str]]:
    """Return groups of columns that are connected by rank correlation, categorical ones alone."""
    numbers = [str(name) for name in table if name not in categorical]
    near = table[numbers].rank().corr().abs().to_numpy() >= RELATED
    groups = [[str(name)] for name in table if name in categorical]
    left = list(range(len(numbers)))
    while left:
        group = [left.pop(0)]
        for member in group:  # grows while it is walked through
            group += [other for other in left if near[member, other]]
            left = [other for other in left if other not in group]
        groups.append([numbers[member] for member in sorted(group)])
    return groups


def _fitted(features: Array, is_batch: Array, codes: Array, random_state: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    options = {"max_iter": 50, "max_leaf_nodes": 15, "early_stopping": False, "random_state": random_state}
    return HistGradientBoostingClassifier(**options, categorical_features=codes).fit(features, is_batch)
