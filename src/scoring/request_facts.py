"""What a model's facts say of requests: columns and their ranges, rules, and what is looked up."""

from __future__ import annotations

import argparse
from typing import Any

import pandas as pd

from modelling.features import FeatureSpec
from scoring import row_schema
from tabular.consequences import read_related
from tabular.feature_store import keys
from tabular.request_rules import request_rules
from tabular.schemas import TableSchema, read_schema, request_limits


def request_facts(
    table: pd.DataFrame, spec: FeatureSpec, looked_up: dict[str, Any] | None, args: argparse.Namespace
) -> dict[str, Any]:
    """Return what model.json says of requests, and tell which rules of the schema one row cannot break.

    Parameters
    ----------
    table : DataFrame
        The training rows.
    spec : FeatureSpec
        Fitted.
    looked_up : dict, optional
        Feature tables that prepare joined.
    args : Namespace
        Of `request_arguments`.
    """
    schema = schema_of(args)
    limits = request_limits(schema) if schema else {}
    facts: dict[str, Any] = {"schema": row_schema.describe(table, spec, args.range_margin, limits)}
    if schema:
        kinds = {name: column["kind"] for name, column in facts["schema"].items()}
        facts["rules"], unchecked = request_rules(schema, kinds, read_related(args.related))
        if unchecked:
            print(f"not checked in requests, for one row does not tell: {', '.join(unchecked)}")
    if looked_up:
        facts["lookup_schema"] = row_schema.describe_keys(table, keys(looked_up))
    return facts


def private_columns(args: argparse.Namespace) -> set[str]:
    """Return the columns that the schema calls private."""
    schema = schema_of(args)
    return set(schema.extras.private) if schema else set()


def schema_of(args: argparse.Namespace) -> TableSchema | None:
    """Return the schema that --schema names."""
    return read_schema(args.schema) if args.schema else None
