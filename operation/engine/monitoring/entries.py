"""The trigger's entries in the ledger, and what the ledger says of the model that serves."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from operation.engine.configuration import Configuration
from operation.engine.foundation.errors import StepFailed
from operation.engine.foundation.layout import Layout
from operation.engine.identity.loading import sibling_imports
from operation.engine.monitoring.training import registering


@contextmanager
def _ledger(layout: Layout) -> Iterator[Any]:
    """Import the ledger of the Core Scripts; what it refuses is one message."""
    with sibling_imports(layout.src):
        module = importlib.import_module("support.ledger")
        try:
            yield module
        except module.StepError as error:
            raise StepFailed(str(error)) from error


def _file(layout: Layout, configured: Configuration) -> Path:
    """Return the ledger that the registering step names, else the one in ``runs/``."""
    return layout.root / layout.in_runs(
        str(registering(configured).arguments.get("ledger", "runs/ledger.jsonl"))
    )


def serving(configured: Configuration, layout: Layout, time: datetime) -> dict[str, Any] | None:
    """Return the entry of the model that served at a time, None where none did."""
    name = str(registering(configured).arguments["name"])
    with _ledger(layout) as ledger:
        known = ledger.read(_file(layout, configured))
        found: dict[str, Any] | None = ledger.served_at(known, time.isoformat(), configured.environment, name)
    return found


def append_decision(configured: Configuration, layout: Layout, record: dict[str, Any], digest: str) -> None:
    """Append a decision of the trigger, named by the digest of its record."""
    entry = {
        "event": "trigger",
        "environment": configured.environment,
        "model": str(registering(configured).arguments["name"]),
        "model_digest": record["signals"]["champion"],
        "decision_digest": digest,
        "reason": record["reason"],
        "time": record["time"],
    }
    with _ledger(layout) as ledger:
        ledger.append(_file(layout, configured), entry)


def last_digest(configured: Configuration, layout: Layout) -> str:
    """Return the digest of the ledger's last entry, which stands for all of them."""
    with _ledger(layout) as ledger:
        entry = ledger.read(_file(layout, configured))[-1]
    return str(entry["digest"])
