"""Validate: check a table against its schema, say what follows from what is wrong, and profile it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from support import step
from tabular import tables
from tabular.checking import check
from tabular.columns import is_nested
from tabular.consequences import decide, read_related, rows_left_out, warnings_of
from tabular.schemas import DISTRIBUTION, TableSchema, read_schema
from tabular.violations import FAILURE, WARNING, Violations, judge


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Check a table against its schema, and profile it.")
    add = parser.add_argument
    add("--table", type=step.input_path, required=True, help="CSV or Parquet file, or a folder of them")
    add("--schema", type=step.input_path, required=True, help="pandera schema, a YAML file")
    related = "folder of the tables, named by their files, that the schema's references name"
    add("--related", type=step.input_path, help=related)
    reference = "earlier table, whose distributions those of the table are compared with"
    add("--reference", type=step.input_path, help=reference)
    ways = ["continue", "quarantine", "stop"]
    warning = "what to do when a check warns: keep the rows that fail it, leave them out, or stop"
    add("--on-warning", choices=ways, default="continue", help=f"{warning} (default: continue)")
    failure = "the same when more rows fail a check than its threshold"
    add("--on-failure", choices=ways, default="stop", help=f"{failure} (default: stop)")
    add("--validated", type=step.output_path, required=True, help="output folder: table.parquet")
    quarantine = (
        "output folder: violations.parquet, and rows.parquet, the rows left out as they were delivered"
    )
    add("--quarantine", type=step.output_path, required=True, help=quarantine)
    report = "output folder: profile.json, checks.json (what failed, how often), metrics.json"
    add("--report", type=step.output_path, required=True, help=report)
    return parser


def shifted(table: pd.DataFrame, reference: pd.DataFrame, schema: TableSchema) -> pd.DataFrame:
    """Return the columns whose distributions are surely unlike the reference, as violations."""
    from comparing.references import differences

    found = Violations(table)
    for one in differences(table, reference).itertuples():
        if one.low > schema.threshold(one.column, DISTRIBUTION).warn:
            what = "has missing values" if one.measure == "missing" else "is distributed"
            reason = f"{what} unlike the reference, by {one.effect:.2f} ({one.low:.2f} to {one.high:.2f})"
            found.add_column(one.column, DISTRIBUTION, f"{one.low:.4f}", reason)
    return found.frame()


def metrics(
    facts: dict[str, Any], table: pd.DataFrame, violations: pd.DataFrame, checks: pd.DataFrame
) -> dict[str, float]:
    """Return the metrics of the step, the same names whatever was found: so runs can be compared."""
    missing = sum(column["missing"] for column in facts["columns"].values()) / table.size
    return {
        **{"rows": len(table), "duplicate_rows": facts["duplicate_rows"], "missing_share": missing},
        **{"violations": len(violations), "rows_with_violations": violations["row"].nunique()},
        "checks_warning": int((checks["verdict"] == WARNING).sum()),
        "checks_failing": int((checks["verdict"] == FAILURE).sum()),
    }


def profile(table: pd.DataFrame, private: Sequence[str] = ()) -> dict[str, Any]:
    """Return rows, duplicate rows, and of each column type, missing values and, unless private, range."""
    table = table.assign(**{name: table[name].map(repr) for name in table.columns if is_nested(table[name])})
    alike = table[table.iloc[:, :8].duplicated(keep=False)]  # only these are compared whole
    return {
        "rows": len(table),
        "duplicate_rows": int(alike.duplicated().sum()),
        "columns": {str(name): _profile(table[name], name in private) for name in table.columns},
    }


def _profile(column: pd.Series, is_private: bool) -> dict[str, Any]:
    """Return type, missing values, distinct values and range or commonest values of one column."""
    missing = int(column.isna().sum())
    known = column.dropna() if missing else column
    is_time, is_number = (
        is_kind(column) for is_kind in (types.is_datetime64_any_dtype, types.is_numeric_dtype)
    )
    counts = pd.Series(dtype="int64") if is_time or is_number else known.value_counts()
    distinct = int(column.nunique()) if is_time or is_number else len(counts)
    facts = {"type": str(column.dtype), "missing": missing, "distinct": distinct}
    if known.empty or is_private:
        return facts
    if is_time:
        return {**facts, "minimum": known.min().isoformat(), "maximum": known.max().isoformat()}
    if is_number:
        finite = known[np.isfinite(known)]
        measures = {"minimum": finite.min(), "maximum": finite.max(), "mean": finite.mean()}
        known_measures = {name: float(value) for name, value in measures.items() if np.isfinite(value)}
        return {
            **facts,
            **known_measures,
            **({"infinite": gone} if (gone := len(known) - len(finite)) else {}),
        }
    counts = counts.groupby(counts.index.astype(str)).sum()  # True and "True" are shown as one
    commonest = counts.sort_index().sort_values(ascending=False, kind="stable").head(10)
    return {**facts, "commonest": {str(value): int(count) for value, count in commonest.items()}}


def main(argv: Sequence[str] | None = None) -> None:
    """Read, check, judge, profile, write."""
    args = build_parser().parse_args(argv)
    delivered, schema = tables.read_table(args.table), read_schema(args.schema)
    typed, violations = check(delivered, schema, read_related(args.related))
    if args.reference:
        violations = pd.concat([violations, shifted(typed, tables.read_table(args.reference), schema)])
    checks = decide(judge(violations, len(delivered), schema), args.on_warning, args.on_failure)
    out = rows_left_out(delivered, typed, violations, checks, f"the table does not match {schema.name}")
    for line in warnings_of(checks, violations, len(delivered)):
        print(f"warning: {line}")
    table = typed.drop(index=out, errors="ignore").reset_index(drop=True) if len(out) else typed
    facts = profile(table, schema.extras.private)
    folders = (args.validated, args.quarantine, args.report)
    with ExitStack() as stack:
        validated, quarantine, report = (stack.enter_context(step.new_folder(path)) for path in folders)
        tables.write_table(table, validated / "table.parquet")
        tables.write_table(violations, quarantine / "violations.parquet")
        tables.write_table(delivered.loc[out], quarantine / "rows.parquet")
        step.write_json(facts, report / "profile.json")
        step.write_json(checks.to_dict("records"), report / "checks.json")
        step.log_metrics(report, metrics(facts, table, violations, checks) | {"quarantined_rows": len(out)})
    print(
        f"validated {len(table)} rows, {table.shape[1]} columns"
        + (f"; {len(out)} rows left out" if len(out) else "")
    )


if __name__ == "__main__":
    step.run_script(main)
