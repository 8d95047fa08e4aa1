"""Computes: which one is meant, and every mistake in its file with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from operation.engine.configuration import Configuration
from operation.engine.configuration.models import ClusterCompute, RemoteCompute
from operation.engine.configuration.targets import COMPUTES, chosen_compute
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout

CLUSTER = "kind: amlcompute\nvm-size: STANDARD_DS3_V2\n"
FILE = "configuration/compute/big.yml"


def written(layout: Layout, text: str, name: str = "big") -> Layout:
    path = layout.configuration / "compute" / f"{name}.yml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return layout


def configured(**variables: Any) -> Configuration:
    return Configuration("DEV", variables, "flights", "", (), {}, "")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def test_references_are_resolved(layout: Layout) -> None:
    text = "kind: remote\naddress: vm-$(NAMESPACE).example.com\nusername: me\nprivate-key-file: ~/.ssh/id\n"
    settings, problems = COMPUTES.read(written(layout, text), "big", {"NAMESPACE": "lab"})
    assert problems == []
    assert isinstance(settings, RemoteCompute)
    assert (settings.address, settings.environment) == ("vm-lab.example.com", "training")


def test_what_is_not_said_has_a_default(layout: Layout) -> None:
    settings, _ = COMPUTES.read(written(layout, CLUSTER), "big", {})
    assert isinstance(settings, ClusterCompute)
    assert (settings.min_nodes, settings.max_nodes, settings.priority) == (0, 1, "dedicated")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (
            "kind: amlcomput\n",
            1,
            "'kind': expected one of local, amlcompute, remote or hdinsight, found 'amlcomput'. "
            "Did you mean 'amlcompute'?",
        ),
        ("size: big\n", 1, "'kind': expected one of local, amlcompute, remote or hdinsight."),
        (
            "kind: amlcompute\n",
            1,
            "key 'vm-size' is missing in a compute of kind amlcompute: add a line 'vm-size: ...'.",
        ),
        (
            f"{CLUSTER}max-node: 3\n",
            3,
            "unknown key 'max-node' in a compute of kind amlcompute: expected environment, kind, vm-size, "
            "min-nodes, max-nodes, idle-seconds-before-scaledown or priority. Did you mean 'max-nodes'?",
        ),
        (f"{CLUSTER}max-nodes: many\n", 3, "'max-nodes': expected a whole number, found 'many'."),
        (f"{CLUSTER}max-nodes: 0\n", 3, "'max-nodes': expected 1 or more, found 0."),
        (
            f"{CLUSTER}priority: cheap\n",
            3,
            "'priority': expected 'dedicated' or 'lowpriority', found 'cheap'.",
        ),
        (
            "kind: amlcompute\nvm-size: $(SIZE)\n",
            2,
            "$(SIZE) is undefined: the environment declares no variable of that name.",
        ),
    ],
)
def test_each_mistake_is_told_with_its_line(layout: Layout, text: str, line: int, message: str) -> None:
    compute, problems = COMPUTES.read(written(layout, text), "big", {})
    assert compute is None
    assert [str(one) for one in problems] == [f"{FILE}:{line}: {message}"]


def test_a_name_that_azure_refuses(layout: Layout) -> None:
    _, problems = COMPUTES.read(written(layout, CLUSTER, "my_cluster"), "my_cluster", {})
    assert str(problems[0]) == (
        "configuration/compute/my_cluster.yml:1: 'my_cluster' (10 characters) is not a valid name "
        "for a compute: expected 3 to 16 letters, digits or '-', the first a letter, the last a letter or "
        "digit. Rename the file."
    )


def test_the_environment_s_variable_chooses(layout: Layout) -> None:
    written(layout, CLUSTER)
    written(layout, "kind: local\n", "local")
    assert chosen_compute(layout, configured(COMPUTE="local")).name == "local"
    assert chosen_compute(layout, configured(COMPUTE="local"), "big").name == "big"


def test_an_unknown_compute_is_told_with_the_nearest(layout: Layout) -> None:
    written(layout, CLUSTER)
    with pytest.raises(UsageError) as caught:
        chosen_compute(layout, configured(), "bigg")
    assert str(caught.value) == (
        "unknown compute 'bigg': there is no configuration/compute/bigg.yml. Did you mean 'big'? Known: big."
    )


def test_an_unknown_compute_of_an_environment_has_its_place(good_project: Layout) -> None:
    written(good_project, CLUSTER)
    file = good_project.configuration / "configuration-DEV.yml"
    file.write_text(f"{file.read_text(encoding='utf-8').rstrip()}\n  COMPUTE: bigg\n", encoding="utf-8")
    (problem,) = COMPUTES.problems(good_project, "DEV")
    assert str(problem).endswith(
        "COMPUTE: there is no configuration/compute/bigg.yml. Did you mean 'big'? Known: big."
    )


def test_those_that_ship_are_sound() -> None:
    shipped = Layout(Path(__file__).resolve().parents[4])
    assert COMPUTES.names(shipped) == ["cpu-cluster", "local", "spark-cluster", "virtual-machine"]
    assert list(COMPUTES.problems(shipped)) == []
