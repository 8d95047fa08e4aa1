"""A challenger deployed again and again: the first model, one that answers already, a new one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from operation.engine.configuration.models import AksDeployment
from operation.execution.services import deploy, endpoint

SETTINGS = AksDeployment.model_construct(kind="aks")


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a deployment of version 2, whose endpoint only says what would be done."""
    monkeypatch.setattr(endpoint, "deploy", lambda *_: "deployed")
    monkeypatch.setattr(endpoint, "challenge", lambda _, __, share: f"challenges with {share}")
    monkeypatch.setattr(endpoint, "version_name", lambda _: "v2")
    monkeypatch.setattr(endpoint, "default", lambda service: service)
    target = SimpleNamespace(settings=SETTINGS)
    return SimpleNamespace(workspace=None, name="flights", model="flights:2", target=target, say=print)


@pytest.mark.parametrize(
    ("champion", "done"), [(None, "deployed"), ("v2", "v2"), ("v1", "challenges with 0.1")]
)
def test_it_is_repeatable(
    champion: str | None, done: str, deployment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deploy, "find", lambda *_: champion)
    assert deploy.challenge(deployment, 0.1, if_new=True) == done
    assert deploy.challenge(deployment, 0.1) == "challenges with 0.1"
