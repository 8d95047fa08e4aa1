from __future__ import annotations

from operation.engine.evidence.reports.cards import cards
from operation.engine.evidence.reports.step_record import Metric


def test_a_metric_stands_with_its_baseline_and_its_interval_before_the_counts() -> None:
    metrics = [
        Metric("ingest", "rows", 20000.0),
        Metric("evaluate", "baseline_roc_auc", 0.5444),
        Metric("evaluate", "prevalence", 0.2183),
        Metric("evaluate", "roc_auc", 0.6851),
        Metric("evaluate", "roc_auc_high", 0.7044),
        Metric("evaluate", "roc_auc_low", 0.6658),
        Metric("register", "roc_auc", 0.6851),
    ]
    assert [(card.name, card.beside) for card in cards(metrics)] == [
        ("roc_auc", "0.6658 to 0.7044, baseline 0.5444"),
        ("prevalence", ""),
        ("rows", ""),
    ]


def test_a_baseline_or_a_bound_without_its_metric_stands_alone() -> None:
    metrics = [Metric("evaluate", "baseline_r2", 0.1), Metric("evaluate", "tide_low", 0.2)]
    assert [card.name for card in cards(metrics)] == ["baseline_r2", "tide_low"]
