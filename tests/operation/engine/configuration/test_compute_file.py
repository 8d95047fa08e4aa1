"""Computes: which one is meant, and every mistake in its file with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from operation.engine.configuration import Configuration
from operation.engine.configuration.compute_file import (
    ClusterCompute,
    chosen_compute,
    compute_problems,
    computes,
    read_compute,
)
from operation.engine.errors import UsageError
from operation.engine.layout import Layout

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
    compute, problems = read_compute(written(layout, text), "big", {"NAMESPACE": "lab"})
    assert problems == []
    assert compute is not None
    assert getattr(compute.settings, "address", None) == "vm-lab.example.com"
    assert compute.settings.environment == "training"


def test_what_is_not_said_has_a_default(layout: Layout) -> None:
    compute, _ = read_compute(written(layout, CLUSTER), "big", {})
    assert compute is not None
    assert isinstance(compute.settings, ClusterCompute)
    assert (compute.settings.min_nodes, compute.settings.max_nodes, compute.settings.priority) == (
        0,
        1,
        "dedicated",
    )


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
            "key 'vm-size' is missing for a compute of kind amlcompute: add a line 'vm-size: ...'.",
        ),
        (
            f"{CLUSTER}max-node: 3\n",
            3,
            "unknown key 'max-node' of a compute of kind amlcompute: expected environment, kind, vm-size, "
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
    compute, problems = read_compute(written(layout, text), "big", {})
    assert compute is None
    assert [str(one) for one in problems] == [f"{FILE}:{line}: {message}"]


def test_a_name_that_azure_refuses(layout: Layout) -> None:
    _, problems = read_compute(written(layout, CLUSTER, "my_cluster"), "my_cluster", {})
    assert str(problems[0]) == (
        "configuration/compute/my_cluster.yml:1: 'my_cluster' is no name that Azure accepts for a compute: "
        "expected 3 to 16 letters, digits or '-', the first a letter, the last a letter or digit. "
        "Rename the file."
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
    (problem,) = compute_problems(good_project, "DEV")
    assert str(problem).endswith(
        "COMPUTE: there is no configuration/compute/bigg.yml. Did you mean 'big'? Known: big."
    )


def test_those_that_ship_are_sound() -> None:
    shipped = Layout(Path(__file__).resolve().parents[4])
    assert computes(shipped) == ["cpu-cluster", "local", "spark-cluster", "virtual-machine"]
    assert list(compute_problems(shipped)) == []
