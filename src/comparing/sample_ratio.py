"""The sample ratio: whether variants got as many requests as they were to get, asked at any time."""

from __future__ import annotations

import math
from collections.abc import Mapping


def sample_ratio(counts: Mapping[str, int], shares: Mapping[str, float]) -> float:
    """Return how probable it is, at most, that counts ever stray so far from the shares they were drawn with.

    Returns
    -------
    float
        From 0 to 1: a p-value that may be looked at at any time, the inverse of `ratio_evidence`.
    """
    return math.exp(-max(ratio_evidence(counts, shares), 0.0))


def ratio_evidence(counts: Mapping[str, int], shares: Mapping[str, float], strength: float = 100) -> float:
    """Return the logarithm of the evidence that counts were drawn with other shares than planned.

    The Bayes factor of shares drawn from a Dirichlet distribution around the planned ones against these: it
    is ever 1 / p or more with a probability of at most p (Lindon and Malek, 2022, "Anytime-valid inference
    for multinomial count data", NeurIPS 35). That of counts with several plans is the sum of those with each.

    Parameters
    ----------
    counts : mapping of str to int
        What each variant got.
    shares : mapping of str to float
        What each of them was to get; together 1.
    strength : float, default 100
        How near the alternatives lie to the plan, in observations.

    Returns
    -------
    float
        Infinity where a variant of no share got something.
    """
    if any(counts.get(name, 0) and not share for name, share in shares.items()):
        return math.inf
    drawn = {name: share for name, share in shares.items() if share}
    total = sum(counts.get(name, 0) for name in drawn)
    log_factor = math.lgamma(strength) - math.lgamma(strength + total)
    for name, share in drawn.items():
        count, prior = counts.get(name, 0), strength * share
        log_factor += math.lgamma(prior + count) - math.lgamma(prior) - count * math.log(share)
    return log_factor
