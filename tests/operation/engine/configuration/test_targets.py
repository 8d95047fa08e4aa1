"""Computes and deployments: which one is meant, and every mistake in its file with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from operation.engine.configuration import Configuration
from operation.engine.configuration.models import (
    AciDeployment,
    AksDeployment,
    ClusterCompute,
    RemoteCompute,
)
from operation.engine.configuration.targets import COMPUTES, DEPLOYMENTS, chosen_compute, chosen_deployment
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout

FOLDERS: dict[str, Any] = {"compute": COMPUTES, "deployment": DEPLOYMENTS}
SHIPPED = Layout(Path(__file__).resolve().parents[4])
ACI = "kind: aci\n"
AKS = "kind: aks\ncluster: aks-lab\n"
CLUSTER = "kind: amlcompute\nvm-size: STANDARD_DS3_V2\n"
UNDEFINED = "is undefined: the environment declares no variable of that name."


def written(layout: Layout, folder: str, text: str, name: str = "live") -> Layout:
    path = layout.configuration / folder / f"{name}.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return layout


def configured(use_case: str = "flights", **variables: Any) -> Configuration:
    return Configuration("PROD", variables, use_case, "", (), {}, "")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def test_references_of_a_compute_are_resolved(layout: Layout) -> None:
    text = "kind: remote\naddress: vm-$(NAMESPACE).example.com\nusername: me\nprivate-key-file: ~/.ssh/id\n"
    settings, problems = COMPUTES.read(written(layout, "compute", text), "live", {"NAMESPACE": "lab"})
    assert problems == []
    assert isinstance(settings, RemoteCompute)
    assert (settings.address, settings.environment) == ("vm-lab.example.com", "training")


def test_references_of_a_deployment_are_resolved_and_numbers_may_be_whole(layout: Layout) -> None:
    text = "kind: aks\ncluster: aks-$(NAMESPACE)\ncpu-cores: 2\ntags: {stage: $(STAGE)}\n"
    variables = {"NAMESPACE": "lab", "STAGE": "x"}
    settings, problems = DEPLOYMENTS.read(written(layout, "deployment", text), "live", variables)
    assert problems == []
    assert isinstance(settings, AksDeployment)
    assert (settings.cluster, settings.cpu_cores, settings.tags) == ("aks-lab", 2.0, {"stage": "x"})


def test_what_is_not_said_has_a_default(layout: Layout) -> None:
    settings, _ = COMPUTES.read(written(layout, "compute", CLUSTER), "live", {})
    assert isinstance(settings, ClusterCompute)
    assert (settings.min_nodes, settings.max_nodes, settings.priority) == (0, 1, "dedicated")


MISTAKES = [
    "compute|kind: amlcomput\n|1|'kind': expected one of local, amlcompute, remote or hdinsight, found "
    "'amlcomput'. Did you mean 'amlcompute'?",
    "compute|size: big\n|1|'kind': expected one of local, amlcompute, remote or hdinsight.",
    "compute|kind: amlcompute\n|1|key 'vm-size' is missing in a compute of kind amlcompute: add a line "
    "'vm-size: ...'.",
    f"compute|{CLUSTER}max-node: 3\n|3|unknown key 'max-node' in a compute of kind amlcompute: expected "
    "environment, kind, vm-size, min-nodes, max-nodes, idle-seconds-before-scaledown or priority. Did you "
    "mean 'max-nodes'?",
    f"compute|{CLUSTER}max-nodes: many\n|3|'max-nodes': expected a whole number, found 'many'.",
    f"compute|{CLUSTER}max-nodes: 0\n|3|'max-nodes': expected 1 or more, found 0.",
    f"compute|{CLUSTER}priority: cheap\n|3|'priority': expected 'dedicated' or 'lowpriority', found 'cheap'.",
    f"compute|kind: amlcompute\nvm-size: $(SIZE)\n|2|$(SIZE) {UNDEFINED}",
    "deployment|kind: ask\n|1|'kind': expected one of aci or aks, found 'ask'. Did you mean 'aks'?",
    "deployment|kind: aks\n|1|key 'cluster' is missing in a deployment of kind aks: add a line "
    "'cluster: ...'.",
    f"deployment|{ACI}memory: 2\n|2|unknown key 'memory' in a deployment of kind aci: expected environment, "
    "service, cpu-cores, memory-gb, app-insights, tags, secrets, kind or auth. Did you mean 'memory-gb'?",
    f"deployment|{ACI}cpu-cores: 0\n|2|'cpu-cores': expected more than 0, found 0.",
    f"deployment|{ACI}cpu-cores: many\n|2|'cpu-cores': expected a number, found 'many'.",
    f"deployment|{ACI}auth: token\n|2|'auth': expected 'key' or 'none', found 'token'.",
    f"deployment|{ACI}app-insights: 1\n|2|'app-insights': expected true or false, found 1.",
    f"deployment|{ACI}tags:\n  stage: a\n  level: 3\n|4|'tags.level': expected text, found 3.",
    f"deployment|{ACI}tags: many\n|2|'tags': expected a mapping, lines such as 'name: value', found 'many'.",
    f"deployment|{ACI}secrets:\n  SALT: hunter2\n|3|'secrets': expected keyvault:<name> or "
    "environment:<NAME>, where the value is kept; the value is not shown, in case it is a secret.",
    f"deployment|{ACI}tags:\n  api-key: abcdef\n|3|'tags.api-key' looks like a secret, by its name 'api-key' "
    "(not shown): Git keeps configuration files. Remove it, renew it, and keep it in a key vault or in a "
    "secret variable of the pipeline.",
    f"deployment|{AKS}min-replicas: 5\nmax-replicas: 4\n|4|'max-replicas': expected 5 or more, as "
    "'min-replicas' says, found 4.",
    f"deployment|{ACI}service: Flights\n|2|'service': 'Flights' (7 characters) is not a valid name for a "
    "service: expected 3 to 27 lower-case letters, digits or '-', the first a letter, the last a letter or "
    "digit. Choose another.",
    f"deployment|kind: aks\ncluster: $(CLUSTER)\n|2|$(CLUSTER) {UNDEFINED}",
]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_told_with_its_line(layout: Layout, mistake: str) -> None:
    folder, text, line, message = mistake.split("|")
    settings, problems = FOLDERS[folder].read(written(layout, folder, text), "live", {})
    assert settings is None
    assert [str(problem) for problem in problems] == [f"configuration/{folder}/live.yml:{line}: {message}"]


def test_a_name_that_azure_refuses(layout: Layout) -> None:
    _, problems = COMPUTES.read(written(layout, "compute", CLUSTER, "my_cluster"), "my_cluster", {})
    assert str(problems[0]) == (
        "configuration/compute/my_cluster.yml:1: 'my_cluster' (10 characters) is not a valid name "
        "for a compute: expected 3 to 16 letters, digits or '-', the first a letter, the last a letter or "
        "digit. Rename the file."
    )


def test_the_environment_s_variable_chooses(layout: Layout) -> None:
    written(layout, "compute", CLUSTER)
    written(layout, "compute", "kind: local\n", "local")
    assert chosen_compute(layout, configured(COMPUTE="local")).name == "local"
    assert chosen_compute(layout, configured(COMPUTE="local"), "live").name == "live"
    written(layout, "deployment", AKS)
    written(layout, "deployment", ACI, "aci")
    assert chosen_deployment(layout, configured(DEPLOYMENT="live")).name == "live"
    assert isinstance(chosen_deployment(layout, configured()).settings, AciDeployment)
    assert chosen_deployment(layout, configured(), "live").name == "live"


def test_the_service_is_called_as_the_use_case_unless_its_file_says_otherwise(layout: Layout) -> None:
    written(layout, "deployment", ACI, "aci")
    written(layout, "deployment", "kind: aci\nservice: late\n")
    assert chosen_deployment(layout, configured("late_flights"), "aci").service == "late-flights"
    assert chosen_deployment(layout, configured("late_flights"), "live").service == "late"
    with pytest.raises(UsageError) as caught:
        chosen_deployment(layout, configured("x"), "aci")
    assert str(caught.value) == (
        "'x' (1 character) is not a valid name for a service: expected 3 to 27 lower-case letters, digits or "
        "'-', the first a letter, the last a letter or digit. It is the use case's: add a line "
        "'service: ...' to configuration/deployment/aci.yml."
    )


def test_an_unknown_name_is_told_with_the_nearest(layout: Layout) -> None:
    written(layout, "compute", CLUSTER)
    with pytest.raises(UsageError) as caught:
        chosen_compute(layout, configured(), "liv")
    assert str(caught.value) == (
        "unknown compute 'liv': there is no configuration/compute/liv.yml. Did you mean 'live'? Known: live."
    )
    written(layout, "deployment", AKS)
    with pytest.raises(UsageError) as caught:
        chosen_deployment(layout, configured(DEPLOYMENT="life"))
    assert str(caught.value) == (
        "unknown deployment 'life' (DEPLOYMENT of environment PROD): there is no "
        "configuration/deployment/life.yml. Did you mean 'live'? Known: live."
    )


def test_an_unknown_compute_of_an_environment_has_its_place(good_project: Layout) -> None:
    written(good_project, "compute", CLUSTER)
    file = good_project.configuration / "configuration-DEV.yml"
    file.write_text(f"{file.read_text(encoding='utf-8').rstrip()}\n  COMPUTE: liv\n", encoding="utf-8")
    (problem,) = COMPUTES.problems(good_project, "DEV")
    assert str(problem).endswith(
        "COMPUTE: there is no configuration/compute/liv.yml. Did you mean 'live'? Known: live."
    )


def test_those_that_ship_are_sound() -> None:
    assert COMPUTES.names(SHIPPED) == ["cpu-cluster", "local", "spark-cluster", "virtual-machine"]
    assert [*COMPUTES.problems(SHIPPED), *DEPLOYMENTS.problems(SHIPPED)] == []
