"""The trigger's entries in the ledger, and what the ledger says of the model that serves."""

from datetime import datetime
from typing import Any

from operation.engine.configuration import Configuration
from operation.engine.evidence.ledger import ledger_file, step_errors, support
from operation.engine.foundation.layout import Layout
from operation.engine.monitoring.training import registering


def serving(configured: Configuration, layout: Layout, time: datetime) -> dict[str, Any] | None:
    """Return the entry of the model that served at a time, None where none did."""
    name = str(registering(configured).arguments["name"])
    ledger = support(layout.src, "ledger")
    with step_errors():
        known = ledger.read(ledger_file(layout, configured))
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
    with step_errors():
        support(layout.src, "ledger").append(ledger_file(layout, configured), entry)


def last_digest(configured: Configuration, layout: Layout) -> str:
    """Return the digest of the ledger's last entry, which stands for all of them."""
    with step_errors():
        return str(support(layout.src, "ledger").read(ledger_file(layout, configured))[-1]["digest"])
