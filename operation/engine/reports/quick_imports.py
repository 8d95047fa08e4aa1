"""Imports of the notebook libraries without the three quarters of their time that nobody needs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_GRAMMAR = "rfc3987_syntax"


@contextmanager
def without_iri_grammar() -> Iterator[None]:
    """Import nbformat, nbclient, nbconvert or papermill in here.

    jsonschema, which all of them import, imports ``rfc3987_syntax`` when it is installed, and that builds
    a grammar for more than a second. Only the check of the format "iri" is lost; no notebook has one.
    """
    if _GRAMMAR in sys.modules:
        yield
        return
    sys.modules[_GRAMMAR] = None  # type: ignore[assignment]  # the documented way to make an import fail
    try:
        yield
    finally:
        del sys.modules[_GRAMMAR]
