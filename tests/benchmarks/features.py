"""Measure feature tables: CPU seconds and memory of the join, and the quality of two models on one holdout.

``python -m tests.benchmarks.features`` joins 1 million requests with 10 million rows, in a process of its own
for each kind. ``--before FOLDER --after FOLDER --holdout FOLDER`` compares what batch_score wrote of the same
holdout, kept with ``--keep`` and in its order, by a paired bootstrap of its rows.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from modelling.targets import TARGET
from support import step
from tabular import tables
from tabular.feature_definition import Definition
from tabular.feature_table import FeatureTable

START = np.datetime64("2020-01-01", "ns")
MINUTES = 366 * 24 * 60


def definition(*, known: bool) -> Definition:
    """Return a feature table by customer, with times of correction or without."""
    return Definition(
        name="facts",
        description="measured",
        owner="benchmark",
        version="1",
        entity=["customer"],
        event_time="at",
        known_since="known" if known else None,
        columns={"value": "a number"},
    )


def write_facts(folder: Path, rows: int, *, known: bool) -> None:
    """Write rows of 100,000 customers; a tenth are known up to a day later than they happen."""
    random = np.random.default_rng(0)
    customer = np.sort(random.integers(0, 100_000, rows))
    at = random.permutation(np.arange(rows) * (MINUTES * 60_000_000_000 // rows))
    order = np.lexsort((at, customer))
    late = np.where(random.random(rows) < 0.1, random.integers(0, 24 * 60, rows) * 60_000_000_000, 0)
    columns = {"customer": customer, "at": START + at[order], "value": random.standard_normal(rows)}
    columns |= {"known": columns["at"] + late} if known else {}
    folder.mkdir()
    FeatureTable(definition(known=known), pa.table(columns), has_zone=False).write(folder / "facts")


def write_requests(file: Path, rows: int) -> None:
    """Write requests of the same customers at any time of the year."""
    random = np.random.default_rng(1)
    when = START + random.integers(0, MINUTES, rows) * np.timedelta64(60_000_000_000, "ns")
    tables.write_table(pd.DataFrame({"customer": random.integers(0, 100_000, rows), "when": when}), file)


def join(folder: Path, file: Path) -> None:
    """Read both, join, print CPU seconds and memory."""
    requests, started = tables.read_table(file), time.process_time()
    read = FeatureTable.read(folder / "facts")
    opened = time.process_time()
    found = read.known_at(requests, "when", ["value"])["value"]
    seconds, peak = time.process_time() - opened, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    told = f"{seconds:.1f} CPU s to join, {opened - started:.1f} to read and verify; peak {peak:.2f} GB"
    rows = f"{int(found.notna().sum()):,} found, sum {found.sum():.6f}"
    print(f"{folder.name}: {told}; {rows}", flush=True)


def measure_joins(facts: int, requests: int) -> None:
    """Print the figures of both kinds of join."""
    with tempfile.TemporaryDirectory() as name:
        folder, context = Path(name), multiprocessing.get_context("spawn")
        for kind in ("event time", "known at"):
            process = context.Process(
                target=write_facts, args=(folder / kind, facts), kwargs={"known": kind == "known at"}
            )
            process.start()
            process.join()
        write_requests(folder / "requests.parquet", requests)
        for kind in ("event time", "known at"):
            process = context.Process(target=join, args=(folder / kind, folder / "requests.parquet"))
            process.start()
            process.join()


def compare_models(before: Path, after: Path, holdout: Path, draws: int) -> None:
    """Print AUC and log loss of both, and their differences with an interval of 95 %."""
    from sklearn.metrics import log_loss, roc_auc_score

    label = tables.read_table(holdout)[TARGET].to_numpy()
    scores = [tables.read_table(folder)["probability"].to_numpy() for folder in (before, after)]
    if {len(one) for one in scores} != {len(label)}:
        raise step.StepError("the scores are not of this holdout: they have other numbers of rows")
    random = np.random.default_rng(0)
    rows = [random.integers(0, len(label), len(label)) for _ in range(draws)]
    for name, metric in (("AUC", roc_auc_score), ("log loss", log_loss)):
        was, now = (metric(label, one) for one in scores)
        differences = [metric(label[r], scores[1][r]) - metric(label[r], scores[0][r]) for r in rows]
        low, high = np.quantile(differences, [0.025, 0.975])
        print(f"{name}: {was:.4f} before, {now:.4f} after: {now - was:+.4f} ({low:+.4f} to {high:+.4f})")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, default=10_000_000)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--after", type=Path)
    parser.add_argument("--holdout", type=Path)
    parser.add_argument("--draws", type=int, default=500)
    args = parser.parse_args()
    if args.holdout:
        compare_models(args.before, args.after, args.holdout, args.draws)
    else:
        measure_joins(args.facts, args.requests)


if __name__ == "__main__":
    main()
