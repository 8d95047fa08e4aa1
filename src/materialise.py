"""Materialise: make a feature table as its definition says, for training, batches and online look-up."""

from __future__ import annotations

import argparse
import os
import shutil
from collections.abc import Sequence
from inspect import signature
from pathlib import Path
from typing import Any

import pandas as pd

from modelling.feature_tables import FUNCTIONS
from scoring import online_features
from support import step
from tabular import tables
from tabular.feature_definition import Definition, read_definition
from tabular.feature_store import names_in
from tabular.feature_table import FeatureTable


def build_parser() -> argparse.ArgumentParser:
    """Return the parser: the contract of this script."""
    parser = argparse.ArgumentParser(description="Make a feature table as its definition says.")
    add = parser.add_argument
    add("--table", type=step.input_path, required=True, help="source of the features")
    add("--definition", type=step.input_path, required=True, help="definition of the feature table, YAML")
    beside = "feature tables that an earlier materialise wrote: the output holds them too"
    add("--beside", type=step.input_path, help=beside)
    output = "output folder: a folder with the feature table, its definition and online.sqlite; metrics.json"
    add("--feature-tables", type=step.output_path, required=True, help=output)
    parser.set_defaults(describe_definition=describe_definition)
    return parser


def describe_definition(file: Path) -> dict[str, Any]:
    """Return a definition as JSON, for who lists and checks them without making a table."""
    from tabular import feature_definition  # here: who reads the parser alone does not pay for it

    return feature_definition.read_definition(file).to_dict()


def rows_of(definition: Definition, source: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a feature table: those of the source, or what the definition's function makes of it.

    Raises
    ------
    StepError
        When there is no such function, or it does not take these parameters.
    """
    if not definition.function:
        return source
    where = f"feature table {definition.name!r}"
    if definition.function not in FUNCTIONS:
        near = step.nearest(definition.function, FUNCTIONS)
        known = f"those of src/modelling/feature_tables.py are: {step.listing(sorted(FUNCTIONS))}"
        raise step.StepError(f"{where}: there is no function {definition.function!r}{near}; {known}")
    function = FUNCTIONS[definition.function]
    try:
        signature(function).bind(source, **definition.parameters)
    except TypeError as error:
        raise step.StepError(f"{where}: parameters of {definition.function}: {error}") from None
    return function(source, **definition.parameters)


def copy_beside(folder: Path, target: Path, name: str) -> None:
    """Copy the other feature tables of a folder, as hard links where the disk allows it."""
    for other in names_in(folder):
        if other == name:
            raise step.StepError(
                f"{folder} holds feature table {name!r} already: leave out --beside, or rename it"
            )
        shutil.copytree(folder / other, target / other, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def main(argv: Sequence[str] | None = None) -> None:
    """Read, make, write."""
    args = build_parser().parse_args(argv)

    definition = read_definition(args.definition)
    table = FeatureTable.of(rows_of(definition, tables.read_table(args.table)), definition)
    with step.new_folder(args.feature_tables) as folder:
        if args.beside:
            copy_beside(args.beside, folder, definition.name)
        written = table.write(folder / definition.name)
        online_features.write(written, folder / definition.name)
        entities = table.rows.select(definition.entity).group_by(definition.entity).aggregate([]).num_rows
        step.log_metrics(folder, {"rows": table.rows.num_rows, "entities": entities})
    print(f"materialised {definition.name} version {definition.version}: {table.rows.num_rows} rows")


if __name__ == "__main__":
    step.run_script(main)
