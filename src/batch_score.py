"""Score a batch: predictions for each row of a table."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from modelling import models
from modelling.models import Model
from scoring.scored_form import FEATURE, INPUT, OUTPUT
from support import step
from tabular import batch_parts, tables
from tabular.batch_parts import Parts, Source, total


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Predict each row of a table.")
    parser.add_argument("--model", type=step.input_path, required=True, help="model that train wrote")
    parser.add_argument("--table", type=step.input_path, required=True, help="rows to predict")
    parser.add_argument("--keep", nargs="*", default=[], help="columns that the scores carry along")
    parser.add_argument(
        "--threshold", type=float, default=0.5, help="two classes: probability of the positive (0.5)"
    )
    parser.add_argument(
        "--part-rows",
        type=int,
        default=200_000,
        help="rows that are in memory at once: more of Parquet become parts, part-00000.parquet (200000)",
    )
    parser.add_argument(
        "--resume", type=Path, help="folder for parts that are done: after a kill the next attempt goes on"
    )
    parser.add_argument(
        "--log", action="store_true", help="write inputs, features and outputs to log/ too, as a service does"
    )
    parser.add_argument(
        "--scores", type=step.output_path, required=True, help="folder for table.parquet, or for parts of it"
    )
    return parser


def scores(model: Model, table: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Return the prediction for each row.

    Returns
    -------
    DataFrame of shape (rows, 1), (rows, 2) or (rows, 1 + classes)
        The columns of `Model.outputs`.
    """
    return pd.DataFrame(model.outputs(model.predict(table), threshold), index=table.index)


def scored_rows(model: Model, table: pd.DataFrame, made: pd.DataFrame, request_id: str) -> pd.DataFrame:
    """Return rows and their scores in the form in which a service logs them."""
    digest = str(model.facts["digest"])
    head = pd.DataFrame({"time": pd.Series(pd.NaT, index=table.index, dtype="datetime64[ns, UTC]")})
    head = head.assign(request_id=request_id, row=range(len(table)), model_name=None)
    inputs, features = table[model.features.columns], model.features.transform(table)
    kept = (
        inputs.add_prefix(INPUT),
        pd.DataFrame(features, table.index, [FEATURE + name for name in model.features.sources]),
        made.add_prefix(OUTPUT),
    )
    return pd.concat([head.assign(model_version=digest[:12], model_digest=digest), *kept], axis="columns")


def check_kept(keep: Sequence[str], made: Iterable[str]) -> None:
    """Raise a StepError for a column that would be in the scores twice."""
    for name in keep:
        if name in made:
            raise step.StepError(
                f"--keep: the scores have a column {name!r} of their own: leave it out, or rename it"
            )


def score_whole(args: argparse.Namespace, model: Model) -> int:
    """Score a table that fits into memory; return its rows."""
    table = tables.read_table(args.table)
    tables.require_columns(table, args.keep, "--keep")
    made = scores(model, table, args.threshold)
    check_kept(args.keep, made)
    with step.new_folder(args.scores) as folder:
        tables.write_table(table[args.keep].join(made), folder / "table.parquet")
        if args.log:
            (folder / "log").mkdir()
            rows = scored_rows(model, table, made, f"batch-{model.facts['digest'][:12]}")
            tables.write_table(rows, folder / "log" / "table.parquet")
        metrics = {"rows": float(len(made))}
        if "probability" in made:
            metrics["mean_probability"] = float(made["probability"].mean())
        step.log_metrics(folder, metrics)
    return len(made)


def score_parts(args: argparse.Namespace, model: Model, source: Source) -> int:
    """Score a table in parts, behind those that an earlier attempt has done; return its rows."""
    key = source.key(model.facts["digest"], args.keep, args.threshold, args.log)
    place = args.resume or args.scores.with_name(f"{args.scores.name}.parts-{os.getpid()}")
    parts = Parts(place, key)
    try:
        for number, rows in source.parts(parts.done):
            parts.write(number, *scored_part(args, model, rows, f"batch-{key[:12]}-{number:05d}"))
        with step.new_folder(args.scores) as folder:
            files = parts.put(folder)
            metrics = {"rows": float(source.rows)}
            if len(model.classes) == 2:
                metrics["mean_probability"] = total(files, "probability") / source.rows
            step.log_metrics(folder, metrics)
        parts.remove()
    finally:
        if not args.resume:
            parts.remove()
    return source.rows


def scored_part(
    args: argparse.Namespace, model: Model, rows: pa.Table, request_id: str
) -> tuple[pa.Table, pa.Table | None]:
    """Return the scores of a part with the columns that they carry along, and its scored rows if wanted."""
    table = rows.to_pandas()
    made = scores(model, table, args.threshold)
    check_kept(args.keep, made)
    kept = rows.select(args.keep)
    for name, column in zip(
        made.columns, pa.Table.from_pandas(made, preserve_index=False).columns, strict=True
    ):
        kept = kept.append_column(name, column)
    log = scored_rows(model, table, made, request_id) if args.log else None
    return kept, None if log is None else pa.Table.from_pandas(log, preserve_index=False)


def main(argv: Sequence[str] | None = None) -> None:
    """Load, predict, write."""
    args = build_parser().parse_args(argv)
    if args.part_rows < 1:
        raise step.StepError(f"--part-rows: {args.part_rows} is out of range: give 1 or more")

    model = models.load(args.model)
    source = batch_parts.source(args.table, [*model.features.columns, *args.keep], args.part_rows)
    rows = score_parts(args, model, source) if source else score_whole(args, model)
    print(f"scored {rows} rows")


if __name__ == "__main__":
    step.run_script(main)
