"""What a table must hold: pandera's schema in YAML, and beside it thresholds, rules, references, privacy."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from support import step

if TYPE_CHECKING:
    from pandera.pandas import Column, DataFrameSchema

Share = Annotated[float, Field(ge=0, le=2)]  # an effect in standard deviations may be above 1
# checks that a column has without naming them, beside those of pandera that it names
MISSING, TYPE, UNIQUE, PRESENT, DISTRIBUTION = "missing", "type", "unique", "present", "distribution"
IMPLIED = (MISSING, TYPE, UNIQUE, PRESENT, DISTRIBUTION)
# what pandera reads at the top of the file; it ignores everything else, also a misspelt key
PANDERA_KEYS = {
    *("schema_type", "version", "api", "columns", "checks", "index", "multiindex", "dtype", "coerce"),
    *("strict", "name", "ordered", "unique", "report_duplicates", "unique_column_names", "metadata"),
    *("add_missing_columns", "title", "description", "dataframe_library"),
}
RANGES = {"in_range", "greater_than", "greater_than_or_equal_to", "less_than", "less_than_or_equal_to"}
# raised by pandera for well-formed YAML that is not a schema
_MALFORMED = (TypeError, KeyError, AttributeError, ValueError)


class Threshold(BaseModel):
    """With more failing rows a check warns, or fails the table: shares from 0 to 1, effects from 0 to 2."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    warn: Share
    fail: Share

    @model_validator(mode="after")
    def _fail_is_no_less_than_warn(self) -> Threshold:
        if self.warn > self.fail:
            raise ValueError("warn is larger than fail")
        return self


class Reference(BaseModel):
    """The values of `columns`, together, must be a row of another table's columns `key`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    columns: Annotated[list[str], Field(min_length=1)]
    table: str
    key: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _key_is_as_long_as_columns(self) -> Reference:
        if self.key and len(self.key) != len(self.columns):
            raise ValueError("key has another number of columns")
        return self


class Extras(BaseModel):
    """What the file says besides pandera's own keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    thresholds: dict[str, Threshold] = Field(default_factory=dict)  # by check
    rules: dict[str, str] = Field(default_factory=dict)  # by name, as ``DataFrame.eval`` reads them
    references: dict[str, Reference] = Field(default_factory=dict)
    private: list[str] = Field(default_factory=list)  # columns whose values are in no message
    # column -> texts that say that there is no value
    missing: dict[str, list[str]] = Field(default_factory=dict)


@dataclass(frozen=True)
class TableSchema:
    """A schema, read from its file."""

    name: str  # of the file
    frame: DataFrameSchema  # what pandera checks
    extras: Extras  # what the workbench adds to it

    def threshold(self, column: str, check: str) -> Threshold:
        """Return the nearest threshold of a check: ``column.check``, ``*.check``, rule or column, ``*``."""
        known = self.extras.thresholds
        names = [f"{column}.{check}", f"*.{check}"]
        if check == DISTRIBUTION:  # an effect, no share of rows; it never fails unless the file says so
            return next((known[name] for name in names if name in known), Threshold(warn=0.1, fail=2))
        names += [check, column, "*"]
        return next((known[name] for name in names if name in known), Threshold(warn=0, fail=0))


def read_schema(file: Path) -> TableSchema:
    """Return the schema in `file`.

    Raises
    ------
    StepError
        When the file is missing or not a schema, or names a key, check or column that is not there.
    """
    import yaml
    from pandera.errors import BackendNotFoundError, SchemaDefinitionError, SchemaInitError
    from pandera.io.pandas_io import deserialize_schema

    if not file.is_file():
        raise step.StepError(f"{file} does not exist: name the YAML file of a pandera schema")
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
        ours = _extras(file, document) if isinstance(document, Mapping) else Extras()
        schema: DataFrameSchema = deserialize_schema(document)  # type: ignore[no-untyped-call]
    except yaml.YAMLError as error:
        raise step.StepError(f"{file} is not YAML: {' '.join(str(error).split())}") from error
    except (SchemaDefinitionError, SchemaInitError, BackendNotFoundError, *_MALFORMED) as error:
        reason = " ".join(str(error).split())
        raise step.StepError(f"{file} is not a pandera schema ({type(error).__name__}: {reason})") from error
    _require_known(file, schema, ours)
    return TableSchema(file.name, schema, ours)


def _extras(file: Path, document: Mapping[str, Any]) -> Extras:
    own = {key: value for key, value in document.items() if key not in PANDERA_KEYS}
    unknown = [str(key) for key in own if key not in Extras.model_fields]
    if unknown:
        near = step.nearest(unknown[0], [*PANDERA_KEYS, *Extras.model_fields])
        raise step.StepError(f"{file}: unknown key {unknown[0]!r}{near}")
    try:
        return Extras.model_validate(own)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(map(str, problem["loc"]))
        message = f"{file}: {where}: {problem['msg'].removeprefix('Value error, ')}"
        raise step.StepError(f"{message}, found {step.show(problem['input'])}") from None


def _require_known(file: Path, schema: DataFrameSchema, extras: Extras) -> None:
    """Reject thresholds of no check, and rules, references and private columns of no column."""
    columns = list(map(str, schema.columns))
    checks = {name: [*IMPLIED, *check_names(column)] for name, column in schema.columns.items()}
    known = {"*", UNIQUE, *columns, *extras.rules, *extras.references, *(f"*.{name}" for name in IMPLIED)}
    known |= {f"{side}.{name}" for column in checks for name in checks[column] for side in (column, "*")}
    named = {f"rules.{name}": rule_columns(file, name, rule) for name, rule in extras.rules.items()}
    named |= {f"references.{name}": reference.columns for name, reference in extras.references.items()}
    _require(file, "thresholds", extras.thresholds, known, "check")
    for where, names in {**named, "private": extras.private, "missing": extras.missing}.items():
        _require(file, where, names, columns, "column")


def _require(file: Path, where: str, names: Iterable[str], known: Iterable[str], kind: str) -> None:
    for name in names:
        if name not in known:
            near = step.nearest(name, sorted(known))
            raise step.StepError(f"{file}: {where}: {name!r} is no {kind} of this schema{near}")


def without_missing(table: pd.DataFrame, missing: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Return `table` with no value where a column holds one of its words in `missing`; inf is one too."""
    from tabular.columns import as_array, category_texts

    for name in [name for name in missing if name in table]:
        texts = pd.Series(category_texts(as_array(table[name])), table.index, dtype=object)
        # a time of midnight may be written without it
        dates = texts.str.removesuffix(" 00:00:00")
        column = table[name].mask(texts.isin(missing[name]) | dates.isin(missing[name]))
        table = table.assign(**{name: column.infer_objects()})
    return table


def check_names(column: Column) -> list[str]:
    """Return the names of a column's checks, as the file has them."""
    return [str(check.name) for check in column.checks]


def rule_columns(file: Path | str, name: str, rule: str) -> list[str]:
    """Return the columns that a rule names; functions that it calls, such as ``abs``, are none."""
    try:
        tree = ast.parse(rule.strip().replace("\n", " "), mode="eval")
    except SyntaxError as error:
        raise step.StepError(f"{file}: rules.{name}: {rule!r} is not an expression: {error.msg}") from error
    nodes = list(ast.walk(tree))
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    names = [node.id for node in nodes if isinstance(node, ast.Name) and id(node) not in called]
    return sorted(dict.fromkeys(names), key=rule.index)


def request_limits(schema: TableSchema) -> dict[str, dict[str, Any]]:
    """Return what a request's columns must hold, as fields of `scoring.row_schema.Column`."""
    return {str(name): _limits(column) for name, column in schema.frame.columns.items()}


def _limits(column: Column) -> dict[str, Any]:
    """Return ranges, categories and patterns among a column's checks."""
    limits: dict[str, Any] = {}
    for check in column.checks:
        facts = {name: value for name, value in (check.statistics or {}).items() if value is not None}
        if check.name == "isin":
            limits["allowed"] = sorted(map(str, facts["allowed_values"]))
        elif check.name == "str_matches":
            limits["pattern"] = getattr(facts["pattern"], "pattern", facts["pattern"])
        elif check.name == "str_length":
            low, high = (facts.get("exact_value", facts.get(end, "")) for end in ("min_value", "max_value"))
            limits.setdefault("pattern", f"^[\\s\\S]{{{low or 0},{high}}}(?![\\s\\S])")
        elif check.name in RANGES:
            ends = {"minimum": facts.get("min_value"), "maximum": facts.get("max_value")}
            limits |= {name: float(end) for name, end in ends.items() if isinstance(end, int | float)}
    return limits
