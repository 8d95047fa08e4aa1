"""What the process that logs to MLflow says is kept without secrets, and that it failed is told."""

from __future__ import annotations

import pytest

from operation.engine.configuration import Configuration
from operation.engine.foundation.layout import Layout
from operation.engine.runs.tracking import Tracker


def test_the_log_of_what_failed_holds_no_password(tiny: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    uri = "nowhere://someone:pa55-of-someone@example.org/store"
    configured = Configuration("DEV", {"TRACKINGURI": uri}, "tiny", "", (), {}, "")
    with Tracker(tiny, configured) as tracker:
        tracker.log(tiny.runs / "manifest.json")
    log = tiny.runs / "tracking.log"
    assert f"not everything was logged to MLflow; see {log}" in capsys.readouterr().err
    text = log.read_text(encoding="utf-8")
    assert "nowhere://someone:" in text
    assert "pa55" not in text
