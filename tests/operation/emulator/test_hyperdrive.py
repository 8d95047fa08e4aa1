"""HyperDrive through the SDK: children with their own arguments and metrics, the best one found."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operation.emulator.http import HttpError
from operation.emulator.jobs.hyperdrive_sampling import samples

SCRIPT = """
import argparse
from azureml.core import Run

parser = argparse.ArgumentParser()
parser.add_argument("--base", type=int)
parser.add_argument("--power", type=int)
args = parser.parse_args()
if args.power > 2:
    raise SystemExit(f"too high: {args.power}")
Run.get_context().log("size", args.base**args.power)
"""
SUBMIT = """
import json
from azureml.core import Experiment, ScriptRunConfig, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.train.hyperdrive import GridParameterSampling, HyperDriveConfig, HyperDriveRun
from azureml.train.hyperdrive import PrimaryMetricGoal, choice

workspace = Workspace.get(
    "amlsweep", subscription_id="11111111-1111-1111-1111-111111111111", resource_group="rg-test"
)
machines = AmlCompute.provisioning_configuration("STANDARD_D2_V2", max_nodes=3)
target = ComputeTarget.create(workspace, "sweepers", machines)
target.wait_for_completion()
one = ScriptRunConfig("source", "power.py", arguments=["--base", 3], compute_target=target)
space = GridParameterSampling({"power": choice(1, 2, 3)})
goal = {"primary_metric_name": "size", "primary_metric_goal": PrimaryMetricGoal.MAXIMIZE}
sweep = HyperDriveConfig(space, **goal, max_total_runs=8, max_concurrent_runs=3, run_config=one)
run = Experiment(workspace, "sweep").submit(sweep)
run.wait_for_completion()
again = HyperDriveRun(run.experiment, run.id)
best = again.get_best_run_by_primary_metric()
print()
print(json.dumps({
    "status": run.get_status(), "best": best.id.removeprefix(run.id), "metrics": best.get_metrics(),
    "arguments": best.get_details()["runDefinition"]["arguments"],
    "children": sorted((one.id.removeprefix(run.id), one.get_status()) for one in run.get_children()),
    "tried": sorted(again.get_hyperparameters().values()), "logs": list(run.get_details()["logFiles"]),
}))
"""
NUMBER = st.floats(-5, 5).map(lambda value: round(value, 3))


@pytest.fixture(scope="module")
def swept(answered: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    return answered(SUBMIT, {"source/power.py": SCRIPT})


def test_every_combination_is_a_run_and_the_best_is_found(swept: dict[str, Any]) -> None:
    assert swept["status"] == "Completed"
    assert swept["children"] == [["_0", "Completed"], ["_1", "Completed"], ["_2", "Failed"]]
    assert swept["tried"] == ['{"power": 1}', '{"power": 2}', '{"power": 3}']
    assert swept["best"] == "_1"
    assert swept["metrics"] == {"size": 9}
    assert swept["arguments"] == ["--base", 3, "--power", "2"]
    assert swept["logs"] == ["azureml-logs/hyperdrive.txt"]


def test_a_grid_is_all_of_it_in_order() -> None:
    space = {"a": ["choice", [[1, 2]]], "b": ["choice", [["x", "y"]]]}
    assert [tuple(one.values()) for one in samples("GRID", space, 0)] == [
        (1, "x"), (1, "y"), (2, "x"), (2, "y")
    ]  # fmt: skip


def test_nothing_is_drawn_twice_and_a_small_space_ends() -> None:
    drawn = list(samples("RANDOM", {"a": ["choice", [[1, 2]]], "b": ["randint", [3]]}, 7))
    assert len(drawn) == len({tuple(one.values()) for one in drawn}) == 6


@given(st.lists(NUMBER, min_size=2, max_size=2, unique=True).map(sorted), st.integers())
def test_draws_are_within_their_bounds_and_the_same_for_a_seed(bounds: list[float], seed: int) -> None:
    low, high = bounds
    space = {
        "plain": ["uniform", bounds],
        "log": ["loguniform", bounds],
        "stepped": ["quniform", [*bounds, 0.5]],
        "normal": ["normal", [0, 1]],
    }
    drawn = list(itertools.islice(samples("bayesianOptimization", space, seed), 3))
    for one in drawn:
        assert low <= one["plain"] <= high
        assert math.exp(low) <= one["log"] * (1 + 1e-9)
        assert one["log"] <= math.exp(high) * (1 + 1e-9)
        assert one["stepped"] % 0.5 == 0
    assert list(itertools.islice(samples("random", space, seed), 3)) == drawn


@pytest.mark.parametrize(
    ("method", "space", "message"),
    [
        ("sobol", {}, "sampling 'sobol' is unknown; the emulator samples by grid, random, "
         "bayesianoptimization"),
        ("grid", {"a": ["uniform", [0, 1]]}, "a: a grid is made of choices, not of uniform"),
        ("random", {"a": ["cauchy", [0, 1]]}, "a: the expression 'cauchy' is unknown"),
    ],
)  # fmt: skip
def test_what_cannot_be_sampled_is_told(method: str, space: dict[str, Any], message: str) -> None:
    with pytest.raises(HttpError) as caught:
        next(samples(method, space, 0))
    assert (caught.value.status, caught.value.message) == (400, message)
