"""Decisions of the trigger as files: what was known, the table of reasons, and what training came to."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from operation.engine.configuration.models import Monitor
from operation.engine.foundation import manifest
from operation.engine.foundation.layout import Layout
from operation.engine.monitoring.trigger import Check, Signals, decide, reasons

CHECK, TRAINING = ".check.json", ".training.json"
Record = dict[str, Any]


def folder_of(layout: Layout, use_case: str, environment: str) -> Path:
    """Return the folder of the decisions of a use case in an environment."""
    return layout.runs / "monitor" / f"{use_case}-{environment}"


def decided(settings: Monitor, signals: Signals, past: Sequence[Check]) -> Record:
    """Return the decision as it is recorded."""
    table = reasons(settings, signals, past)
    train, sentence = decide(table)
    known = {**asdict(signals), "time": _text(signals.time), "since": _text(signals.since)}
    return {
        "schema": 1,
        "time": _text(signals.time),
        "signals": {**known, "seen": sorted(signals.seen)},
        "reasons": [reason._asdict() for reason in table],
        "train": train,
        "reason": sentence,
    }


def write(folder: Path, record: Record) -> str:
    """Write a decision, and return the digest of its file, which goes into the ledger."""
    file = folder / f"{_stamp(record)}{CHECK}"
    manifest.write(file, record)
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write_training(folder: Path, record: Record, outcome: Mapping[str, Any]) -> None:
    """Write what the training that a decision began has come to, and what it took."""
    manifest.write(folder / f"{_stamp(record)}{TRAINING}", outcome)


def read(folder: Path) -> list[Check]:
    """Return the decisions in a folder, oldest first."""
    return [_check(file) for file in sorted(folder.glob(f"*{CHECK}"))]


def _check(file: Path) -> Check:
    record = json.loads(file.read_text(encoding="utf-8"))
    training = manifest.read(file.with_name(file.name.removesuffix(CHECK) + TRAINING)) or {}
    signals = record["signals"]
    time = datetime.fromisoformat(record["time"])
    return Check(
        time, signals["rows"], frozenset(signals["seen"]), bool(training), training.get("cpu_minutes", 0.0)
    )


def _stamp(record: Record) -> str:
    """Return the time of a decision as the name of a file; names sort as times do."""
    return f"{datetime.fromisoformat(record['time']):%Y%m%dT%H%M%S%f}"


def _text(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
