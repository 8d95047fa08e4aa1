"""A workspace's champion and that of the environment's MLflow registry: two, in one ledger."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from operation.engine import configuration
from operation.engine.evidence.ledger import ledger_file, support
from operation.engine.foundation.layout import Layout
from operation.execution.registered_models import place

ROOT = Path(__file__).resolve().parents[3]


class Registry:
    """A registry whose only version may be the champion."""

    def __init__(self) -> None:
        self.of: tuple[str | None, str | None] = (None, None)

    def champion(self) -> tuple[str | None, str | None]:
        """Return version and digest."""
        return self.of

    def point(self, alias: str, version: str) -> None:
        """Make the version the champion."""
        self.of = (version, "d" * 64)

    def remember(self, head: str) -> None:
        """Forget it."""


def test_a_workspace_and_a_registry_have_champions_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    layout = Layout(ROOT, tmp_path)
    configured = configuration.load("TEST", "flights", layout)
    champion = support(layout.src).champion
    there = place(layout, configured, cast("Any", SimpleNamespace(name="amltest")), "flights")
    here = champion.Place(ledger_file(layout, configured), "TEST", "flights")
    champion.change(there, Registry(), "promoted", "d" * 64, reason="accepted", expected=0, version="1")
    there.record_decision("e" * 64, True, "better", None)
    assert champion.settle(here, Registry()) == 0
    assert here.served() is None
    assert there.served()["model"] == "amltest/flights"
    assert here.decision("e" * 64)["event"] == "accepted"  # a gate's decision is of the environment
    assert capsys.readouterr().err == ""
