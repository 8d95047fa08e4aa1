"""Validate: check a table against its schema, and profile it; a table that fails is not written."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from support import step
from tabular import tables

if TYPE_CHECKING:
    from pandera.pandas import DataFrameSchema

EXAMPLES = 3
QUOTE = "'"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Check a table against its schema, and profile it.")
    add = parser.add_argument
    add("--table", type=step.input_path, required=True, help="CSV or Parquet file, or a folder of them")
    add("--schema", type=step.input_path, required=True, help="pandera schema, a YAML file")
    add("--validated", type=step.output_path, required=True, help="output folder: table.parquet")
    add("--report", type=step.output_path, required=True, help="output folder: profile.json, metrics.json")
    return parser


def read_schema(file: Path) -> DataFrameSchema:
    """Return the pandera schema in `file`.

    Raises
    ------
    StepError
        When the file is missing or not a schema.
    """
    import yaml
    from pandera.errors import BackendNotFoundError, SchemaDefinitionError, SchemaInitError
    from pandera.io.pandas_io import from_yaml

    if not file.is_file():
        raise step.StepError(f"{file} does not exist: name the YAML file of a pandera schema")
    try:
        schema: DataFrameSchema = from_yaml(file)  # type: ignore[no-untyped-call]
    except yaml.YAMLError as error:
        raise step.StepError(f"{file} is not YAML: {' '.join(str(error).split())}") from error
    except (SchemaDefinitionError, SchemaInitError, BackendNotFoundError, *_MALFORMED) as error:
        reason = " ".join(str(error).split())
        raise step.StepError(f"{file} is not a pandera schema ({type(error).__name__}: {reason})") from error
    return schema


# raised by from_yaml for well-formed YAML that is not a schema
_MALFORMED = (TypeError, KeyError, AttributeError, ValueError)


def check(table: pd.DataFrame, schema: DataFrameSchema, schema_name: str) -> pd.DataFrame:
    """Return `table` with the types of `schema`.

    Raises
    ------
    StepError
        With one line for each column and check that fails: how many rows, and examples.
    """
    from pandera.errors import SchemaErrors

    try:
        return schema.validate(table, lazy=True)
    except SchemaErrors as errors:
        problems = failures(errors.failure_cases, list(map(str, table.columns)), len(table), schema)
        lines = [f"the table does not match {schema_name}:", *(f"  {problem}" for problem in problems)]
        raise step.StepError(
            "\n".join([*lines, "fix the rows at their source, or the column in the schema"])
        ) from None


def failures(cases: pd.DataFrame, columns: list[str], rows: int, schema: DataFrameSchema) -> list[str]:
    """Return a line for each column and check that failed, in the order of pandera's `cases`."""
    ill_typed = {
        start: set(cases.loc[cases["check"].str.startswith(start), "column"])
        for start in ("coerce_dtype(", "dtype(")
    }
    lines = []
    for (column, name), part in cases.groupby(["column", "check"], sort=False, dropna=False):
        if _is_informative(str(name), column, ill_typed):
            lines.append(_failure(str(name), part, columns, rows, schema))
    return list(dict.fromkeys(lines))


def _is_informative(name: str, column: object, ill_typed: dict[str, set[object]]) -> bool:
    """Return whether a check adds information: what else a column of the wrong type fails follows from it."""
    if column in ill_typed["coerce_dtype("]:
        return name.startswith("coerce_dtype(")
    return column not in ill_typed["dtype("] or name.startswith("dtype(")


def _failure(name: str, part: pd.DataFrame, columns: list[str], rows: int, schema: DataFrameSchema) -> str:
    """Return one line: which column fails which check, how often, with examples."""
    column = str(part["column"].iloc[0])
    if name == "column_in_dataframe":
        missing = str(part["failure_case"].iloc[0])
        return f"column {missing!r} is missing{step.nearest(missing, columns)}"
    if name == "column_in_schema":
        extra = str(part["failure_case"].iloc[0])
        return f"column {extra!r} is not in the schema{step.nearest(extra, schema.columns)}"
    if name == "multiple_fields_uniqueness":
        same = ", ".join(schema.unique)
        return f"{part['index'].nunique()} of {rows} rows are duplicates: no two may have the same {same}"
    if part["index"].isna().all():
        return f"column {column!r}: the values {_requirement(name)}: {part['failure_case'].iloc[0]}"
    examples = step.listing([_example(row) for row in part.head(EXAMPLES).itertuples()])
    return f"column {column!r}: {len(part)} of {rows} values {_requirement(name)}: {examples}"


def _requirement(name: str) -> str:
    """Return a check's name as a sentence's end."""
    if name == "not_nullable":
        return "are missing"
    if name.startswith("coerce_dtype("):
        return f"cannot be read as {name.split(QUOTE)[1]}"
    if name.startswith("dtype("):
        return f"are not {name.split(QUOTE)[1]}"
    if name == "field_uniqueness":
        return "are duplicates"
    return f"fail {name}"


def _example(case: Any) -> str:
    """Return a failing value and its row."""
    return f"{case.failure_case} (row {case.index})"


def profile(table: pd.DataFrame) -> dict[str, Any]:
    """Return rows, duplicate rows, and for each column its type, missing values and range."""
    return {
        "rows": len(table),
        "duplicate_rows": int(table.duplicated().sum()),
        "columns": {str(name): _profile(table[name]) for name in table.columns},
    }


def _profile(column: pd.Series) -> dict[str, Any]:
    """Return type, missing values, distinct values and range or commonest values of one column."""
    missing = int(column.isna().sum())
    facts = {"type": str(column.dtype), "missing": missing, "distinct": int(column.nunique())}
    known = column.dropna()
    if known.empty:
        return facts
    if pd.api.types.is_datetime64_any_dtype(column):
        return {**facts, "minimum": known.min().isoformat(), "maximum": known.max().isoformat()}
    if pd.api.types.is_numeric_dtype(column):
        extremes = {"minimum": float(known.min()), "maximum": float(known.max())}
        return {**facts, **extremes, "mean": float(known.mean())}
    counts = known.astype(str).value_counts()
    commonest = counts.sort_index().sort_values(ascending=False, kind="stable").head(10)
    return {**facts, "commonest": {str(value): int(count) for value, count in commonest.items()}}


def main(argv: Sequence[str] | None = None) -> None:
    """Read, check, profile, write."""
    args = build_parser().parse_args(argv)
    table = check(tables.read_table(args.table), read_schema(args.schema), args.schema.name)
    facts = profile(table)
    with step.new_folder(args.validated) as validated, step.new_folder(args.report) as report:
        tables.write_table(table, validated / "table.parquet")
        step.write_json(facts, report / "profile.json")
        missing = sum(column["missing"] for column in facts["columns"].values()) / table.size
        metrics = {"rows": len(table), "duplicate_rows": facts["duplicate_rows"], "missing_share": missing}
        step.log_metrics(report, metrics)
    print(f"validated {len(table)} rows, {table.shape[1]} columns")


if __name__ == "__main__":
    step.run_script(main)
