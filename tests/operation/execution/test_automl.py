"""The use case's model beside what AutoML found."""

from __future__ import annotations

from pathlib import Path

import pytest

from operation.engine.configuration import Configuration
from operation.engine.foundation.errors import ConfigurationError
from operation.engine.foundation.layout import Layout
from operation.execution.automl import Baseline, settings
from operation.execution.routes import _comparison

FOUND = Baseline("AutoML_1_0", "LightGBM", {"roc_auc": 0.69, "accuracy": 0.8})


def test_only_what_both_measured_is_compared() -> None:
    assert FOUND.rows({"roc_auc": 0.7, "log_loss": 0.5}) == [
        {"metric": "roc_auc", "automl": 0.69, "model": 0.7}
    ]


def test_the_page_says_whom_the_comparison_favours() -> None:
    assert _comparison("LightGBM", "evaluate", FOUND.rows({"roc_auc": 0.7})).splitlines()[2:] == [
        "| metric | AutoML (LightGBM) | evaluate |",
        "| --- | --- | --- |",
        "| roc_auc | 0.6900 | 0.7000 |",
        "",
        "AutoML chose its best on the holdout itself, which favours it.",
    ]


def test_a_use_case_that_says_nothing_of_automl(tmp_path: Path) -> None:
    configured = Configuration("DEV", {}, "flights", "", (), {}, "")
    with pytest.raises(ConfigurationError) as caught:
        settings(Layout(tmp_path), configured)
    assert str(caught.value) == (
        "configuration/configuration-flights.yml:1: key 'automl' is missing: it names the tables that AutoML "
        "trains on and is evaluated on."
    )
