"""Imports of the notebook libraries without three quarters of their time."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

_GRAMMAR = "rfc3987_syntax"


@contextmanager
def without(modules: Iterable[str]) -> Iterator[None]:
    """Let the import of `modules` fail in here as where they are not installed; imported ones stay."""
    blocked = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(blocked))  # type: ignore[arg-type]  # None: the documented way
    try:
        yield
    finally:
        for name in blocked:
            del sys.modules[name]


def without_iri_grammar() -> AbstractContextManager[None]:
    """Import nbformat, nbclient, nbconvert or papermill in here.

    jsonschema, which all of them import, imports ``rfc3987_syntax`` when it is installed, and that builds
    a grammar for more than a second. Only the check of the format "iri" is lost; no notebook has one.
    """
    return without([_GRAMMAR])
