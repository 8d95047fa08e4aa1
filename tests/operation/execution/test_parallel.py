"""Shares of a step as mini-batches: what cannot be shared is refused before anything is submitted."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from operation.engine import configuration
from operation.engine.configuration.models import ClusterCompute, LocalCompute
from operation.engine.foundation.errors import UsageError
from operation.execution import parallel
from tests.operation.execution import small

LOCAL = LocalCompute(kind="local")
CLUSTER = ClusterCompute.model_validate({"kind": "amlcompute", "vm-size": "STANDARD_DS3_V2"})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            LocalCompute(kind="local"),
            "--as parallel needs nodes. Name a cluster, such as --compute cpu-cluster.",
        ),
        (CLUSTER, "count.py has no --share and --known: use --as script."),
    ],
    ids=["local", "cluster"],
)
def test_what_cannot_be_shared_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any, message: str
) -> None:
    layout = small.build(tmp_path / "small")
    monkeypatch.setenv("WORKBENCH_ROOT", str(layout.root))
    configured = configuration.load(layout=layout)
    remote = Mock(layout=layout, configured=configured, compute=Mock(settings=settings))
    with pytest.raises(UsageError) as refused:
        parallel.execute(remote, "count")
    assert str(refused.value) == message
