"""Measure models of groups: beside plain loops, with one worker and two, with many series, and statsforecast.

``python -m tests.benchmarks.many ridge`` solves ridge regressions at once, and in loops, in one process.
``speed --estimator linear --groups 5000`` interleaves train_many with plain
loops of scikit-learn, each in a process of its own, start-up and reading counted. ``series --count 100000``
goes from a Parquet file to forecasts. ``accuracy --report FOLDER --rows-of FOLDER FOLDER`` takes what
backtest wrote of daily series, and gives statsforecast, in an environment in ``runs/``, the same origins. CPU
seconds are those of all processes. Needs Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from operation.engine.foundation.layout import project
from tests.benchmarks.measuring import SRC, keep

sys.path.insert(0, str(SRC))

from modelling import batched_ridge, estimators
from tests.benchmarks.peers import programs

START = np.datetime64("2020-01-01", "ns")
DAY = np.timedelta64(86_400, "s")
OTHERS = {"group", "time", "origin", "actual", "low", "high", "source"}  # columns of a backtest
LOOP = """
import pickle, sys
import pandas as pd
from sklearn.{module} import {name}
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
table = pd.read_parquet(sys.argv[1])
features = [column for column in table if column.startswith("x")]
models = {{}}
for group, rows in table.groupby("series", sort=True):
    models[group] = {model}.fit(rows[features].to_numpy(), rows["target"].to_numpy())
with open(sys.argv[2], "wb") as file:
    pickle.dump(models, file)
"""
TREES = "HistGradientBoostingRegressor(max_iter=100, l2_regularization=1.0, early_stopping=False)"
RIDGE = {"module": "linear_model", "name": "Ridge"}
LOOPS = {
    "linear": {
        "loop of Ridge": LOOP.format(**RIDGE, model="Ridge(alpha=1.0)"),
        "loop of pipelines": LOOP.format(**RIDGE, model="make_pipeline(StandardScaler(), Ridge(alpha=1.0))"),
    },
    "gradient-boosting": {
        "loop": LOOP.format(module="ensemble", name="HistGradientBoostingRegressor", model=TREES)
    },
}
STATSFORECAST = """
import json, sys, time
import pandas as pd
from statsforecast import StatsForecast
from statsforecast.models import DynamicOptimizedTheta, SeasonalNaive, SeasonalWindowAverage
rows, origins, ahead = pd.read_parquet(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
models = [SeasonalNaive(7), SeasonalWindowAverage(7, 4), DynamicOptimizedTheta(7)]
found = {}
for model in models:
    StatsForecast([model], "D").cross_validation(ahead, rows.head(60), n_windows=1)  # compiles
    started = time.process_time()
    forecasts = StatsForecast([model], "D", n_jobs=1).cross_validation(
        ahead, rows, n_windows=origins, step_size=ahead
    )
    seconds = time.process_time() - started
    error = (forecasts["y"] - forecasts[repr(model)]).abs().sum() / forecasts["y"].abs().sum()
    found[repr(model)] = {"wape": float(error), "rows": len(forecasts), "cpu_seconds": seconds}
print(json.dumps(found))
"""


class Cost(NamedTuple):
    """What a process and its children took."""

    seconds: float
    cpu_seconds: float
    megabytes: float  # at the peak of the largest of them


def spent(words: Sequence[object]) -> Cost:
    """Run a command to its end; raise SystemExit with what it said if it fails."""
    limits = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, *map(str, words)], stdout=output, stderr=output, env=limits
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        if process.returncode:
            raise SystemExit(output.read().decode())
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(time.perf_counter() - started, cpu, usage.ru_maxrss / 1024)


def sales(first: int, count: int, days: int) -> pa.Table:
    """Return daily sales of some series, sorted by series and day."""
    random = np.random.default_rng(first)
    day = np.tile(np.arange(days), count)
    promotion = (random.random(count * days) < 0.1).astype("int64")
    level = np.repeat(random.gamma(2.0, 20.0, count), days)
    names = pa.array([f"{number:07d}" for number in range(first, first + count)])
    columns = {
        "series": names.take(pa.array(np.repeat(np.arange(count), days))),
        "date": START + day * DAY,
        "weekday": pa.array(list("0123456")).take(pa.array(day % 7)),
        "promotion": promotion,
        "sold": random.poisson(level * (1 + 0.1 * (day % 7) + 0.3 * promotion)),
    }
    return pa.table(columns)


def write_sales(file: Path, series: int, days: int) -> None:
    """Write daily sales, a row group for some thousand series."""
    with pq.ParquetWriter(file, sales(0, 1, days).schema, compression="zstd") as writer:
        for first in range(0, series, 2_000):
            writer.write_table(sales(first, min(2_000, series - first), days))


def write_prepared(folder: Path, groups: int, rows: int, features: int) -> None:
    """Write rows of groups with numbers as features, as prepare does."""
    random = np.random.default_rng(0)
    numbers = random.standard_normal((groups * rows, features))
    target = numbers @ random.standard_normal(features) + random.standard_normal(groups * rows)
    table = pd.DataFrame(numbers, columns=[f"x{number}" for number in range(features)])
    table.insert(0, "series", np.repeat([f"{number:06d}" for number in range(groups)], rows))
    table.assign(sold=target, day=np.tile(START + np.arange(rows) * DAY, groups)).to_parquet(
        folder / "table.parquet"
    )
    words = ["--task", "regression", "--target", "sold", "--split", "time", "--time-column", "day"]
    words += ["--holdout-from", str(START + (rows - 1) * DAY), "--keep", "series"]
    outputs = [word for name in ("training", "holdout", "features") for word in (f"--{name}", folder / name)]
    columns = ["--numeric", *(f"x{number}" for number in range(features))]
    spent([SRC / "prepare.py", "--table", folder / "table.parquet", *words, *columns, *outputs])


def ridge(args: argparse.Namespace) -> dict[str, list[float]]:
    """Solve ridge regressions at once, and in loops of scikit-learn."""
    from sklearn.linear_model import Ridge
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    random = np.random.default_rng(0)
    numbers = random.standard_normal((args.groups, args.rows, args.features))
    target = numbers @ random.standard_normal(args.features) + random.standard_normal(numbers.shape[:2])
    features = estimators.Features([f"x{number}" for number in range(args.features)], {})
    layout, options = batched_ridge.Layout.of(features), {"alpha": 1.0}

    def pipeline() -> Any:
        return estimators.make("linear", "regression", features, options)

    ways: dict[str, Callable[[], Any]] = {
        "all at once": lambda: batched_ridge.solve(numbers, target, layout, 1.0),
        "loop of Ridge": lambda: [Ridge(1.0).fit(*rows) for rows in zip(numbers, target, strict=True)],
        "loop of the same": lambda: [pipeline().fit(*rows) for rows in zip(numbers, target, strict=True)],
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    results: dict[str, Any] = {}
    with threadpool_limits(limits=1):
        for _ in range(args.rounds):
            for way, solve in ways.items():
                started = time.process_time()
                results[way] = solve()
                times[way].append(time.process_time() - started)
    for way, seconds in times.items():
        ratios = " ".join(
            f"{one / other:.1f}" for one, other in zip(seconds, times["all at once"], strict=True)
        )
        print(f"{way:24} {statistics.median(seconds):7.2f} CPU s; ratios {ratios}", flush=True)
    own = [
        batched_ridge.predict(np.repeat(weights[None], args.rows, axis=0), rows, layout)
        for weights, rows in zip(results["all at once"], numbers, strict=True)
    ]
    differences = [
        np.abs(one - model.predict(rows)).max()
        for one, model, rows in zip(own, results["loop of the same"], numbers, strict=True)
    ]
    print(f"largest difference of predictions: {max(differences):.1e}", flush=True)
    return times


def speed(args: argparse.Namespace) -> dict[str, list[Cost]]:
    """Train in turn with train_many, with one worker and more, and with plain loops."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_prepared(folder, args.groups, args.rows, args.features)
        common = ["--training", folder / "training", "--features", folder / "features"]
        common += ["--group-columns", "series", "--estimator", args.estimator, "--max-iter", 100]
        common += ["--pooled-estimator", "constant", "--model", folder / "model"]
        workers = [1] if args.estimator == "linear" else [1, 2]
        ways = {f"train_many, workers {n}": [SRC / "train_many.py", *common, "--workers", n] for n in workers}
        for way, code in LOOPS[args.estimator].items():
            ways[way] = ["-c", code, folder / "training" / "table.parquet", folder / "models.pickle"]
        times: dict[str, list[Cost]] = {way: [] for way in ways}
        for _ in range(args.rounds):
            for way, words in ways.items():
                times[way].append(spent(words))
    show_speed(times)
    return times


def show_speed(times: dict[str, list[Cost]]) -> None:
    """Print medians, and how often the first way fits into each other one, round by round."""
    first = next(iter(times.values()))
    for way, costs in times.items():
        wall, cpu = (statistics.median(cost[field] for cost in costs) for field in (0, 1))
        ratios = [
            " ".join(f"{one[field] / other[field]:.2f}" for one, other in zip(costs, first, strict=True))
            for field in (0, 1)
        ]
        print(f"{way:24} {wall:7.2f} s {cpu:7.2f} CPU s; ratios {ratios[0]}; of CPU {ratios[1]}", flush=True)


def series(args: argparse.Namespace) -> dict[str, list[Cost]]:
    """Go from a Parquet file of daily sales to forecasts of the last week."""
    found: dict[str, list[Cost]] = {}
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        for count in args.count:
            write_sales(folder / "sales.parquet", count, args.days)
            found[f"{count} series"] = costs = [spent(words) for words in commands(folder, args)]
            for step, cost in zip(("prepare", "train_many", "forecast_many"), costs, strict=True):
                told = f"{cost.seconds:.0f} s, {cost.cpu_seconds:.0f} CPU s, {cost.megabytes:.0f} MB"
                print(f"{count:,} series of {args.days} days: {step}: {told}", flush=True)
            seconds, cpu = (sum(cost[field] for cost in costs) for field in (0, 1))
            print(f"{count:,} series: {seconds:.0f} s, {cpu:.0f} CPU s in all", flush=True)
    return found


def commands(folder: Path, args: argparse.Namespace) -> list[list[object]]:
    """Return the commands of the three steps."""
    part = ["--part-rows", args.part_rows]
    holdout = START + (args.days - 7) * DAY
    words: list[object] = [
        "--task",
        "regression",
        "--target",
        "sold",
        "--split",
        "time",
        "--time-column",
        "date",
    ]
    words += ["--holdout-from", holdout, "--group-column", "series", "--frequency", "D", "--horizon", 7]
    words += ["--lags", 7, 14, "--windows", "mean:7:14:21:28", "--numeric", "promotion"]
    words += ["--categorical", "weekday", "--keep", "series", *part]
    outputs = [word for name in ("training", "holdout", "features") for word in (f"--{name}", folder / name)]
    data = ["--training", folder / "training", "--features", folder / "features"]
    groups: list[object] = ["--group-columns", "series", "--time-column", "date", "--estimator", "linear"]
    groups += ["--minimum", 0]
    groups += ["--calibration", 28, "--pooled-rows", 200_000, *part, "--model", folder / "model"]
    table = ["--table", folder / "holdout", "--keep", "series", "date", *part]
    return [
        [SRC / "prepare.py", "--table", folder / "sales.parquet", *words, *outputs],
        [SRC / "train_many.py", *data, *groups],
        [SRC / "forecast_many.py", "--model", folder / "model", *table, "--forecasts", folder / "forecasts"],
    ]


def accuracy(args: argparse.Namespace) -> dict[str, Any]:
    """Print errors of the forecasts that backtest wrote, and of statsforecast from the same origins."""
    forecasts = pd.read_parquet(args.report / "forecasts.parquet")
    parts = [pd.read_parquet(folder) for folder in args.rows_of]
    rows = pd.concat(parts, ignore_index=True)
    rows["unique_id"] = rows[args.group_columns].astype(str).agg(" & ".join, axis="columns")
    rows = rows.rename(columns={args.time_column: "ds", "target": "y"}).sort_values(["unique_id", "ds"])
    origins = forecasts["origin"].nunique()
    ahead = forecasts["time"].nunique() // origins
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "rows.parquet"
        rows[["unique_id", "ds", "y"]].to_parquet(file, index=False)
        python = programs(project()) / "python"
        done = subprocess.run(
            [python, "-c", STATSFORECAST, file, str(origins), str(ahead)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    total = forecasts["actual"].abs().sum()
    ours = [name for name in forecasts if name not in OTHERS]
    found = {n: {"wape": float((forecasts["actual"] - forecasts[n]).abs().sum() / total)} for n in ours}
    found |= json.loads(done.stdout.splitlines()[-1])
    for way, figures in found.items():
        cost = f", {figures['cpu_seconds']:.1f} CPU s" if "cpu_seconds" in figures else ""
        print(f"{way:32} WAPE {figures['wape']:.4f}{cost}", flush=True)
    return found


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    parsers = parser.add_subparsers(required=True)
    for measure in (ridge, speed):
        one = parsers.add_parser(measure.__name__)
        one.set_defaults(measure=measure)
        one.add_argument("--groups", type=int, default=2_000)
        one.add_argument("--rows", type=int, default=200, help="of each group (200)")
        one.add_argument("--features", type=int, default=20)
        one.add_argument("--rounds", type=int, default=3)
    one.add_argument("--estimator", choices=LOOPS, default="linear")
    many = parsers.add_parser("series")
    many.set_defaults(measure=series)
    many.add_argument("--count", type=int, nargs="+", default=[10_000, 100_000])
    many.add_argument("--days", type=int, default=200)
    many.add_argument("--part-rows", type=int, default=1_000_000)
    many.add_argument("--folder", type=Path, help="disk to measure on (default: the system's)")
    peers = parsers.add_parser("accuracy")
    peers.set_defaults(measure=accuracy)
    peers.add_argument("--report", type=Path, required=True, help="folder that backtest wrote")
    peers.add_argument("--rows-of", type=Path, nargs="+", required=True, help="folders that prepare wrote")
    peers.add_argument("--group-columns", nargs="+", default=["shop", "product"])
    peers.add_argument("--time-column", default="date")
    return parser


def main() -> None:
    """Measure."""
    args = build_parser().parse_args()
    keep(args.measure(args), args.json)


if __name__ == "__main__":
    main()
