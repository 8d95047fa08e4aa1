"""Metrics as cards: a number, with its baseline and its interval beside it, each said once.

What belongs together is told by the names that Core Scripts give: ``baseline_roc_auc`` beside ``roc_auc``,
``roc_auc_low`` and ``roc_auc_high`` around it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from operation.engine.evidence.reports import wording
from operation.engine.evidence.reports.run_record import Metric, Scalar


@dataclass(frozen=True)
class Card:
    """One metric for a reader; `beside` holds what it is compared with, in words."""

    step: str
    name: str
    value: Scalar
    beside: str = ""

    @property
    def full_name(self) -> str:
        """The metric as the manifest names it."""
        return Metric(self.step, self.name, self.value).full_name


def cards(metrics: Iterable[Metric]) -> list[Card]:
    """Return metrics as cards: those of the step with most scores first, counts after scores.

    Parameters
    ----------
    metrics : iterable of Metric
        In any order; the first of two with the same name and step stands.
    """
    known: dict[tuple[str, str], Scalar] = {}
    for metric in metrics:
        known.setdefault((metric.step, metric.name), metric.value)
    made = [
        Card(step, name, value, _beside(known, step, name))
        for (step, name), value in known.items()
        if not _accompanies(known, step, name)
    ]
    return _once(_ranked(made))


def _beside(known: dict[tuple[str, str], Scalar], step: str, name: str) -> str:
    low, high = known.get((step, f"{name}_low")), known.get((step, f"{name}_high"))
    words = []
    if low is not None and high is not None:
        words.append(f"{wording.number(low)} to {wording.number(high)}")
    if (step, f"baseline_{name}") in known:
        words.append(f"baseline {wording.number(known[step, f'baseline_{name}'])}")
    return ", ".join(words)


def _accompanies(known: dict[tuple[str, str], Scalar], step: str, name: str) -> bool:
    """Tell whether a metric stands on the card of another one."""
    if name.startswith("baseline_"):
        return (step, name.removeprefix("baseline_")) in known
    for end, other in (("_low", "_high"), ("_high", "_low")):
        base = name.removesuffix(end)
        if name.endswith(end) and (step, base) in known and (step, base + other) in known:
            return True
    return False


def _ranked(made: list[Card]) -> list[Card]:
    scores = Counter(card.step for card in made if _is_score(card.value))
    return sorted(made, key=lambda card: (not _is_score(card.value), -scores[card.step], not card.beside))


def _is_score(value: Scalar) -> bool:
    return isinstance(value, float) and not value.is_integer()


def _once(made: list[Card]) -> list[Card]:
    """Leave out what a later step only repeats."""
    said: dict[tuple[str, Scalar], Card] = {}
    for card in made:
        said.setdefault((card.name, card.value), card)
    return list(said.values())
