"""Metrics as cards: a number, with its baseline and its interval beside it, each said once.

What belongs together is known by the names that Core Scripts give: ``baseline_roc_auc`` beside ``roc_auc``,
``roc_auc_low`` and ``roc_auc_high`` around it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from operation.engine.evidence.reports import wording
from operation.engine.evidence.reports.step_record import Metric, Scalar

Known = Mapping[tuple[str, str, str], Metric]  # by step, its label, and name


@dataclass(frozen=True)
class Card(Metric):
    """One metric for a reader; `beside` holds what it is compared with."""

    beside: str = ""


def cards(metrics: Iterable[Metric]) -> list[Card]:
    """Return metrics as cards: those of the step with most scores first, counts after scores.

    The first of two with the same name and step stands, and what a later step only repeats is left out.
    """
    known: dict[tuple[str, str, str], Metric] = {}
    for metric in metrics:
        known.setdefault((metric.step, metric.label, metric.name), metric)
    several = Counter(step for step, _ in {(metric.step, metric.label) for metric in known.values()})
    shown = [_card(known, metric) for metric in known.values() if not _accompanies(known, metric)]
    shown = [card if several[card.step] > 1 else replace(card, label="") for card in shown]
    scores = Counter((card.step, card.label) for card in shown if _is_score(card.value))
    shown.sort(key=lambda card: (not _is_score(card.value), -scores[card.step, card.label], not card.beside))
    said: dict[tuple[str, Scalar], Card] = {}
    for card in shown:
        said.setdefault((card.name, card.value), card)
    return list(said.values())


def _card(known: Known, metric: Metric) -> Card:
    related = {
        name: wording.number(known[metric.step, metric.label, name].value)
        for name in (f"{metric.name}_low", f"{metric.name}_high", f"baseline_{metric.name}")
        if (metric.step, metric.label, name) in known
    }
    baseline = related.pop(f"baseline_{metric.name}", None)
    beside = [" to ".join(related.values())] if len(related) == 2 else []
    beside += [f"baseline {baseline}"] if baseline else []
    return Card(metric.step, metric.name, metric.value, metric.label, ", ".join(beside))


def _accompanies(known: Known, metric: Metric) -> bool:
    """Tell whether a metric stands on the card of another one."""
    if metric.name.startswith("baseline_"):
        return (metric.step, metric.label, metric.name.removeprefix("baseline_")) in known
    base = metric.name.removesuffix("_low").removesuffix("_high")
    names = (base, f"{base}_low", f"{base}_high")
    return base != metric.name and all((metric.step, metric.label, name) in known for name in names)


def _is_score(value: Scalar) -> bool:
    return isinstance(value, float) and not value.is_integer()
