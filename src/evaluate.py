"""Evaluate: measure a model on the holdout beside a simple baseline, whole and in slices."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import utils

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from models import Model


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Measure a model on the holdout beside a simple baseline.")
    parser.add_argument("--model", type=utils.input_path, required=True, help="model that train wrote")
    parser.add_argument(
        "--training", type=utils.input_path, required=True, help="training rows, for the baseline"
    )
    parser.add_argument("--holdout", type=utils.input_path, required=True, help="rows to measure on")
    parser.add_argument(
        "--baseline-by", nargs="*", default=[], help="the baseline predicts by these columns' levels"
    )
    parser.add_argument(
        "--slices", nargs="*", default=[], help="columns whose levels are measured one by one"
    )
    parser.add_argument("--importance-rows", type=int, default=2000, help="rows for importances; 0 for none")
    parser.add_argument("--random-state", type=int, default=0, help="seed of the importances (default: 0)")
    parser.add_argument(
        "--report", type=utils.output_path, required=True, help="folder for metrics, tables, figures"
    )
    return parser


def predictions_of(model: Model, holdout: pd.DataFrame, slices: Sequence[str]) -> pd.DataFrame:
    """Return actual and predicted of each row, with the columns of `slices`.

    `predicted` is a number, the probability of the positive class, or for three or more classes the likeliest
    class's position, beside `probability_<class>`.
    """
    import pandas as pd

    from targets import TARGET

    predicted = model.predict(holdout)
    table = pd.DataFrame({"actual": holdout[TARGET]})
    if predicted.ndim == 1:
        table["predicted"] = predicted
    elif len(model.classes) == 2:
        table["predicted"] = predicted[:, 1]
    else:
        table["predicted"] = predicted.argmax(axis=1)
        for code, name in enumerate(model.classes):
            table[f"probability_{name}"] = predicted[:, code]
    return table.join(holdout[list(dict.fromkeys(slices))])


def measured(
    model: Model, training: pd.DataFrame, holdout: pd.DataFrame, by: Sequence[str]
) -> dict[str, float]:
    """Return the measures of the model, and of the baseline as ``baseline_*``."""
    import measures
    from targets import TARGET

    actual = holdout[TARGET].to_numpy("float64")
    found = measures.measure(model.classes, actual, model.predict(holdout))
    simple = measures.measure(
        model.classes, actual, measures.baseline(training, holdout, TARGET, model.classes, by)
    )
    metrics = {
        **found,
        **{f"baseline_{name}": value for name, value in simple.items()},
        "rows": float(len(holdout)),
    }
    if len(model.classes) == 2:
        metrics["prevalence"] = float(actual.mean())
    if "roc_auc" in found and len(model.classes) == 2:
        positives = int(actual.sum())
        bounds = measures.auc_interval(found["roc_auc"], positives, len(actual) - positives)
        metrics["roc_auc_low"], metrics["roc_auc_high"] = bounds
    return metrics


def importances(model: Model, holdout: pd.DataFrame, rows: int, random_state: int) -> pd.DataFrame:
    """Return by how much the loss grows when one column is shuffled, largest first.

    Returns
    -------
    DataFrame of shape (columns of the table that features are made of, 2)
        feature; importance (log loss in nats, or root mean squared error in the target's unit).
    """
    import numpy as np
    import pandas as pd

    import measures
    from targets import TARGET

    part = holdout.sample(n=min(rows, len(holdout)), random_state=random_state)
    actual = part[TARGET].to_numpy("float64")
    loss = "log_loss" if model.classes else "rmse"
    whole = measures.measure(model.classes, actual, model.predict(part))[loss]
    order = np.random.default_rng(random_state).permutation(len(part))
    grown = {
        name: measures.measure(
            model.classes, actual, model.predict(part.assign(**{name: part[name].to_numpy()[order]}))
        )[loss]
        - whole
        for name in model.features.columns
    }
    table = pd.DataFrame({"feature": list(grown), "importance": list(grown.values())})
    return table.sort_values(["importance", "feature"], ascending=[False, True], ignore_index=True)


def figures(
    model: Model, predictions: pd.DataFrame, slices: pd.DataFrame, ranked: pd.DataFrame
) -> dict[str, Figure]:
    """Return name and figure of each picture of the report."""
    import plots

    actual, predicted = predictions["actual"], predictions["predicted"]
    if not model.classes:
        made = {
            "residuals": plots.residuals(actual, predicted),
            "predicted": plots.predicted_against_actual(actual, predicted),
        }
    elif len(model.classes) == 2:
        made = {
            "roc": plots.roc(actual, predicted),
            "precision-recall": plots.precision_recall(actual, predicted),
            "calibration": plots.calibration(actual, predicted),
            "confusion": plots.confusion(actual, (predicted >= actual.mean()).astype(int), model.classes),
            "scores": plots.score_distribution(actual, predicted, model.classes),
        }
    else:
        made = {"confusion": plots.confusion(actual, predicted, model.classes)}
    for name in slices["column"].unique():
        made[f"slices-{name}"] = plots.slices(slices, name)
    if len(ranked):
        made["importance"] = plots.importance(ranked)
    return made


def write_figures(made: dict[str, Figure], folder: Path) -> None:
    """Write each figure as PNG, without the metadata that a clock or a version would fill."""
    for name, figure in made.items():
        figure.savefig(folder / f"{name}.png", dpi=110, metadata={"Software": None})


def main(argv: Sequence[str] | None = None) -> None:
    """Load, predict, measure, draw, write."""
    args = build_parser().parse_args(argv)
    import pandas as pd

    import measures
    import models
    from targets import TARGET

    model = models.load(args.model)
    training, holdout = utils.read_table(args.training), utils.read_table(args.holdout)
    utils.require_columns(training, [TARGET, *args.baseline_by], "--baseline-by")
    utils.require_columns(holdout, [TARGET, *args.slices, *args.baseline_by], "--slices")
    metrics = measured(model, training, holdout, args.baseline_by)
    predictions = predictions_of(model, holdout, args.slices)
    right = predictions.assign(
        actual=1.0 * (predictions["actual"] == predictions["predicted"]), predicted=1.0
    )
    slices = measures.slices(right if len(model.classes) > 2 else predictions, args.slices, model.classes)
    ranked = pd.DataFrame({"feature": [], "importance": []})
    if args.importance_rows:
        ranked = importances(model, holdout, args.importance_rows, args.random_state)
    with utils.new_folder(args.report) as folder:
        utils.write_table(predictions, folder / "predictions.parquet")
        utils.write_table(slices, folder / "slices.parquet")
        utils.write_table(ranked, folder / "importance.parquet")
        write_figures(figures(model, predictions, slices, ranked), folder)
        utils.log_metrics(folder, metrics)
    shown = {name: metrics[name] for name in ("roc_auc", "rmse", "accuracy") if name in metrics}
    print(
        "evaluated on",
        len(holdout),
        "rows:",
        ", ".join(f"{name} {value:.4f}" for name, value in shown.items()),
    )


if __name__ == "__main__":
    utils.run_script(main)
