"""Score a batch: predictions for each row of a table."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from modelling import models
from modelling.models import Model
from scoring.scored_form import FEATURE, INPUT, OUTPUT
from support import step
from tabular import batch_parts, feature_store, tables
from tabular.batch_parts import Parts, Source, total
from tabular.feature_table import read_facts


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Predict each row of a table.")
    add = parser.add_argument
    add("--model", type=step.input_path, required=True, help="model folder that train wrote")
    add("--table", type=step.input_path, required=True, help="rows to predict")
    known = "feature tables, for the columns that the rows lack: as known at the time of each row"
    add("--feature-tables", type=step.input_path, help=known)
    add("--keep", nargs="*", default=[], help="columns to copy from the table into the scores")
    add("--threshold", type=float, default=0.5, help="two classes: predict positive from here on (0.5)")
    add(
        "--part-rows", type=int, default=200_000, help="rows in memory at once; larger Parquet is split (2e5)"
    )
    add("--resume", type=Path, help="folder for finished parts, so that a killed run can resume")
    add(
        "--log",
        action="store_true",
        help="also write inputs, features and outputs to log/, as a service does",
    )
    add(
        "--scores", type=step.output_path, required=True, help="output folder: table.parquet, or one per part"
    )
    return parser


def scores(model: Model, table: pd.DataFrame, threshold: float, keep: Sequence[str] = ()) -> pd.DataFrame:
    """Return the prediction for each row.

    Returns
    -------
    DataFrame of shape (rows, columns)
        The columns of `Model.scores`.

    Raises
    ------
    StepError
        When one of them has the name of a column in `keep`.
    """
    outputs = model.scores(model.features.transform(table), threshold)
    for name in keep:
        if name in outputs:
            raise step.StepError(f"--keep: the scores have their own column {name!r}: drop it or rename it")
    return pd.DataFrame(outputs, index=table.index)


def scored_rows(model: Model, table: pd.DataFrame, outputs: pd.DataFrame, request_id: str) -> pd.DataFrame:
    """Return rows and their scores in the form in which a service logs them."""
    digest, index = str(model.facts["digest"]), table.index
    no_time = pd.Series(pd.NaT, index=index, dtype="datetime64[ns, UTC]")
    request = {"time": no_time, "request_id": request_id, "row": range(len(table)), "model_name": None}
    head = pd.DataFrame({**request, "model_version": digest[:12], "model_digest": digest}, index=index)
    names = [FEATURE + name for name in model.features.sources]
    features = pd.DataFrame(model.features.transform(table), index, names)
    inputs = table[model.features.columns].add_prefix(INPUT)
    return pd.concat([head, inputs, features, outputs.add_prefix(OUTPUT)], axis="columns")


def completed(args: argparse.Namespace, model: Model, table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the columns that they lack and feature tables give."""
    recorded = model.facts.get("feature_tables", {"tables": []})
    if args.feature_tables:
        return feature_store.fill(table, args.feature_tables, recorded)
    given = {column: one["name"] for one in recorded["tables"] for column in one["columns"]}
    if missing := next((name for name in given if name not in table), None):
        gives = f"the rows have no column {missing!r}, which feature table {given[missing]!r} gives"
        raise step.StepError(f"{gives}: name the feature tables with --feature-tables, or add the column")
    return table


def read_columns(args: argparse.Namespace, model: Model) -> list[str]:
    """Return the columns to read of a large table: what feature tables give may be absent."""
    names = [*model.features.columns, *args.keep]
    recorded = model.facts.get("feature_tables")
    if not args.feature_tables or not recorded:
        return names
    given = {name for one in recorded["tables"] for name in one["columns"]}
    absent = given.difference(batch_parts.columns(args.table))
    return [name for name in [*names, *feature_store.keys(recorded)] if name not in absent]


def score_whole(args: argparse.Namespace, model: Model) -> int:
    """Score a table that fits into memory; return its number of rows."""
    table = completed(args, model, tables.read_table(args.table))
    tables.require_columns(table, args.keep, "--keep")
    outputs = scores(model, table, args.threshold, args.keep)
    with step.new_folder(args.scores) as folder:
        tables.write_table(table[args.keep].join(outputs), folder / "table.parquet")
        if args.log:
            (folder / "log").mkdir()
            rows = scored_rows(model, table, outputs, f"batch-{model.facts['digest'][:12]}")
            tables.write_table(rows, folder / "log" / "table.parquet")
        metrics = {"rows": float(len(outputs))}
        if "probability" in outputs:
            metrics["mean_probability"] = float(outputs["probability"].mean())
        step.log_metrics(folder, metrics)
    return len(outputs)


def feature_digests(args: argparse.Namespace) -> list[str]:
    """Return the digests of the feature tables: parts that were made with others are not resumed."""
    folder = args.feature_tables
    return (
        [read_facts(folder / name)[1]["digest"] for name in feature_store.names_in(folder)] if folder else []
    )


def score_parts(args: argparse.Namespace, model: Model, source: Source) -> int:
    """Score a large table part by part, after those that an earlier attempt finished; return its rows."""
    key = source.key(model.facts["digest"], args.keep, args.threshold, args.log, feature_digests(args))
    parts = Parts(args.resume or args.scores.with_name(f"{args.scores.name}.parts-{os.getpid()}"), key)
    try:
        for number, rows in source.parts(parts.done):
            parts.write(number, *scored_part(args, model, rows, f"batch-{key[:12]}-{number:05d}"))
        with step.new_folder(args.scores) as folder:
            files = parts.copy_into(folder)
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
    """Return the scores of a part, and its scored rows if they are wanted."""
    table = completed(args, model, rows.to_pandas())
    outputs = scores(model, table, args.threshold, args.keep)
    part = rows.select(
        args.keep
    )  # as the file has them: pandas would turn whole numbers with nulls to floats
    for name, column in outputs.items():
        part = part.append_column(str(name), pa.Array.from_pandas(column))
    log = scored_rows(model, table, outputs, request_id) if args.log else None
    return part, None if log is None else pa.Table.from_pandas(log, preserve_index=False)


def main(argv: Sequence[str] | None = None) -> None:
    """Load, predict, write."""
    args = build_parser().parse_args(argv)
    if args.part_rows < 1:
        raise step.out_of_range("part_rows", args.part_rows, "1 or more")

    model = models.load(args.model)
    source = batch_parts.source(args.table, read_columns(args, model), args.part_rows)
    rows = score_parts(args, model, source) if source else score_whole(args, model)
    print(f"scored {rows} rows")


if __name__ == "__main__":
    step.run_script(main)
