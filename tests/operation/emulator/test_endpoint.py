"""Endpoints of AKS: what a patch makes of their versions, and which of them answers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from operation.emulator.http import HttpError
from operation.emulator.services.endpoint import choose_version, patched
from operation.emulator.services.service_document import too_much
from operation.emulator.state import State

IMAGE = {"modelIds": ["flights:1"]}


def endpoint(**percentiles: int) -> dict[str, Any]:
    """Return an endpoint whose first version is the default."""
    versions = {
        name: {"trafficPercentile": share, "isDefault": not at, "environmentImageRequest": IMAGE}
        for at, (name, share) in enumerate(percentiles.items())
    }
    common = {"authEnabled": True, "aadAuthEnabled": False, "computeName": "kubernetes"}
    return {"name": "late", "scoringUri": "https://here/late/score", **common, "versions": versions}


def replaced(name: str, key: str, value: object) -> dict[str, Any]:
    return {"op": "replace", "path": f"/versions/{name}/{key}", "value": value}


def test_a_new_version_is_started_and_answers_nobody() -> None:
    added = {"op": "add", "path": "/versions/two", "value": {"environmentImageRequest": IMAGE}}
    document, started = patched(endpoint(one=0), [added])
    assert started == ["two"]
    two = document["versions"]["two"]
    assert (two["isDefault"], two["trafficPercentile"], two["type"]) == (False, 0, "Treatment")
    assert two["scoringUri"] == "https://here/late/two/score"
    assert {choose_version(document) for _ in range(50)} == {"one"}


def test_traffic_moves_and_nothing_is_started() -> None:
    document, started = patched(endpoint(one=0, two=0), [replaced("two", "trafficPercentile", 30)])
    assert started == []
    counted = Counter(choose_version(document) for _ in range(2000))
    assert 450 < counted["two"] < 750  # 600 ± 7 standard deviations
    assert counted["one"] + counted["two"] == 2000


def test_another_image_is_started() -> None:
    other = {"modelIds": ["flights:2"]}
    _, started = patched(endpoint(one=0, two=0), [replaced("two", "environmentImageRequest", other)])
    assert started == ["two"]


@pytest.mark.parametrize(
    ("operations", "message"),
    [
        (
            [replaced("one", "trafficPercentile", 90)],
            "the versions' percentages of the traffic add up to 110",
        ),
        (
            [replaced("one", "isDefault", False)],
            "one version of an endpoint is its default, and no more than one",
        ),
        (
            [
                {"op": "add", "path": f"/versions/v{at}", "value": {"environmentImageRequest": IMAGE}}
                for at in range(5)
            ],
            "an endpoint has 6 versions at most",
        ),
    ],
)
def test_what_azure_would_refuse_is_refused(operations: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(HttpError) as caught:
        patched(endpoint(one=0, two=20), operations)
    assert (caught.value.status, caught.value.message) == (400, message)


@pytest.mark.parametrize(
    ("cores", "replicas", "said"),
    [(1, 12, None), (2, 7, "the replicas ask for 14 cores, and the cluster kubernetes has 12")],
)
def test_a_cluster_has_so_many_cores(tmp_path: Any, cores: int, replicas: int, said: str | None) -> None:
    state = State(tmp_path)
    machines = {"agentVmSize": "STANDARD_DS3_V2", "agentCount": 3}
    state.put("computes", "kubernetes", {"properties": {"computeType": "AKS", "properties": machines}})
    version = {"containerResourceRequirements": {"cpu": cores}, "autoScaler": {"minReplicas": replicas}}
    wanted = {"computeType": "AKSENDPOINT", "computeName": "kubernetes", "versions": {"one": version}}
    assert too_much(state, wanted) == said


def test_a_container_has_no_more_than_azure_lets() -> None:
    wanted = {"computeType": "ACI", "containerResourceRequirements": {"cpu": 8, "memoryInGB": 4}}
    assert too_much(State.__new__(State), wanted) == (
        "a container asks for 8 cores and 4 GB, and 4 cores and 16 GB are the most"
    )
