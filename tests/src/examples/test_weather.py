"""Weather known at the start of an hour."""

from __future__ import annotations

import numpy as np
import pandas as pd

from examples import weather

HOURS = pd.date_range("2013-01-01", periods=8, freq="h")


def records(**columns: list[float]) -> pd.DataFrame:
    still = {name: [1.0] * 8 for name in [*weather.RECORDED, "wind_dir"]}
    return pd.DataFrame({"station": "A", "hour": HOURS, **still, **columns})


def known(table: pd.DataFrame) -> pd.DataFrame:
    return weather.before(table, "station", "hour").set_index("hour")


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


def test_the_region_is_as_bad_as_its_worst_station() -> None:
    both = pd.concat([records(visib=[9.0] * 8), records(visib=[2.0] * 8).assign(station="B")])
    made = known(both)
    assert len(made) == 18
    assert made["region_visib"].dropna().unique().tolist() == [2.0]
