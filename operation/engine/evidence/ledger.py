"""The ledger as the Core Scripts keep it: their own code, loaded from ``src/``, for commands and pages."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from operation.engine.configuration import Configuration
from operation.engine.foundation.errors import StepFailed, WorkbenchError
from operation.engine.foundation.layout import Layout
from operation.engine.identity.loading import sibling_imports


def ledger_file(layout: Layout, configured: Configuration) -> Path:
    """Return the ledger that the steps of a use case name, else the one in ``runs/``."""
    named = [step.arguments["ledger"] for step in configured.steps.values() if "ledger" in step.arguments]
    return layout.root / layout.in_runs(str(named[0])) if named else layout.runs / "ledger.jsonl"


@cache
def support(src: Path, name: str = "promotion") -> Any:
    """Return a module of ``src/support``; `promotion` knows `champion` and `ledger`."""
    with sibling_imports(src):
        return importlib.import_module(f"support.{name}")


@contextmanager
def step_errors() -> Iterator[None]:
    """Raise an error of a Core Script as one of the workbench, with its message."""
    try:
        yield
    except WorkbenchError:
        raise
    except Exception as error:
        if not hasattr(error, "exit_code"):
            raise
        raise StepFailed(str(error)) from error
