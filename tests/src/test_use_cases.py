"""What the shipped use cases promise: no feature is known only afterwards, and time splits the rows."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from examples import sources
from tests.src.running import SRC

CONFIGURATION = SRC.parent / "configuration"
AFTER_DEPARTURE = ["dep_time", "dep_delay", "arr_time", "air_time", "arr_delay"]


def steps(use_case: str) -> dict[str, Any]:
    text = (CONFIGURATION / f"configuration-{use_case}.yml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)["steps"]
    return found


def declared(arguments: dict[str, Any]) -> set[str]:
    """Return the columns that features are made of."""
    kinds = ("numeric", "categorical", "cyclic", "datetime", "pairs")
    return {part for kind in kinds for value in arguments.get(kind, []) for part in value.split(":")}


def test_nothing_measured_after_departure_is_a_feature() -> None:
    arguments = steps("flights")["prepare"]["arguments"]
    assert declared(arguments).isdisjoint(AFTER_DEPARTURE)
    assert set(arguments["known-afterwards"]) == set(AFTER_DEPARTURE) == set(sources.OUTCOMES)


def test_late_is_fifteen_minutes_or_more_and_time_splits_the_rows() -> None:
    arguments = steps("flights")["prepare"]["arguments"]
    assert (arguments["target"], arguments["threshold"]) == ("arr_delay", 15)
    assert (arguments["split"], arguments["holdout-from"]) == ("time", "$(HOLDOUTFROM)")


def test_nothing_measured_on_the_day_itself_is_a_feature_of_demand() -> None:
    arguments = steps("demand")["prepare"]["arguments"]
    weather = {"rain", "temperature", "temperature_min", "temperature_max"}
    assert set(arguments["known-afterwards"]) == weather
    assert declared(arguments).isdisjoint(weather)
    assert min(arguments["lags"]) >= arguments["horizon"] == steps("demand")["backtest"]["arguments"]["every"]


@pytest.mark.parametrize("use_case", ["flights", "diabetes", "demand"])
def test_every_feature_is_a_column_of_the_schema(use_case: str) -> None:
    schema = yaml.safe_load((CONFIGURATION / f"schemas/{use_case}.yml").read_text(encoding="utf-8"))
    arguments = steps(use_case)["prepare"]["arguments"]
    parts = {"weekday", "day-of-year", "12"}
    assert declared(arguments) - parts <= set(schema["columns"])
    assert arguments["target"] in schema["columns"]
    assert arguments["target"] not in declared(arguments)


def test_directions_are_those_of_features() -> None:
    arguments = steps("flights")
    directions = [
        *arguments["train"]["arguments"]["increasing"],
        *arguments["train"]["arguments"]["decreasing"],
    ]
    assert set(directions) <= set(arguments["prepare"]["arguments"]["numeric"])
