"""Functions that make feature tables: what was known at the full hour."""

from __future__ import annotations

import numpy as np
import pandas as pd

from modelling import feature_tables

HOURS = pd.date_range("2013-01-01", periods=8, freq="h")


def records(**columns: list[float]) -> pd.DataFrame:
    still = {name: [1.0] * 8 for name in feature_tables.RECORDED}
    return pd.DataFrame({"station": "A", "hour": HOURS, **still, **columns})


def known(table: pd.DataFrame) -> pd.DataFrame:
    made = feature_tables.station_weather(
        table, station="station", hour="hour", fastest_wind=200, bridged_hours=2
    )
    return made.set_index("hour")


def test_a_record_is_known_an_hour_later() -> None:
    made = known(records(temp=[float(hour) for hour in range(8)]))
    assert np.isnan(made["temp"].iloc[0])
    assert made["temp"].iloc[1:].tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert made.index[-1] == HOURS[-1] + pd.Timedelta(hours=1)


def test_rain_of_the_hours_before_is_summed_up() -> None:
    made = known(records(precip=[0, 1, 0, 2, 0, 0, 0, 4]))
    assert made["precip_3h"].tolist()[1:] == [0, 1, 1, 3, 2, 2, 0, 4]
    assert made["precip_6h"].tolist()[1:] == [0, 1, 1, 3, 3, 3, 3, 6]


def test_a_gap_of_two_hours_is_bridged_and_a_longer_one_is_not() -> None:
    made = known(records().drop(index=[2, 3, 4]))
    assert made["temp"].isna().tolist() == [True, False, False, False, False, True, False, False, False]


def test_an_impossible_wind_is_not_believed() -> None:
    made = known(records(wind_speed=[5.0, 1048.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0]))
    assert made["wind_mean_6h"].max() == 5


def test_a_west_wind_blows_to_the_east() -> None:
    made = known(records(wind_speed=[10.0] * 8, wind_dir=[270.0] * 8)).iloc[1]
    assert round(made["wind_east"], 6) == 10
    assert round(made["wind_north"], 6) == 0


def test_the_parts_of_the_wind_belong_to_its_speed_where_the_direction_varies() -> None:
    nothing = float("nan")
    made = known(
        records(wind_speed=[8, 3, 0, 5, 5, 5, 5, 5.0], wind_dir=[90, nothing, nothing, *[180.0] * 5])
    )
    speed = np.hypot(made["wind_east"], made["wind_north"])
    np.testing.assert_allclose(speed, made["wind_speed"])
    assert made["wind_east"].iloc[1:4].round(6).tolist() == [-8, -3, 0]


def test_the_region_is_as_bad_as_its_worst_station() -> None:
    both = pd.concat([records(visib=[9.0] * 8), records(visib=[2.0] * 8).assign(station="B")])
    made = known(both)
    assert len(made) == 18
    assert made["region_visib"].dropna().unique().tolist() == [2.0]


START = pd.Timestamp("2013-01-01T06:00")


def outcomes(*events: tuple[str, int, float]) -> pd.DataFrame:
    """Return recent outcomes of events: carrier, minute of the start, delay; each takes an hour."""
    table = pd.DataFrame(events, columns=["carrier", "minute", "delay"])
    table = table.assign(start=START + pd.to_timedelta(table["minute"], unit="min"), planned=60.0)
    made = feature_tables.recent_outcomes(
        table,
        entity=["carrier"],
        start="start",
        minutes=["planned", "delay"],
        outcome="delay",
        threshold=15,
        hours=[1, 3],
        prefix="carrier",
    )
    return made.set_index(["carrier", "hour"]).sort_index()


def test_an_outcome_counts_from_the_first_full_hour_at_which_it_is_known() -> None:
    made = outcomes(("UA", 0, 30.0), ("UA", 10, 0.0), ("UA", 200, float("nan")), ("AA", 0, 0.0))
    late = made["carrier_late_3h"].unstack("carrier")
    assert late.index.min() == START + pd.Timedelta(hours=1)  # of AA, which has just arrived
    assert np.isnan(late.loc[START + pd.Timedelta(hours=1), "UA"])
    assert late.loc[START + pd.Timedelta(hours=2), "UA"] == 0.5
    assert made.loc[("UA", START + pd.Timedelta(hours=2)), "carrier_mean_1h"] == 15


def test_what_is_too_long_ago_counts_no_more() -> None:
    made = outcomes(("UA", 0, 30.0), ("UA", 240, 0.0))
    assert made["carrier_late_3h"].tolist() == [1, 1, 1, 0]
