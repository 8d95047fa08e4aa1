"""Decisions are files: what was decided is read again as the past of the next one."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from operation.engine.configuration.models import Monitor
from operation.engine.monitoring import checks
from operation.engine.monitoring.trigger import Check, Signals

TIME = datetime(2026, 7, 31, 12, tzinfo=UTC)


def test_a_decision_is_the_past_of_the_next_one(tmp_path: Path) -> None:
    first = checks.decided(Monitor(), Signals(TIME, 2000, 2000), [])
    assert (first["train"], first["reason"]) == (True, "Train: no model serves yet.")
    digest = checks.write(tmp_path, first)
    (file,) = tmp_path.iterdir()
    assert digest == hashlib.sha256(file.read_bytes()).hexdigest()
    assert checks.read(tmp_path) == [Check(TIME, 2000, frozenset(), trained=False)]
    checks.write_training(tmp_path, first, {"outcome": "rejected", "cpu_minutes": 2.5})
    assert checks.read(tmp_path) == [Check(TIME, 2000, frozenset(), trained=True, cpu_minutes=2.5)]


def test_decisions_are_in_the_order_of_their_times(tmp_path: Path) -> None:
    drifted = Signals(TIME.replace(month=8), 3000, 3000, "a" * 64, TIME, "drift", ("output probability",))
    for signals in (drifted, Signals(TIME, 2000, 2000)):
        checks.write(tmp_path, checks.decided(Monitor(), signals, []))
    assert [(check.rows, check.seen) for check in checks.read(tmp_path)] == [
        (2000, frozenset()),
        (3000, frozenset(["drift"])),
    ]
