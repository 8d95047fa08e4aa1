"""Compare variants: challenger and champion on a scored log, with an error rate that holds at every look.

Observations count in the order of the log. Labels may arrive at any time, but their order must not depend on
their values: a log in which only the bad outcomes are known yet misleads every test.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

import plotting
from comparing import comparisons, losses, sequential
from comparing.comparisons import Columns
from comparing.sequential import Array, SequentialResult
from support import step
from tabular import tables

MAX_LOOKS = 400  # rows of course.parquet
POWER = 0.8
FINEST = 10_000  # a difference of a smaller part of the spread takes billions of observations


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Compare challenger and champion on a scored log.")
    add = parser.add_argument
    add("--log", type=step.input_path, required=True, help="scored log, oldest request first")
    add("--labels", type=step.input_path, help="table of labels, joined by --request")
    modes = "split: one variant scored each request; shadow: both did (default: split)"
    add("--mode", choices=["split", "shadow"], default="split", help=modes)
    add("--champion", default="champion", help="variant to compare with (default: champion)")
    add("--challenger", default="challenger", help="variant to compare (default: challenger)")
    add("--share", type=float, help="split: planned share of the challenger (default: as logged)")
    add("--since", help="only requests from this time on, e.g. 2013-01-31T05:00")
    add("--until", help="only requests before this time")
    add("--request", nargs="+", default=["request_id", "row"], help="columns that identify a scored row")
    add("--key", default="key", help="column whose values stick to a variant (default: key)")
    add("--variant", default="variant", help="column of the variant (default: variant)")
    add("--model", default="model_digest", help="column of the model's digest (default: model_digest)")
    add("--prediction", default="output.probability", help="column to judge (default: output.probability)")
    add("--share-column", default="share", help="column of the challenger's planned share (default: share)")
    add("--time", default="time", help="column of the time, for --since and --until (default: time)")
    add("--label", default="label", help="column of the label (default: label)")
    loss_names = ["brier", "error", "absolute", "squared"]
    add(
        "--loss", choices=loss_names, default="brier", help="loss function (default: brier, of a probability)"
    )
    add("--loss-bound", type=float, default=1.0, help="absolute, squared: larger losses count as this (1)")
    add("--positive", help="Brier loss: the positive label (default: labels are 0 and 1)")
    add("--threshold", type=float, help="Brier loss: numeric labels at or above this count as positive")
    add("--error-rate", type=float, default=0.05, help="significance level of the comparison (0.05)")
    add("--margin", type=float, default=0.0, help="smallest difference of the mean loss that matters (0)")
    ratio = "significance level of the check that shares are as planned (0.001)"
    add("--sample-ratio-error-rate", type=float, default=0.001, help=ratio)
    add("--report", type=step.output_path, required=True, help="output folder: metrics, tables, plots")
    return parser


class Verdict(NamedTuple):
    """The answer of the test, and after how many observations it was certain; 0: it is not."""

    answer: str
    stopped: int


def read_log(args: argparse.Namespace, columns: Columns) -> pd.DataFrame:
    """Return the log with labels and columns "planned" and "loss", of the first request of each key only."""
    log = tables.read_table(args.log)
    if args.labels:
        log = comparisons.with_labels(log, tables.read_table(args.labels), columns)
    tables.require_columns(log, columns.all, "--log")
    variants = [args.champion, args.challenger]
    comparisons.require_variants(log, columns.variant, variants)
    log = comparisons.between(log[log[columns.variant].isin(variants)], columns.time, args.since, args.until)
    log = comparisons.without_repeats(log, columns)
    share = 0.5 if args.mode == "shadow" else args.share
    log = comparisons.first_of_each_key(comparisons.with_planned(log, columns.share, share), columns)
    options = {"bound": args.loss_bound, "positive": args.positive, "threshold": args.threshold}
    return log.assign(loss=losses.losses(log[columns.prediction], log[columns.label], args.loss, **options))


def differences(log: pd.DataFrame, args: argparse.Namespace, columns: Columns) -> tuple[Array, float]:
    """Return scores whose mean is the challenger's mean loss minus the champion's, and their reach."""
    if args.mode == "shadow":
        champion, challenger = comparisons.pairs(log, columns, args.champion, args.challenger)
        return challenger - champion, 1.0
    known = log[log["loss"].notna()]
    is_challenger = known[columns.variant].eq(args.challenger).to_numpy()
    if not 0 < is_challenger.sum() < len(known):
        raise step.StepError("one of the variants has no labels yet: add labels, or wait for them")
    loss, share = (known[name].to_numpy("float64") for name in ("loss", "planned"))
    return sequential.weighted_differences(loss, is_challenger, share)


def judge(result: SequentialResult, margin: float) -> Verdict:
    """Return the first certain answer: a test that has stopped is not continued."""
    answers = {"challenger better": result.below(), "challenger worse": result.above()}
    if margin:
        answers["no difference that matters"] = result.below(margin) & result.above(-margin)
    stops = {answer: int(sequential.first(certain)) for answer, certain in answers.items()}
    certain = [Verdict(answer, stop) for answer, stop in stops.items() if stop]
    return min(certain, key=lambda verdict: verdict.stopped, default=Verdict("undecided", 0))


def course(result: SequentialResult, stopped: int, scale: float) -> pd.DataFrame:
    """Return difference, low and high after evenly spaced numbers of observations, and after `stopped`."""
    total = result.sums.shape[-1]
    looks = np.unique(np.append(np.linspace(1, total, min(total, MAX_LOOKS)).astype(int), stopped or total))
    difference, low, high = (values * scale for values in result.intervals(looks))
    return pd.DataFrame({"observations": looks, "difference": difference, "low": low, "high": high})


def sample_ratios(log: pd.DataFrame, columns: Columns, challenger: str) -> dict[str, float]:
    """Return p-values of the counts of requests, and of labelled ones, under the planned shares."""
    parts = {"requests": log, "labelled": log[log["loss"].notna()]}
    return {
        f"sample_ratio_p_{name}": comparisons.sample_ratio(part, columns, challenger)
        for name, part in parts.items()
    }


def columns_of(args: argparse.Namespace) -> Columns:
    """Return the names of the columns that are needed."""
    share = None if args.mode == "shadow" or args.share is not None else args.share_column
    time = args.time if args.since or args.until else None
    names = (args.request, args.key, args.variant, args.model, args.prediction, args.label)
    return Columns(*names, share, time)


def metrics_of(result: SequentialResult, scores: Array, stopped: int, margin: float) -> dict[str, float]:
    """Return the metrics of the test, losses from 0 to 1; power is for `margin`, or the difference."""
    total = len(scores)
    difference, low, high = (float(values[0]) for values in result.intervals(np.array([total])))
    metrics = {"difference": difference, "difference_low": low, "difference_high": high}
    metrics |= {"observations": float(total), "stopped_after": float(stopped)}
    spread, aim = float(scores.std()), margin or difference
    if abs(aim) > max(spread / FINEST, result.reach / FINEST**2) and spread:
        needed = sequential.observations_needed(aim, spread, result.reach, result.error_rate, POWER)
        metrics["observations_for_power_80"] = float(needed)
    return metrics


def main(argv: Sequence[str] | None = None) -> None:
    """Read, test, plot, write."""
    args = build_parser().parse_args(argv)

    columns, scale = columns_of(args), losses.unit(args.loss, args.loss_bound)
    log = read_log(args, columns)
    models = comparisons.models_of(log, columns)
    scores, reach = differences(log, args, columns)
    result = SequentialResult.of(scores, reach, args.error_rate)
    verdict = judge(result, args.margin / scale)
    metrics = metrics_of(result, scores, verdict.stopped, args.margin / scale)
    metrics |= {name: scale * metrics[name] for name in metrics if name.startswith("difference")}
    ratios = sample_ratios(log, columns, args.challenger)
    is_skewed = min(ratios.values()) < args.sample_ratio_error_rate / len(ratios)
    answer = "the shares are not as planned" if is_skewed else verdict.answer
    summary = comparisons.summary(log, columns, [args.champion, args.challenger], models, scale)
    steps = course(result, verdict.stopped, scale)
    facts = {"answer": answer, "stopped_after": verdict.stopped, "mode": args.mode, "models": models}
    with step.new_folder(args.report) as folder:
        tables.write_table(summary, folder / "variants.parquet")
        tables.write_table(steps, folder / "course.parquet")
        step.write_json(facts, folder / "verdict.json")
        difference = plotting.difference_course(steps, verdict.stopped, args.margin)
        step.write_plots({"difference": difference, "shares": plotting.variant_shares(summary)}, folder)
        step.log_metrics(folder, {**metrics, **ratios, "error_rate": args.error_rate})
    print(f"{answer}: difference {metrics['difference']:.5f} after {len(scores)} observations")


if __name__ == "__main__":
    step.run_script(main)
