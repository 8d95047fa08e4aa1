"""Weather: records of stations in the hours before an hour, never of the hour itself."""

from __future__ import annotations

import numpy as np
import pandas as pd

RECORDED = ["temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
FASTEST_WIND = 200  # miles an hour; one record says 1048
MAX_AGE = 2  # hours for which a record replaces missing ones


def before(records: pd.DataFrame, station: str, hour: str) -> pd.DataFrame:
    """Return the weather known at the start of each hour at each station.

    Parameters
    ----------
    records : DataFrame
        One row for each station and hour, with `RECORDED` and wind_dir (degrees).
    station, hour : str
        Names of its columns of stations and of whole hours.

    Returns
    -------
    DataFrame
        One row for each station and hour: `RECORDED` of the hour before, wind as east and north, sums and
        extremes of the hours before, changes over three hours, and ``region_*``, over all stations.
    """
    records = records.drop_duplicates([station, hour])
    parts = [
        _of_one_station(part.set_index(hour)).assign(**{station: name})
        for name, part in records.groupby(station)
    ]
    known = pd.concat(parts).reset_index(names=hour)
    return known.merge(_of_the_region(known, hour), on=hour, how="left")


def _of_one_station(records: pd.DataFrame) -> pd.DataFrame:
    """Return for each hour the records of the hours before it at one station."""
    hours = pd.date_range(records.index.min(), records.index.max() + pd.Timedelta(hours=1), freq="h")
    recorded = records[[*RECORDED, "wind_dir"]].reindex(hours)
    recorded["wind_speed"] = recorded["wind_speed"].where(recorded["wind_speed"] < FASTEST_WIND)
    angle = np.deg2rad(recorded.pop("wind_dir"))
    # a wind from the west has the direction 270 and blows to the east
    recorded = recorded.assign(
        wind_east=-recorded["wind_speed"] * np.sin(angle), wind_north=-recorded["wind_speed"] * np.cos(angle)
    )
    past = recorded.shift(1)
    last = past.ffill(limit=MAX_AGE)
    return last.assign(
        precip_3h=past["precip"].rolling(3, min_periods=1).sum(),
        precip_6h=past["precip"].rolling(6, min_periods=1).sum(),
        precip_24h=past["precip"].rolling(24, min_periods=1).sum(),
        visib_min_6h=past["visib"].rolling(6, min_periods=1).min(),
        gust_max_6h=past["wind_gust"].rolling(6, min_periods=1).max(),
        wind_mean_6h=past["wind_speed"].rolling(6, min_periods=1).mean(),
        pressure_change_3h=last["pressure"] - last["pressure"].shift(3),
        temp_change_3h=last["temp"] - last["temp"].shift(3),
    )


def _of_the_region(known: pd.DataFrame, hour: str) -> pd.DataFrame:
    """Return the worst or mean weather over all stations in each hour: they share their airspace."""
    over = {
        "precip_3h": "max",
        "precip_6h": "mean",
        "visib": "min",
        "wind_speed": "mean",
        "gust_max_6h": "max",
        "humid": "mean",
    }
    return known.groupby(hour).agg(over).add_prefix("region_").reset_index()
