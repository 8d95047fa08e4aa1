"""Deployments: which one is meant, and every mistake in its file with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from operation.engine.configuration import Configuration
from operation.engine.configuration.models import AciDeployment, AksDeployment
from operation.engine.configuration.targets import DEPLOYMENTS, chosen_deployment
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout

AKS = "kind: aks\ncluster: aks-lab\n"
FILE = "configuration/deployment/live.yml"
NOT_SHOWN = (
    "'secrets': expected keyvault:<name> or environment:<NAME>, where the value is kept; the value "
    "is not shown, in case it is a secret."
)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def written(layout: Layout, text: str, name: str = "live") -> Layout:
    path = layout.configuration / "deployment" / f"{name}.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return layout


def configured(use_case: str = "flights", **variables: Any) -> Configuration:
    return Configuration("PROD", variables, use_case, "", (), {}, "")


def test_references_are_resolved_and_numbers_may_be_whole(layout: Layout) -> None:
    text = "kind: aks\ncluster: aks-$(NAMESPACE)\ncpu-cores: 2\ntags: {stage: $(STAGE)}\n"
    settings, problems = DEPLOYMENTS.read(written(layout, text), "live", {"NAMESPACE": "lab", "STAGE": "x"})
    assert problems == []
    assert isinstance(settings, AksDeployment)
    assert (settings.cluster, settings.cpu_cores, settings.tags) == ("aks-lab", 2.0, {"stage": "x"})


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("kind: ask\n", 1, "'kind': expected one of aci or aks, found 'ask'. Did you mean 'aks'?"),
        (
            "kind: aks\n",
            1,
            "key 'cluster' is missing in a deployment of kind aks: add a line 'cluster: ...'.",
        ),
        (
            "kind: aci\nmemory: 2\n",
            2,
            "unknown key 'memory' in a deployment of kind aci: expected environment, service, cpu-cores, "
            "memory-gb, app-insights, tags, secrets, kind or auth. Did you mean 'memory-gb'?",
        ),
        ("kind: aci\ncpu-cores: 0\n", 2, "'cpu-cores': expected more than 0, found 0."),
        ("kind: aci\ncpu-cores: many\n", 2, "'cpu-cores': expected a number, found 'many'."),
        ("kind: aci\nauth: token\n", 2, "'auth': expected 'key' or 'none', found 'token'."),
        ("kind: aci\napp-insights: 1\n", 2, "'app-insights': expected true or false, found 1."),
        ("kind: aci\ntags:\n  stage: a\n  level: 3\n", 4, "'tags.level': expected text, found 3."),
        (
            "kind: aci\ntags: many\n",
            2,
            "'tags': expected a mapping, lines such as 'name: value', found 'many'.",
        ),
        ("kind: aci\nsecrets:\n  SALT: hunter2\n", 3, NOT_SHOWN),
        (
            "kind: aci\ntags:\n  api-key: abcdef\n",
            3,
            "'tags.api-key' looks like a secret, by its name 'api-key' (not shown): Git keeps configuration "
            "files. Remove it, renew it, and keep it in a key vault or in a secret variable "
            "of the pipeline.",
        ),
        (
            f"{AKS}min-replicas: 5\nmax-replicas: 4\n",
            4,
            "'max-replicas': expected 5 or more, as 'min-replicas' says, found 4.",
        ),
        (
            "kind: aci\nservice: Flights\n",
            2,
            "'service': 'Flights' (7 characters) is not a valid name for a service: expected 3 to "
            "27 lower-case letters, digits or '-', the first a letter, the last a letter or digit. "
            "Choose another.",
        ),
        (
            "kind: aks\ncluster: $(CLUSTER)\n",
            2,
            "$(CLUSTER) is undefined: the environment declares no variable of that name.",
        ),
    ],
)
def test_each_mistake_is_told_with_its_line(layout: Layout, text: str, line: int, message: str) -> None:
    settings, problems = DEPLOYMENTS.read(written(layout, text), "live", {})
    assert settings is None
    assert [str(one) for one in problems] == [f"{FILE}:{line}: {message}"]


def test_the_environment_s_variable_chooses(layout: Layout) -> None:
    written(layout, AKS)
    written(layout, "kind: aci\n", "aci")
    assert chosen_deployment(layout, configured(DEPLOYMENT="live")).name == "live"
    assert isinstance(chosen_deployment(layout, configured()).settings, AciDeployment)
    assert chosen_deployment(layout, configured(), "live").name == "live"


def test_the_service_is_called_as_the_use_case_unless_its_file_says_otherwise(layout: Layout) -> None:
    written(layout, "kind: aci\n", "aci")
    written(layout, "kind: aci\nservice: late\n")
    assert chosen_deployment(layout, configured("late_flights"), "aci").service == "late-flights"
    assert chosen_deployment(layout, configured("late_flights"), "live").service == "late"
    with pytest.raises(UsageError) as caught:
        chosen_deployment(layout, configured("x"), "aci")
    assert str(caught.value) == (
        "'x' (1 character) is not a valid name for a service: expected 3 to 27 "
        "lower-case letters, digits or '-', the first a letter, the last a letter or digit. "
        "It is the use case's: add a line "
        "'service: ...' to configuration/deployment/aci.yml."
    )


def test_an_unknown_deployment_is_told_with_the_nearest(layout: Layout) -> None:
    written(layout, AKS)
    with pytest.raises(UsageError) as caught:
        chosen_deployment(layout, configured(DEPLOYMENT="life"))
    assert str(caught.value) == (
        "unknown deployment 'life' (DEPLOYMENT of environment PROD): there is no "
        "configuration/deployment/life.yml. Did you mean 'live'? Known: live."
    )


def test_those_that_ship_are_sound() -> None:
    assert list(DEPLOYMENTS.problems(Layout(Path(__file__).resolve().parents[4]))) == []
