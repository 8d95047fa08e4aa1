"""Looks: a holdout wears out, as each decision made on it spends a part of the error rate.

Who looks at one holdout again and again finds a challenger that is better by luck. So the error rate is
shared out beforehand over the planned looks, in proportion to 1 / k for look k (weighted Bonferroni; Holm,
1979): the first ones have most, as many holdouts are renewed before they are looked at often. It holds for
any number of looks up to the planned one, however their outcomes depend on one another.
"""

from collections.abc import Iterable, Mapping
from typing import Any

EVENTS = ("accepted", "rejected")


def error_rate(look: int, planned: int, total: float) -> float:
    """Return what a look may spend of the `total` error rate; 0 once the `planned` ones are spent.

    >>> [round(error_rate(look, 3, 0.05), 4) for look in (1, 2, 3, 4)]
    [0.0273, 0.0136, 0.0091, 0.0]
    """
    if look > planned:
        return 0.0
    return total / (look * sum(1 / number for number in range(1, planned + 1)))


def number_of(entries: Iterable[Mapping[str, Any]], holdout: str, challenger: str, champion: str) -> int:
    """Return which look at a holdout, from 1 on, the comparison of two models is.

    Parameters
    ----------
    entries : iterable of mapping
        Of the ledger, oldest first. The same two models compared again tell nothing new: that is no other
        look.
    holdout, challenger, champion : str
        Digests.
    """
    pairs = dict.fromkeys(
        (entry["model_digest"], entry["champion"])
        for entry in entries
        if entry["event"] in EVENTS and entry.get("holdout") == holdout and entry.get("champion")
    )
    order = [*pairs]
    pair = (challenger, champion)
    return order.index(pair) + 1 if pair in pairs else len(order) + 1
