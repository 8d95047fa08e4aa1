"""What requests of a model are checked against, as arguments of a Core Script that trains."""

from __future__ import annotations

import argparse

from support import step


def add_request_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare ranges and schema."""
    add = parser.add_argument
    margin = (
        "how far outside the training range a request value may be, as a multiple of that range (default: 3)"
    )
    add("--range-margin", type=float, default=3.0, help=margin)
    schema = "schema of the table: its ranges, categories, patterns and rules hold for requests too"
    add("--schema", type=step.input_path, help=schema)
    related = "folder of the tables that the schema's references name: they then hold for requests too"
    add("--related", type=step.input_path, help=related)
