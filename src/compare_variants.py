"""Compare variants: challenger and champion on a scored log, with an error rate that holds at every look.

Observations count in the order of the log. Labels may come at any time, but not in an order that depends on
what they say: a log in which only the bad outcomes are known yet misleads every test.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import plotting
from comparing import comparisons, losses, sequential
from comparing.comparisons import Columns
from comparing.sequential import Array, Course
from support import step
from tabular import tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_LOOKS = 400  # rows of the course that are written
POWER = 0.8
FINEST = 10_000  # a difference of a smaller part of the spread takes billions of observations


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Compare challenger and champion on a scored log.")
    add = parser.add_argument
    add("--log", type=step.input_path, required=True, help="scored log, oldest request first")
    add("--labels", type=step.input_path, help="table with what came true, joined by --request")
    add(
        "--mode",
        choices=["split", "shadow"],
        default="split",
        help="split: each request was scored by one variant; shadow: by both (default: split)",
    )
    add("--champion", default="champion", help="the variant to compare with (default: champion)")
    add("--challenger", default="challenger", help="the variant to compare (default: challenger)")
    add("--share", type=float, help="split: planned share of the challenger (default: as the log says)")
    add("--since", help="only requests from this time on, as 2013-01-31T05:00")
    add("--until", help="only requests before this time")
    add("--request", nargs="+", default=["request_id", "row"], help="columns that name a scored row")
    add("--key", default="key", help="column of what sticks to a variant (default: key)")
    add("--variant", default="variant", help="column of the variant (default: variant)")
    add("--model", default="model_digest", help="column of the model's digest (default: model_digest)")
    add("--prediction", default="output.probability", help="column that is judged (output.probability)")
    add("--share-column", default="share", help="column of the challenger's planned share (default: share)")
    add("--time", default="time", help="column of the time, for --since and --until (default: time)")
    add("--label", default="label", help="column of what came true (default: label)")
    add(
        "--loss",
        choices=["brier", "error", "absolute", "squared"],
        default="brier",
        help="how wrong a prediction is (default: brier, of a probability)",
    )
    add("--loss-bound", type=float, default=1.0, help="absolute, squared: larger losses count as this (1)")
    add("--positive", help="brier: the label that the probability is of; none: labels are 0 and 1")
    add("--threshold", type=float, help="brier: labels are numbers, and this or more is what it is of")
    add("--error-rate", type=float, default=0.05, help="how often a wrong answer may be given (0.05)")
    add("--margin", type=float, default=0.0, help="differences of the mean loss up to this don't matter (0)")
    add(
        "--sample-ratio-error-rate",
        type=float,
        default=0.001,
        help="how often right shares may be doubted (0.001)",
    )
    add("--report", type=step.output_path, required=True, help="folder for metrics, tables, figures")
    return parser


@dataclass(frozen=True)
class Verdict:
    """The answer of the test.

    Parameters
    ----------
    answer : str
        In words.
    stopped : int
        After how many observations it was certain; 0: it is not.
    """

    answer: str
    stopped: int


def read_log(args: argparse.Namespace, columns: Columns) -> pd.DataFrame:
    """Return the log with labels and columns "planned" and "loss", of the first request of each key only."""
    log = tables.read_table(args.log)
    if args.labels:
        log = comparisons.with_labels(log, tables.read_table(args.labels), columns)
    tables.require_columns(log, columns.all, "--log")
    comparisons.require_variants(log, columns.variant, [args.champion, args.challenger])
    log = log[log[columns.variant].isin([args.champion, args.challenger])]
    log = comparisons.between(log, columns.time, args.since, args.until)
    log = comparisons.without_repeats(log, columns)
    share = 0.5 if args.mode == "shadow" else args.share
    first = comparisons.first_of_each_key(comparisons.with_planned(log, columns.share, share), columns)
    said, happened = first[columns.prediction], first[columns.label]
    words = {"bound": args.loss_bound, "positive": args.positive, "threshold": args.threshold}
    return first.assign(loss=losses.losses(said, happened, args.loss, **words))


def scores_of(log: pd.DataFrame, args: argparse.Namespace, columns: Columns) -> tuple[Array, float]:
    """Return scores whose mean is the challenger's mean loss minus the champion's, and their reach."""
    if args.mode == "shadow":
        first, second = comparisons.pairs(log, columns, args.champion, args.challenger)
        return second - first, 1.0
    known = log[log["loss"].notna()]
    drawn = known[columns.variant].eq(args.challenger).to_numpy()
    if not 0 < drawn.sum() < len(drawn):
        raise step.StepError("one of the variants has no labels yet: add labels, or wait for them")
    lost, shares = (known[name].to_numpy("float64") for name in ("loss", "planned"))
    return sequential.weighted_differences(lost, drawn, shares)


def judge(course: Course, margin: float) -> Verdict:
    """Return what the course says, and after how many observations it was certain.

    The first certain answer stands: a test that has stopped is not asked again.
    """
    answers = {"challenger better": course.below(), "challenger worse": course.above()}
    if margin:
        answers["no difference that matters"] = course.below(margin) & course.above(-margin)
    stops = {answer: int(sequential.first(certain)) for answer, certain in answers.items()}
    certain = {answer: stop for answer, stop in stops.items() if stop}
    if not certain:
        return Verdict("undecided", 0)
    answer = min(certain, key=certain.__getitem__)
    return Verdict(answer, certain[answer])


def written_course(course: Course, stopped: int, scale: float) -> pd.DataFrame:
    """Return difference, low and high after evenly spaced numbers of observations, and after `stopped`."""
    total = course.sums.shape[-1]
    looks = np.unique(np.append(np.linspace(1, total, min(total, MOST_LOOKS)).astype(int), stopped or total))
    difference, low, high = (values * scale for values in course.intervals(looks))
    return pd.DataFrame({"observations": looks, "difference": difference, "low": low, "high": high})


def ratios(log: pd.DataFrame, columns: Columns, challenger: str) -> dict[str, float]:
    """Return how probable such counts of requests, and of labelled ones, are at most if all is as planned."""
    parts = {"requests": log, "labelled": log[log["loss"].notna()]}
    return {
        f"sample_ratio_p_{name}": comparisons.ratio_doubt(part, columns, challenger)
        for name, part in parts.items()
    }


def columns_of(args: argparse.Namespace) -> Columns:
    """Return the names of the columns that are needed."""
    share = None if args.mode == "shadow" or args.share is not None else args.share_column
    time = args.time if args.since or args.until else None
    names = (args.request, args.key, args.variant, args.model, args.prediction, args.label)
    return Columns(*names, share, time)


def measured(course: Course, scores: Array, stopped: int, margin: float) -> dict[str, float]:
    """Return the metrics of the test, in losses from 0 to 1; power is for `margin`, or for what was found."""
    total = len(scores)
    difference, low, high = (float(values[0]) for values in course.intervals(np.array([total])))
    found = {"difference": difference, "difference_low": low, "difference_high": high}
    counts = {"observations": float(total), "stopped_after": float(stopped)}
    spread, aim = float(scores.std()), margin or difference
    if abs(aim) > max(spread / FINEST, course.reach / FINEST**2) and spread:
        needed = sequential.observations_needed(aim, spread, course.reach, course.error_rate, POWER)
        counts["observations_for_power_80"] = float(needed)
    return {**found, **counts}


def figures(summary: pd.DataFrame, course: pd.DataFrame, stopped: int, margin: float) -> dict[str, Figure]:
    """Return name and figure of each picture."""
    return {
        "difference": plotting.difference_course(course, stopped, margin),
        "shares": plotting.variant_shares(summary),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Read, test, draw, write."""
    args = build_parser().parse_args(argv)

    columns, scale = columns_of(args), losses.unit(args.loss, args.loss_bound)
    log = read_log(args, columns)
    models = comparisons.models_of(log, columns)
    scores, reach = scores_of(log, args, columns)
    course = Course.of(scores, reach, args.error_rate)
    verdict = judge(course, args.margin / scale)
    summary = comparisons.summary(log, columns, [args.champion, args.challenger], models, scale)
    metrics = measured(course, scores, verdict.stopped, args.margin / scale)
    metrics |= {name: scale * metrics[name] for name in metrics if name.startswith("difference")}
    ratio = ratios(log, columns, args.challenger)
    doubted = min(ratio.values()) < args.sample_ratio_error_rate / len(ratio)
    answer = "the shares are not as planned" if doubted else verdict.answer
    written = written_course(course, verdict.stopped, scale)
    facts = {"answer": answer, "stopped_after": verdict.stopped, "mode": args.mode, "models": models}
    with step.new_folder(args.report) as folder:
        tables.write_table(summary, folder / "variants.parquet")
        tables.write_table(written, folder / "course.parquet")
        step.write_json(facts, folder / "verdict.json")
        for name, figure in figures(summary, written, verdict.stopped, args.margin).items():
            figure.savefig(folder / f"{name}.png", dpi=110, metadata={"Software": None})
        step.log_metrics(folder, {**metrics, **ratio, "error_rate": args.error_rate})
    print(f"{answer}: difference {metrics['difference']:.5f} after {len(scores)} observations")


if __name__ == "__main__":
    step.run_script(main)
