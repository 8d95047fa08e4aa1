"""The operating system's environment of this process, changed for a while: children inherit it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def surroundings(variables: Mapping[str, str], *, alone: bool = False) -> Iterator[None]:
    """Set `variables`, beside those there are or `alone`, and put everything back at the end."""
    before = dict(os.environ)
    if alone:
        os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
