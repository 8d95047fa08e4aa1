"""Functions that make feature tables, named by ``function:`` in ``configuration/features/``.

Each takes a source and the definition's parameters, and gives a row for each entity and time. What a row
tells must have been known at its event time, or at the time in a column of its own (``known-since``).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from support import step
from tabular import tables
from tabular.columns import as_times

RECORDED = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]


def station_weather(
    records: pd.DataFrame, *, station: str, hour: str, fastest_wind: float, bridged_hours: int
) -> pd.DataFrame:
    """Return the weather known at the start of each hour at each station: never that of the hour itself.

    Parameters
    ----------
    records : DataFrame
        One row for each station and hour, with `RECORDED`; wind_dir in degrees.
    station, hour : str
        Names of its columns of stations and of whole hours.
    fastest_wind : float
        A wind_speed from here on is an error of the station, and missing.
    bridged_hours : int
        Hours for which a record replaces missing ones, 1 or more.

    Returns
    -------
    DataFrame
        One row for each station and hour: records of the hour before, wind as east and north, sums and
        extremes of the hours before, changes over three hours, and ``region_*``, over all stations.
    """
    tables.require_columns(records, [station, hour, *RECORDED], "weather")
    records = records.assign(**{hour: as_times(records[hour])}).drop_duplicates([station, hour])
    parts = [
        _of_one_station(part.set_index(hour), fastest_wind, bridged_hours).assign(**{station: name})
        for name, part in records.groupby(station)
    ]
    known = pd.concat(parts).reset_index(names=hour)
    return known.merge(_of_the_region(known, hour), on=hour, how="left")


def _of_one_station(records: pd.DataFrame, fastest_wind: float, bridged_hours: int) -> pd.DataFrame:
    """Return for each hour the records of the hours before it at one station."""
    hours = pd.date_range(records.index.min(), records.index.max() + pd.Timedelta(hours=1), freq="h")
    recorded = records[RECORDED].reindex(hours)
    recorded["wind_speed"] = recorded["wind_speed"].where(recorded["wind_speed"] < fastest_wind)
    past = recorded.shift(1)
    last = past.ffill(limit=bridged_hours)
    # of the bridged records, so that both parts always belong to the speed; a calm has no direction
    angle = np.deg2rad(last.pop("wind_dir").where(last["wind_speed"] > 0, 0))
    return last.assign(
        # a wind from the west has the direction 270 and blows to the east
        wind_east=-last["wind_speed"] * np.sin(angle),
        wind_north=-last["wind_speed"] * np.cos(angle),
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


def recent_outcomes(
    events: pd.DataFrame,
    *,
    entity: Sequence[str],
    start: str,
    minutes: Sequence[str],
    outcome: str,
    threshold: float,
    hours: Sequence[int],
    prefix: str,
) -> pd.DataFrame:
    """Return what was known at each full hour of the outcomes of an entity's latest events.

    Parameters
    ----------
    events : DataFrame
        One row for each event; those whose outcome is missing are left out.
    entity : sequence of str
        Columns that name the entity.
    start : str
        Column with the time at which an event starts.
    minutes : sequence of str
        Columns whose sum is how many minutes later its outcome is known.
    outcome : str
        Column of numbers.
    threshold : float
        Outcomes at or above this count as late.
    hours : sequence of int
        How far back to look, in hours, 1 or more.
    prefix : str
        Of the columns.

    Returns
    -------
    DataFrame
        The entity, ``hour``, and for each of `hours` ``<prefix>_late_<hours>h``, a share from 0 to 1, and
        ``<prefix>_mean_<hours>h``; missing where no outcome was known of.
    """
    names = [*entity, start, *minutes, outcome]
    tables.require_columns(events, names, "outcomes")
    events = events[events[[*minutes, outcome]].notna().all(axis="columns")]
    if events.empty:
        raise step.StepError(f"no event has an outcome: column {outcome!r} is empty")
    known = as_times(events[start]) + pd.to_timedelta(events[list(minutes)].sum(axis="columns"), unit="min")
    counted = events[list(entity)].assign(
        hour=known.dt.ceil("h"),
        events=1.0,
        late=(events[outcome] >= threshold).astype(float),
        sum=events[outcome],
    )
    totals = counted.groupby([*entity, "hour"]).sum().unstack([*range(len(entity))], fill_value=0.0)
    totals = totals.reindex(
        pd.date_range(totals.index[0], totals.index[-1], freq="h", name="hour"), fill_value=0.0
    )
    parts: dict[str, Any] = {}
    for window in hours:
        sums = totals.rolling(f"{window}h").sum()
        number = sums["events"].where(sums["events"] > 0)
        parts[f"{prefix}_late_{window}h"] = (sums["late"] / number).stack(
            [*range(len(entity))], future_stack=True
        )
        parts[f"{prefix}_mean_{window}h"] = (sums["sum"] / number).stack(
            [*range(len(entity))], future_stack=True
        )
    return pd.DataFrame(parts).reset_index()


FUNCTIONS: dict[str, Callable[..., pd.DataFrame]] = {
    function.__name__: function for function in (station_weather, recent_outcomes)
}
