"""Ingest: the first step of a project that is only ever checked, never executed."""

from __future__ import annotations

import argparse

import utils


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = argparse.ArgumentParser(description="Read a sample or files.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--sample", choices=["nycflights13", "diabetes"], help="a data set")
    source.add_argument("--data", type=utils.input_path, help="a file")
    parser.add_argument("--sample-rows", type=int, help="rows at most")
    parser.add_argument("--period-from", help="first day")
    parser.add_argument("--table", type=utils.output_path, required=True, help="folder for the table")
    return parser
