"""Explain: what a model relies on, and the plots of what evaluate measured; no metric comes from here."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import plotting
from modelling import metrics, models
from modelling.models import Model
from modelling.targets import TARGET
from support import step
from tabular import tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS_COMPARED = 100


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Rank what a model relies on, and plot its evaluation.")
    add = parser.add_argument
    add("--model", type=step.input_path, required=True, help="model folder that train wrote")
    add("--training", type=step.input_path, required=True, help="training rows, for the cut between classes")
    add("--holdout", type=step.input_path, required=True, help="rows that evaluate measured on")
    add("--report", type=step.input_path, required=True, help="report folder that evaluate wrote")
    add("--importance-rows", type=int, default=2000, help="rows for feature importances; 0: none (2000)")
    add("--random-state", type=int, default=0, help="seed of the importances (default: 0)")
    add("--explanation", type=step.output_path, required=True, help="output folder: importances, plots")
    return parser


def check_report(model: Model, holdout: pd.DataFrame, predictions: pd.DataFrame) -> None:
    """Raise a StepError unless the report is of the model and these rows; the first ones tell."""
    predicted = model.as_column(model.predict(holdout.head(ROWS_COMPARED)))
    if len(holdout) != len(predictions) or not np.array_equal(
        predicted, predictions["predicted"].head(ROWS_COMPARED)
    ):
        raise step.StepError(
            "--report: its predictions are not those of --model for --holdout: "
            "name the report that evaluate wrote of this model and these rows"
        )


def importances(model: Model, holdout: pd.DataFrame, rows: int, random_state: int) -> pd.DataFrame:
    """Return by how much the loss grows when one column is shuffled, largest first (Breiman, 2001).

    Returns
    -------
    DataFrame of shape (columns of the table that features are made of, 2)
        feature; importance (log loss in nats, or root mean squared error in the target's unit).
    """
    columns = model.features.columns
    part = holdout.sample(n=min(rows, len(holdout)), random_state=random_state)
    actual = part[TARGET].to_numpy("float64")
    order = np.random.default_rng(random_state).permutation(len(part))
    shuffled = [part[columns].assign(**{name: part[name].to_numpy()[order]}) for name in columns]
    # one prediction of all: a call for each column would cost more than its rows
    predicted = np.split(model.predict(pd.concat([part[columns], *shuffled])), len(columns) + 1)
    losses = [metrics.loss(model.classes, actual, values) for values in predicted]
    table = pd.DataFrame({"feature": columns, "importance": [loss - losses[0] for loss in losses[1:]]})
    return table.sort_values(["importance", "feature"], ascending=[False, True], ignore_index=True)


def plots_of(classes: Sequence[str], predictions: pd.DataFrame, cut: float) -> dict[str, Figure]:
    """Return the plots of the predictions by name; two classes are separated at the probability `cut`."""
    actual, predicted, baseline = (predictions[name] for name in ("actual", "predicted", "baseline"))
    if not classes:
        residuals = plotting.residuals(actual, predicted)
        return {"residuals": residuals, "predicted": plotting.predicted_against_actual(actual, predicted)}
    if len(classes) > 2:
        return {"confusion": plotting.confusion(actual, predicted, classes)}
    plots = {
        "calibration": plotting.calibration(actual, predicted),
        "confusion": plotting.confusion(actual, predicted >= cut, classes, cut=cut),
        "scores": plotting.score_distribution(actual, predicted, classes),
    }
    if 0 < actual.mean() < 1:
        plots["roc"] = plotting.roc(actual, predicted, baseline)
        plots["precision-recall"] = plotting.precision_recall(actual, predicted, baseline)
    return plots


def main(argv: Sequence[str] | None = None) -> None:
    """Load, shuffle, plot, write."""
    args = build_parser().parse_args(argv)

    model = models.load(args.model)
    training, holdout = tables.read_table(args.training), tables.read_table(args.holdout)
    predictions = tables.read_table(args.report / "predictions.parquet")
    slices = tables.read_table(args.report / "slices.parquet", allow_empty=True)
    check_report(model, holdout, predictions)
    ranked = pd.DataFrame({"feature": [], "importance": []})
    if args.importance_rows:
        ranked = importances(model, holdout, args.importance_rows, args.random_state)
    plots = plots_of(model.classes, predictions, float(training[TARGET].mean()))
    sliced = enumerate(slices["column"].unique(), 1)  # numbered: a column's name need not be a file's
    plots |= {f"slices-{number:02d}": plotting.slices(slices, name) for number, name in sliced}
    plots |= {"importance": plotting.importance(ranked)} if len(ranked) else {}
    with step.new_folder(args.explanation) as folder:
        tables.write_table(ranked, folder / "importance.parquet")
        step.write_plots(plots, folder)
    print(f"explained by {len(plots)} plots and {len(ranked)} importances")


if __name__ == "__main__":
    step.run_script(main)
