"""Python source as a syntax tree, also when several threads ask for one at once."""

import ast
from threading import RLock

_ONE_AT_A_TIME = RLock()


def parse(source: str | bytes, filename: str = "<unknown>") -> ast.Module:
    """Return what `ast.parse` gives. Before Python 3.11.8 threads break each other's trees (gh-106905)."""
    with _ONE_AT_A_TIME:
        return ast.parse(source, filename=filename)
