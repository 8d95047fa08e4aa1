"""Deliveries into a raw table: their columns fitted to it, their rows merged, all of it in one commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
from deltalake import write_deltalake

from support import step
from tabular import raw_columns, raw_rows, raw_versions
from tabular.raw_columns import EMPTY, join_all
from tabular.raw_location import Location
from tabular.raw_policy import Policy, fit
from tabular.raw_table import RawTable, again_while_others_commit, noticing_commits
from tabular.raw_versions import BOOKKEEPING, DIGEST, MATCH, SINCE, Changes
from tabular.tables import require_columns


@dataclass(frozen=True)
class Delivery:
    """Rows that arrived together."""

    name: str  # a file's name, or a period such as 2013-07
    known_since: datetime  # the delivery's time, without a zone (UTC)
    content: str  # digest of what was delivered: the same name with the same content is not taken twice
    rows: pd.DataFrame  # normalised by `raw_columns.normalise`
    kinds: Mapping[str, str]  # column -> kind, as `normalise` gives them
    # what its schema found, to be recorded: numbers and names, no values of rows
    found: Mapping[str, Any] = field(default_factory=dict)


def deliver(
    location: Location, delivery: Delivery, key: Sequence[str], event_time: str, policy: Policy
) -> dict[str, Any] | None:
    """Put a delivery into the table; whole or not at all, whoever else does so at the same time.

    Returns
    -------
    dict, optional
        What was recorded: rows, new, duplicate, corrected, changes of columns. None: it is in already.

    Raises
    ------
    StepError
        When a column is missing or refused, a key is missing or ambiguous, or the table cannot be used.
    """
    return again_while_others_commit(lambda: _deliver(location, delivery, key, event_time, policy))


def _deliver(
    location: Location, delivery: Delivery, key: Sequence[str], event_time: str, policy: Policy
) -> dict[str, Any] | None:
    table = RawTable.create(location, key, event_time)
    past = table.deliveries()
    if any((record["delivery"], record["content"]) == (delivery.name, delivery.content) for record in past):
        return None
    since = delivery.known_since.isoformat()
    before = join_all(record["kinds"] for record in past if record["known_since"] <= since)
    rows, kinds, told = fit(delivery.name, delivery.rows, delivery.kinds, before, policy)
    _check_rows(rows, [*key, event_time], delivery.name)
    stored, table = _widen(table, kinds, join_all(record["kinds"] for record in past), delivery.name)
    rows = rows.assign(**{DIGEST: raw_rows.binary_digests(raw_columns.row_digests(rows))})
    try:
        changes = _changes(table, rows, delivery, stored)
    except step.StepError as error:
        raise step.StepError(f"{error}{_other_columns(past, delivery, kinds)}") from error
    counts = {name: getattr(changes, name) for name in ("rows", "new", "duplicate", "corrected")}
    record = {"delivery": delivery.name, "known_since": since, "content": delivery.content, **counts}
    record |= {"kinds": kinds, "changes": told, **delivery.found}
    versions = raw_rows.to_arrow(changes.versions, stored)
    remaining = _after(table.arrow([DIGEST, SINCE]), versions)
    record["digests"] = raw_rows.recorded_digests(remaining, _in_order([*past, record]), since)
    _commit(table, changes, versions, record)
    return record


def _other_columns(past: Sequence[Mapping[str, Any]], delivery: Delivery, kinds: Mapping[str, str]) -> str:
    """Return the advice where what is known since the same time has other columns, else nothing."""
    before = [one for one in past if one["known_since"] == delivery.known_since.isoformat()]
    known = set(before[-1]["kinds"]) if before else set(kinds)
    changed = {"new": sorted(set(kinds) - known), "gone": sorted(known - set(kinds))}
    told = "; ".join(f"{word}: {step.listing(names)}" for word, names in changed.items() if names)
    advice = "where its source is made in another way since then, collect it into a new raw table"
    return f". That was collected with other columns ({told}): {advice}" if told else ""


def _check_rows(rows: pd.DataFrame, names: Sequence[str], delivery: str) -> None:
    """Raise a StepError when a column of the key or the event time is missing, or has no value in a row."""
    require_columns(rows, names, f"delivery {delivery}")
    reserved = [name for name in (*BOOKKEEPING, MATCH) if name in rows]
    if reserved:
        raise step.StepError(f"delivery {delivery}: column {reserved[0]!r} is the raw table's own: rename it")
    for name in names:
        lacking = rows.index[rows[name].isna()]
        if len(lacking):
            which = step.listing([number + 1 for number in lacking])
            problem = f"column {name!r} of the key or event time has no value in row {which}"
            raise step.StepError(f"delivery {delivery}: {problem}: fill it in, or leave these rows out")


def _widen(
    table: RawTable, kinds: Mapping[str, str], known: Mapping[str, str], delivery: str
) -> tuple[dict[str, str], RawTable]:
    """Store columns as the kind that holds old and new values; return the stored kinds, and the table then.

    It changes no value, so it is a commit of its own.
    """
    stored = raw_rows.stored_kinds(table.schema)
    wanted = join_all([stored, {name: kind.removeprefix("zoned ") for name, kind in kinds.items()}])
    for name, kind in kinds.items():
        if {known.get(name), kind} == {"time", "zoned time"}:
            mixed = f"column {name!r} has times {'with' if kind != 'time' else 'without'} a zone, and earlier"
            raise step.StepError(f"delivery {delivery}: {mixed} deliveries the other: write them one way")
    wider = {name: wanted[name] for name in stored if wanted[name] != stored[name]}
    if wider:
        rows = table.arrow()
        for name, kind in wider.items():
            column = raw_rows.to_frame(rows.select([name]))[name]
            array = pa.array(
                _lossless(column, kind, delivery), raw_columns.arrow_type(kind), from_pandas=True
            )
            rows = rows.set_column(rows.schema.get_field_index(name), name, array)
        with noticing_commits(table):
            properties = table.commit({"widened": wider})
            write_deltalake(
                table.delta, rows, mode="overwrite", schema_mode="overwrite", commit_properties=properties
            )
        table = RawTable.existing(table.location)
    return {name: kind for name, kind in wanted.items() if kind != EMPTY}, table


def _lossless(column: pd.Series, kind: str, delivery: str) -> pd.Series:
    wide = raw_columns.converted(column, kind)
    if kind == "float" and not (wide.dropna() == column.dropna()).all():
        problem = f"column {column.name!r} holds whole numbers too large to become decimals"
        raise step.StepError(f"delivery {delivery}: {problem}: deliver it as text from the first delivery on")
    return wide


def _changes(
    table: RawTable, rows: pd.DataFrame, delivery: Delivery, stored: Mapping[str, str]
) -> raw_versions.Changes:
    """Return what the rows change; values of known versions are read only where they are needed."""
    schema, keys = table.schema, rows[table.key]
    narrow = pa.schema([field for field in schema if field.name in {*table.key, *BOOKKEEPING}])
    for columns in (narrow, schema):
        known = _known_versions(table, keys, stored, columns)
        changes = raw_versions.changes(known, rows, table.key, delivery.known_since, delivery.name)
        if not changes.splits:
            break
    return changes


def _known_versions(
    table: RawTable, keys: pd.DataFrame, stored: Mapping[str, str], schema: pa.Schema
) -> pd.DataFrame:
    """Return the columns of `schema` of all versions of the delivered keys."""
    if any(name not in schema.names for name in keys.columns):
        return raw_rows.to_frame(schema.empty_table())
    types = {name: raw_columns.arrow_type(stored[name]) for name in keys.columns}
    delivered = pa.table(
        {
            name: pa.array(raw_columns.converted(keys[name], stored[name]), types[name])
            for name in keys.columns
        }
    )
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in keys.columns)
    with duckdb.connect() as connection, noticing_commits(table):
        connection.register("known", table.batches(schema.names))
        connection.register("delivered", delivered)
        try:
            rows = connection.sql(f"SELECT known.* FROM known SEMI JOIN delivered USING ({names})")
            return raw_rows.to_frame(rows.to_arrow_table().cast(schema))
        except duckdb.Error as error:  # a file is not there any more, or broken
            raise OSError(str(error)) from error


def _after(stored: pa.Table, versions: pa.Table) -> pa.Table:
    """Return digests and times of all versions after the commit."""
    changed = versions.select([DIGEST, SINCE])
    moved = versions.select([DIGEST, MATCH]).rename_columns([DIGEST, SINCE]).drop_null()
    return pa.concat_tables([stored.join(moved, [DIGEST, SINCE], join_type="left anti"), changed])


def _in_order(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(records, key=lambda record: (record["known_since"], record["delivery"]))


def _commit(table: RawTable, changes: Changes, versions: pa.Table, record: Mapping[str, Any]) -> None:
    """Append what is new, merge where known versions change: one commit, with the record in it."""
    properties = table.commit(record)
    with noticing_commits(table):
        if changes.versions[MATCH].isna().all():
            rows = versions.drop_columns([MATCH])
            write_deltalake(
                table.delta, rows, mode="append", schema_mode="merge", commit_properties=properties
            )
            return
        names = [*table.key]
        same = " AND ".join(f'target."{name}" = source."{name}"' for name in names)
        merge = table.delta.merge(
            versions,
            f"{same} AND target.{SINCE} = source.{MATCH}",
            source_alias="source",
            target_alias="target",
            merge_schema=True,
            commit_properties=properties,
        )
        updated = {name: f"source.{name}" for name in BOOKKEEPING if name != DIGEST}
        merge.when_matched_update(updated).when_not_matched_insert_all(except_cols=[MATCH]).execute()
