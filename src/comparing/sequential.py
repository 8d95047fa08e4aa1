"""Sequential tests: looked at after every observation, wrong no more often than they state.

They rest on one inequality. For scores X_1, X_2, ... that each lie in [-c, c], whatever their
distribution and however it changes, and with m_i the mean of X_i given all that came before it,

    exp(l * sum(X_i - m_i) - psi(l) * sum(X_i ** 2)),   psi(l) = (-log(1 - c l) - c l) / c ** 2

has for every l from 0 to 1 / c an expectation of at most 1 at every stopping time: Fan, Grama and Liu (2015),
"Exponential inequalities for martingales with applications", Electronic J. of Probability 20, lemma 4.1. See
Howard, Ramdas, McAuliffe and Sekhon (2021), "Time-uniform, nonparametric, nonasymptotic confidence
sequences", Annals of Statistics 49, theorem 4, here with predictions of 0. So has its average over several l,
their discrete mixture. By Ville's inequality it ever reaches 2 / error_rate with a probability of
error_rate / 2 at most, once for each of the two directions. No distribution is assumed, no number of rows is
planned, and further looks cost nothing.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from support import step

Array = np.ndarray[Any, np.dtype[np.float64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]
Counts = np.ndarray[Any, np.dtype[np.signedinteger[Any]]]
# one of them is near the best for 1 to 10**7 rows; each further one weakens the others a little
BETS = 0.75 * 0.5 ** np.arange(10)
MAX_ROWS = 10**12


def log_evidence(deviation: Array, squares: Array, reach: float) -> Array:
    """Return the logarithm of the evidence against the hypothesized mean of scores.

    Parameters
    ----------
    deviation : array
        By how much the sum of the scores exceeds its hypothesized value.
    squares : array of the same shape
        Sum of the squares of the scores, 0 or more.
    reach : float
        Bound of the scores' absolute values, above 0.

    Returns
    -------
    array of the same shape
        It is ever log(1 / p) or more with a probability of at most p.
    """
    total = np.zeros(np.shape(deviation))
    scaled, squared = deviation / reach, squares / reach**2
    # evidence beyond the range of a float is infinite, which is right
    with np.errstate(over="ignore", divide="ignore"):
        for bet in BETS:
            total += np.exp(bet * scaled + (math.log1p(-bet) + bet) * squared)
        evidence: Array = np.log(total / len(BETS))
    return evidence


def half_width(squares: Array, reach: float, error_rate: float) -> Array:
    """Return by how much a sum of scores may deviate from its mean, at any time.

    Parameters
    ----------
    squares : array
        Sums of the squares of the scores.
    reach : float
        Bound of the scores' absolute values.
    error_rate : float
        Probability, at most, that the sum ever deviates farther, to either side.

    Returns
    -------
    array of the same shape
        Where `log_evidence` reaches log(2 / error_rate), or, by rounding, hardly above it.
    """
    spread = np.asarray(squares, "float64") / reach**2
    bets = BETS.reshape(-1, *[1] * spread.ndim)
    costs = -(np.log1p(-bets) + bets) * spread
    needed = math.log(2 / error_rate)
    # a single bet reaches it later than all; from above, Newton's steps on a convex curve never fall short
    width = ((needed + math.log(len(BETS)) + costs) / bets).min(axis=0)
    for _ in range(8):
        exponents = bets * width - costs
        largest = exponents.max(axis=0)
        parts = np.exp(exponents - largest)
        excess = largest + np.log(parts.mean(axis=0)) - needed
        width = width - excess * parts.sum(axis=0) / (parts * bets).sum(axis=0)
    result: Array = width * reach
    return result


def weighted_differences(losses: Array, challenger: Mask, share: Array | float) -> tuple[Array, float]:
    """Return scores whose mean is the challenger's mean loss minus the champion's, and their reach.

    Each observation of an A/B test counts as the inverse of the probability with which its variant was drawn,
    negative for the champion (Horvitz and Thompson, 1952). An average of the earlier losses is subtracted
    first, which keeps the mean and makes the scores smaller.

    Parameters
    ----------
    losses : array of shape (..., observations)
        From 0 to 1, in the order of the observations.
    challenger : array of bool, of the same shape
        Whether the challenger answered.
    share : float, or array that fits them
        Probability of that, between 0 and 1; it may change from one observation to the next.

    Returns
    -------
    scores : array of the same shape
    reach : float
        Bound of the scores' absolute values.
    """
    # the average that leaves the scores smallest weighs a variant by the other's share
    parts = np.where(challenger, 1 - share, share) / np.where(challenger, share, 1 - share)
    before = np.cumsum(parts * losses, axis=-1) - parts * losses
    usual = (before + 0.5) / (np.cumsum(parts, axis=-1) - parts + 1)
    weights = np.where(challenger, 1 / share, -1 / (1 - share))
    shares = np.asarray(share)
    return (losses - usual) * weights, float(np.maximum(1 / shares, 1 / (1 - shares)).max())


@dataclass(frozen=True)
class SequentialResult:
    """What a comparison knew after each observation."""

    sums: Array  # of shape (..., observations): cumulative sums of the scores
    squares: Array  # the same of their squares
    reach: float  # bound of the scores' absolute values
    # probability, at most, that any interval at any time misses the mean difference so far
    error_rate: float

    @classmethod
    def of(cls, scores: Array, reach: float, error_rate: float) -> SequentialResult:
        """Return the result for `scores` of shape (..., observations), absolute values at most `reach`."""
        if not 0 < error_rate < 1:
            raise step.out_of_range("error_rate", f"{error_rate:g}", "a number between 0 and 1")
        return cls(np.cumsum(scores, axis=-1), np.cumsum(scores**2, axis=-1), reach, error_rate)

    @property
    def counts(self) -> Array:
        """Observations so far: 1, 2, ..."""
        return np.arange(1.0, self.sums.shape[-1] + 1)

    def below(self, value: float = 0.0) -> Mask:
        """Return after which observations the difference is certainly below `value` (bool)."""
        return self._certain(value * self.counts - self.sums)

    def above(self, value: float = 0.0) -> Mask:
        """Return after which observations the difference is certainly above `value` (bool)."""
        return self._certain(self.sums - value * self.counts)

    def _certain(self, deviation: Array) -> Mask:
        certain: Mask = log_evidence(deviation, self.squares, self.reach) > math.log(2 / self.error_rate)
        return certain

    def intervals(self, looks: Counts) -> tuple[Array, Array, Array]:
        """Return the difference, and the ends of its interval, after each of `looks` observations (int)."""
        sums, squares = self.sums[..., looks - 1], self.squares[..., looks - 1]
        half = half_width(squares, self.reach, self.error_rate)
        return sums / looks, (sums - half) / looks, (sums + half) / looks


def first(certain: Mask) -> Counts:
    """Return the number of observations after which `certain` (..., observations) is first true; 0: never."""
    return np.where(certain.any(axis=-1), certain.argmax(axis=-1) + 1, 0)


def observations_needed(
    difference: float, spread: float, reach: float, error_rate: float, power: float
) -> int:
    """Return how many observations find a difference with a probability of `power` or more.

    Power is that of a single look after so many observations, with their sum approximated as normal; earlier
    looks only add to it.

    Parameters
    ----------
    difference : float
        Mean of the scores, not 0.
    spread : float
        Their standard deviation.
    reach : float
        Bound of the scores' absolute values.
    error_rate, power : float
        Between 0 and 1.
    """
    size, likely = abs(difference), NormalDist().inv_cdf(power)

    def enough(rows: int) -> bool:
        squares = rows * (spread**2 + size**2)
        deviation = float(half_width(np.array([squares]), reach, error_rate)[0])
        return rows * size - deviation >= likely * spread * math.sqrt(rows)

    most = 1
    while not enough(most):
        if most > MAX_ROWS:
            raise step.StepError(f"a difference of {difference:g} is too small to find: give a larger one")
        most *= 2
    return bisect_left(range(most + 1), True, lo=most // 2 + 1 if most > 1 else 1, key=enough)
