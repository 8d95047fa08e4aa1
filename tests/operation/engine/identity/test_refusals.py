"""A value given in a call takes the place of configured ones that it excludes."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from operation.engine.identity.contract import read_contract
from operation.engine.identity.refusals import excluded

SCRIPT = '''
    """Read from one of several places."""
    import argparse

    def build_parser():
        parser = argparse.ArgumentParser()
        add = parser.add_mutually_exclusive_group(required=True).add_argument
        add("--file")
        add("--names", nargs="+")
        add("--rows", type=int)
        add("--all", action=argparse.BooleanOptionalAction, default=False)
        parser.add_argument("--needed", required=True)
        parser.add_argument("--scale", type=float, default=1.0)
        return parser
'''
CONFIGURED = {"file": "a.csv", "needed": "x", "scale": 2}


@pytest.mark.parametrize(
    ("given", "out"),
    [
        ({}, set()),
        ({"scale": 3}, set()),
        ({"file": "b.csv"}, set()),
        ({"names": ["a", "b"]}, {"file"}),
        ({"rows": 5, "scale": 1}, {"file"}),
        ({"all": True}, {"file"}),
        ({"rows": "many"}, set()),  # wrong by itself, which is told elsewhere
        ({"rows": 5, "names": ["a"]}, set()),  # exclude each other
    ],
)
def test_what_is_excluded(given: dict[str, object], out: set[str], tmp_path: Path) -> None:
    (tmp_path / "read.py").write_text(dedent(SCRIPT), encoding="utf-8")
    assert excluded(read_contract(tmp_path / "read.py"), given, CONFIGURED) == out
