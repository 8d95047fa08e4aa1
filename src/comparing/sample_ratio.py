"""The sample ratio: whether variants got the share of requests that was planned, checked at any time."""

import math
from collections.abc import Iterable, Mapping

STRENGTH = 100.0  # how near the alternatives lie to the plan, in observations


def sample_ratio(parts: Iterable[tuple[Mapping[str, int], Mapping[str, float]]]) -> float:
    """Return the p-value of counts under the planned shares, valid at any time.

    Parameters
    ----------
    parts : iterable of (counts, shares)
        For each plan the count of each variant and its planned share; the shares of a plan add up to 1.

    Returns
    -------
    float
        From 0 to 1: the inverse of the evidence, which that of all parts multiplies to.
    """
    return math.exp(-max(math.fsum(_log_evidence(*part) for part in parts), 0.0))


def _log_evidence(counts: Mapping[str, int], shares: Mapping[str, float]) -> float:
    """Return the logarithm of the evidence that counts were drawn with other shares than planned.

    The Bayes factor of shares from a Dirichlet distribution around the planned ones against these: it ever
    reaches 1 / p with a probability of at most p (Lindon and Malek, 2022, "Anytime-valid inference for
    multinomial count data", NeurIPS 35). Infinite where a variant with a share of 0 was drawn.
    """
    if any(counts.get(name, 0) and not share for name, share in shares.items()):
        return math.inf
    drawn = {name: share for name, share in shares.items() if share}
    log_factor = math.lgamma(STRENGTH) - math.lgamma(STRENGTH + sum(counts.get(name, 0) for name in drawn))
    for name, share in drawn.items():
        count, prior = counts.get(name, 0), STRENGTH * share
        log_factor += math.lgamma(prior + count) - math.lgamma(prior) - count * math.log(share)
    return log_factor
