"""Compare models: several ones and a simple baseline, judged on equal rows, with intervals."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from comparing import paired
from comparing.losses import losses, unit
from comparing.paired import Quantity
from support import step
from tabular import tables

Array = np.ndarray[Any, Any]
REPORTS = ["first", "second", "third", "fourth"]
BASELINE = "simple baseline"
ERROR_RATE = 0.025  # on either side of an interval


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(
        description="Compare models on equal rows, the first with each other one."
    )
    add = parser.add_argument
    report = "report folder that evaluate wrote, on the same holdout"
    for name in REPORTS:
        add(f"--{name}", type=step.input_path, required=name in REPORTS[:2], help=f"{name} {report}")
    add("--names", nargs="+", required=True, help="name of each model, in their order")
    add("--holdout", type=step.input_path, required=True, help="rows that evaluate measured on")
    add("--loss", choices=["absolute", "squared", "brier"], default="absolute", help="loss (absolute)")
    bound = "absolute, squared: largest loss that counts, in the target's unit or its square (default: none)"
    add("--loss-bound", type=float, help=bound)
    add("--unit", help="column whose rows resemble one another, such as a day (default: each row alone)")
    add("--resamples", type=int, default=10_000, help="resamples of the bootstrap, at least (10000)")
    add("--random-state", type=int, default=0, help="seed (default: 0)")
    add("--comparison", type=step.output_path, required=True, help="output folder: table.parquet, metrics")
    return parser


def read_predictions(args: argparse.Namespace, rows: int) -> dict[str, pd.DataFrame]:
    """Return the predictions of each model, and of the baseline of the first.

    Raises
    ------
    StepError
        When names and reports do not fit, or the models were not measured on these rows.
    """
    folders = [getattr(args, name) for name in REPORTS if getattr(args, name)]
    if len(args.names) != len(folders) or len({*args.names, BASELINE}) <= len(args.names):
        raise step.StepError(f"--names: give each of {len(folders)} reports a name of its own")
    found = {
        name: tables.read_table(folder / "predictions.parquet")
        for name, folder in zip(args.names, folders, strict=True)
    }
    first = found[args.names[0]]
    for name, predictions in found.items():
        if len(predictions) != rows or not predictions["actual"].equals(first["actual"]):
            raise step.StepError(f"{name} was not measured on the rows of --holdout: rerun evaluate on them")
    return {**found, BASELINE: first.assign(predicted=first["baseline"])}


def compare(found: Mapping[str, pd.DataFrame], units: Array, args: argparse.Namespace) -> pd.DataFrame:
    """Return the mean loss of each model, and how much larger it is than that of the first.

    Returns
    -------
    DataFrame of shape (models, 5)
        model, loss, difference, low and high: ends of the difference's interval at 95 %; NaN for the first.
    """
    largest = max(float((rows["predicted"] - rows["actual"]).abs().max()) for rows in found.values())
    bound = args.loss_bound or max(largest, 1e-9) ** (2 if args.loss == "squared" else 1)
    each = [
        unit(args.loss, bound) * losses(rows["predicted"], rows["actual"], args.loss, bound=bound)
        for rows in found.values()
    ]
    everywhere = np.full(len(units), fill_value=True)
    quantities = [Quantity(other - each[0], everywhere) for other in each[1:]]
    rates = [ERROR_RATE] * len(quantities)
    estimates = paired.estimates(quantities, units, rates, args.resamples, args.random_state)
    differences = [(np.nan,) * 3, *((one.value, one.low, one.high) for one in estimates)]
    table = pd.DataFrame(differences, columns=["difference", "low", "high"])
    table.insert(0, "loss", [float(one.mean()) for one in each])
    table.insert(0, "model", list(found))
    return table


def main(argv: Sequence[str] | None = None) -> None:
    """Read, compare, write."""
    args = build_parser().parse_args(argv)
    holdout = tables.read_table(args.holdout)
    if args.unit:
        tables.require_columns(holdout, [args.unit], "--unit")
    found = read_predictions(args, len(holdout))
    column = holdout[args.unit] if args.unit else None
    table = compare(found, paired.unit_codes(column, len(holdout), args.random_state), args)
    with step.new_folder(args.comparison) as folder:
        tables.write_table(table, folder / "table.parquet")
        metrics = {f"loss {name}": value for name, value in zip(table["model"], table["loss"], strict=True)}
        step.log_metrics(folder, {**metrics, "rows": len(holdout)})
    ranked = table.sort_values("loss", kind="stable")
    print(", ".join(f"{name} {loss:.4f}" for name, loss in zip(ranked["model"], ranked["loss"], strict=True)))


if __name__ == "__main__":
    step.run_script(main)
