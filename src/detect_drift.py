"""Detect drift: whether scored rows still look like those that the model was made for, and what changed.

A comparison tells drift when the lower bound of its effect is above the threshold, so that neither few rows
nor very many of them raise an alarm by themselves. With --period, the last period is judged; those before it
show how it came about, each with an error rate of its own.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

import plotting
from comparing import domains, drift, profiles
from comparing.domains import Domains
from comparing.drift import Limits
from comparing.profiles import Profile
from comparing.sketches import Sketch
from modelling import models
from modelling.models import Model
from scoring import observed, scored_parts
from scoring.observed import DIGEST, Observed
from support import step
from tabular import tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GROUPS = 3  # named in the verdict
FILE_OF_SERVICE = re.compile(r"\d{20}-\d+\.")
TOGETHER = ("together", "all features", "")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Compare scored rows with the model's reference profile.")
    add = parser.add_argument
    add("--model", type=step.input_path, required=True, help="model folder that train wrote")
    forms = "scored log of a service, what batch_score wrote, a log with labels, or a table to be scored"
    add("--rows", type=step.input_path, required=True, help=forms)
    add("--training", type=step.input_path, help="training rows, to tell what changed together")
    add("--label", default="label", help="column of the label in a log, where known (default: label)")
    add("--time-column", help="column of the time, for --period (default: time, in a log)")
    add("--period", help="judge the last period alone: M, W, D or as in pandas (default: all rows)")
    number = "numbers: effect that is drift, in standard deviations of the reference (default: 0.025)"
    add("--number-threshold", type=float, default=0.025, help=number)
    category = "categories and missing values: effect that is drift, as a share of rows (default: 0.01)"
    add("--category-threshold", type=float, default=0.01, help=category)
    add("--error-rate", type=float, default=0.05, help="probability of any false alarm in a batch (0.05)")
    add("--min-rows", type=int, default=200, help="rows below which there is no verdict (default: 200)")
    add(
        "--classifier-rows", type=int, default=2000, help="rows of each side for what changed together (2000)"
    )
    add("--random-state", type=int, default=0, help="seed of the classifier (default: 0)")
    add("--most", type=int, default=6, help="columns shown before and after (default: 6)")
    add("--report", type=step.output_path, required=True, help="output folder: verdict, tables, plots")
    return parser


def check_ranges(args: argparse.Namespace) -> None:
    """Raise a StepError for an argument that is out of range."""
    valid = {
        "number_threshold": (args.number_threshold >= 0, "0 or more"),
        "category_threshold": (0 <= args.category_threshold < 1, "0 or more, below 1"),
        "error_rate": (0 < args.error_rate < 1, "a number between 0 and 1"),
        "min_rows": (args.min_rows >= 30, "30 or more: intervals of fewer rows say nothing"),
        "classifier_rows": (args.classifier_rows >= args.min_rows, "--min-rows or more"),
        "most": (args.most >= 1, "1 or more"),
    }
    for name, (is_valid, allowed) in valid.items():
        if not is_valid:
            raise step.out_of_range(name, getattr(args, name), allowed)


def read(path: Path) -> pd.DataFrame:
    """Return the rows of a scored log, of what batch_score wrote (its log if it has one), or of a table."""
    folder = path / "log" if (path / "log").is_dir() else path
    is_service = folder.is_dir() and any(FILE_OF_SERVICE.match(file.name) for file in folder.iterdir())
    return scored_parts.read(folder) if is_service else tables.read_table(folder)


def read_rows(args: argparse.Namespace, model: Model, profile: Profile, known: list[str]) -> Observed:
    """Return the rows with what the model made of them, and notes behind those `known`."""
    table, notes = read(args.rows), [*known]
    if observed.is_log(table):
        own = of_model(table, str(model.facts["digest"]))
        notes += [f"{len(table) - len(own)} rows of other models were left out"] * (len(own) < len(table))
        table, rows = own, observed.of_log(model, own, args.label)
    else:
        tables.require_columns(table, filter(None, [args.time_column]), "--time-column")
        rows = observed.of_table(model, table)
    if not known and not any(part == "output" for part, _, _ in profile):
        notes.append("outputs were not compared: without --holdout, train had no reference for them")
    unknown = [name for name in rows.features if ("feature", name, "") not in profile]
    if unknown:
        notes.append(f"features of private columns were not compared: {step.listing(unknown)}")
    slices = list(dict.fromkeys(within.partition("=")[0] for _, _, within in profile if within))
    rows = rows.beside(table, slices, (args.time_column or "time") if args.period else None)
    return replace(rows, notes=(*notes, *rows.notes))


def reference_of(args: argparse.Namespace, model: Model) -> tuple[Profile, list[str]]:
    """Return what the rows are compared with, and a note where it is not what training stored.

    A model that a step of its own wrote may have no profile: its features then have --training as reference,
    and its outputs none.
    """
    if profiles.PROFILE in model.facts or args.training is None:
        return profiles.load(args.model, model.facts), []
    features = model.features.transform(tables.read_table(args.training))
    names = [("feature", name, "") for name in model.features.sources]
    columns = zip(names, features.T, strict=True)
    note = "outputs and labels were not compared: the step that wrote the model saved no profile"
    return profiles.describe(columns, observed.categorical(model), args.min_rows), [note]


def of_model(log: pd.DataFrame, digest: str) -> pd.DataFrame:
    """Return those rows of a scored log that the model with this digest scored."""
    own = log[log[DIGEST] == digest].reset_index(drop=True)
    if own.empty:
        others = step.listing(sorted({str(other)[:12] for other in log[DIGEST]}))
        raise step.StepError(f"--rows: no row was scored by model {digest[:12]}, but by {others}")
    return own


def periods_of(rows: Observed, period: str | None) -> pd.Series:
    """Return the period of each row as text; an empty text where all rows are one batch."""
    if period is None:
        return pd.Series("", index=range(rows.rows))
    if rows.times is None:
        raise step.StepError("--period needs the time of each row: name its column with --time-column")
    try:
        return rows.times.dt.to_period(period).astype(str).str.partition("/")[0]  # of weeks the first day
    except ValueError as error:
        raise step.StepError(f"--period: {period!r} is no length of time such as M, W or D") from error


def told_apart(args: argparse.Namespace, model: Model, batch: Observed) -> Domains:
    """Return how well a classifier tells the batch from training rows, and by which features."""
    training = model.features.transform(tables.read_table(args.training))
    reference = pd.DataFrame(training, columns=list(model.features.sources))[list(batch.features)]
    known, now = set(model.features.categories), pd.DataFrame(batch.features)
    return domains.tell_apart(reference, now, known, args.classifier_rows, args.random_state)


def names_of(model: Model) -> dict[str, Sequence[str]]:
    """Return the names of the codes of each column."""
    return {**model.features.categories, "label": model.classes}


def judged(
    args: argparse.Namespace, model: Model, profile: Profile, batch: Observed, limits: Limits
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return all comparisons of a batch, and the groups of features that changed together."""
    columns, names = list(batch.columns()), names_of(model)
    if not (args.training and batch.features and batch.rows >= args.min_rows):
        return drift.compare(profile, columns, limits, names), pd.DataFrame({"features": [], "drop": []})
    found = told_apart(args, model, batch)
    both = {**profile, TOGETHER: Sketch.of(found.reference, "number")}
    table = drift.compare(both, [*columns, (TOGETHER, found.batch)], limits, names)
    change = ["area under the ROC curve", 0.5, found.auc]
    table.loc[table["part"] == TOGETHER[0], ["statistic", "before", "after"]] = change
    return table, found.groups


def over_time(
    model: Model, profile: Profile, rows: Observed, periods: pd.Series, limits: Limits
) -> pd.DataFrame:
    """Return the comparisons of each period by itself, slices left out."""
    whole = replace(rows, slices=rows.slices[[]])
    batches = {period: whole.where(periods.eq(period).to_numpy()) for period in sorted(periods.unique())}
    return pd.concat(
        [
            drift.compare(profile, batch.columns(), limits, names_of(model)).assign(period=period)
            for period, batch in batches.items()
        ],
        ignore_index=True,
    )


def shown_of(table: pd.DataFrame, model: Model, profile: Profile, batch: Observed, most: int) -> pd.DataFrame:
    """Return the distributions of outputs, labels and the features that changed most, now and before."""
    columns, parts = dict(batch.columns()), []
    told = table["effect"].notna() & table["slice"].eq("") & table["measure"].eq(drift.VALUES)
    for row in table[told & table["part"].ne(TOGETHER[0])].head(most).itertuples():
        name = (row.part, row.name, row.slice)
        part = drift.distributions(profile[name], columns[name], names_of(model).get(row.name, ()))
        size = f"{row.effect:.2f} sd" if row.kind == "number" else f"{row.effect:.0%} of rows"
        parts.append(part.assign(title=f"{row.name}: {size}, {row.verdict}", verdict=row.verdict))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def plots_of(
    table: pd.DataFrame, groups: pd.DataFrame, shown: pd.DataFrame, course: pd.DataFrame
) -> dict[str, Figure]:
    """Return the plots by name: those for which there is something to show."""
    plots = {}
    if table["effect"].notna().any():
        plots = {"effects": plotting.drift_effects(table), "before-after": plotting.drift_before_after(shown)}
    if len(groups):
        plots["together"] = plotting.drift_together(groups)
    if course["period"].nunique() > 1 and course["effect"].notna().any():
        plots["over-time"] = plotting.drift_over_time(course)
    return plots


def facts_of(table: pd.DataFrame, groups: pd.DataFrame, batch: Observed, limits: Limits) -> dict[str, Any]:
    """Return the verdict on the batch and on each part of it, and what it rests on."""
    drifted = table.loc[table["verdict"] == drift.DRIFT, ["part", "name", "slice"]]
    parts = table.groupby("part", sort=False)
    return {
        "verdict": drift.overall(table, batch.rows, limits),
        "parts": {part: drift.overall(rows, batch.rows, limits) for part, rows in parts},
        "rows": batch.rows,
        "drifted": [" ".join(filter(None, name)) for name in drifted.to_numpy()],
        "changed_together": groups.loc[groups["drop"] > 0, "features"].head(GROUPS).tolist(),
        "notes": [*batch.notes],
    }


def metrics_of(table: pd.DataFrame, rows: int) -> dict[str, float]:
    """Return how many comparisons have which verdict, and the surest effect on an output."""
    counts = {"drift": drift.DRIFT, "undecided": drift.UNDECIDED, "too_few": drift.TOO_FEW}
    metrics = {name: float(table["verdict"].eq(verdict).sum()) for name, verdict in counts.items()}
    outputs = table[table["part"].eq("output") & table["slice"].eq("") & table["effect"].notna()]
    for name in ("effect", "low", "high") if len(outputs) else ():
        metrics[f"output_{name}"] = float(outputs[name].iloc[0])
    return {"rows": float(rows), "comparisons": float(len(table)), **metrics}


def main(argv: Sequence[str] | None = None) -> None:
    """Read, compare, plot, write."""
    args = build_parser().parse_args(argv)
    check_ranges(args)

    model = models.load(args.model)
    profile, notes = reference_of(args, model)
    rows = read_rows(args, model, profile, notes)
    periods = periods_of(rows, args.period)
    batch = rows.where(periods.eq(periods.max()).to_numpy())
    limits = Limits(args.number_threshold, args.category_threshold, args.error_rate, args.min_rows)
    table, groups = judged(args, model, profile, batch, limits)
    course = over_time(model, profile, rows, periods, limits)
    shown = shown_of(table, model, profile, batch, args.most)
    facts = facts_of(table, groups, batch, limits)
    with step.new_folder(args.report) as folder:
        for name, found in {"comparisons": table, "together": groups, "over-time": course}.items():
            tables.write_table(found, folder / f"{name}.parquet")
        step.write_json({**facts, "period": periods.max() or None}, folder / "verdict.json")
        step.write_plots(plots_of(table, groups, shown, course), folder)
        step.log_metrics(folder, metrics_of(table, batch.rows))
    print(f"{facts['verdict']}: {len(facts['drifted'])} of {len(table)} comparisons, {batch.rows} rows")


if __name__ == "__main__":
    step.run_script(main)
