"""A workspace exists when it is asked for; one whose name starts with "missing" does not."""

from __future__ import annotations

from collections.abc import Callable

CODE = """
from azureml.core import Workspace
place = {"subscription_id": "11111111-1111-1111-1111-111111111111", "resource_group": "rg-test"}
workspace = Workspace.get("amltest", **place)
print(workspace.name, workspace.location, workspace.get_details()["id"])
try:
    Workspace.get("missing", **place)
except Exception as error:
    print(type(error).__name__, error.message)
print(list(Workspace.list(place["subscription_id"])))
"""


def test_the_sdk_finds_a_workspace_and_misses_a_missing_one(run_with_emulator: Callable[..., str]) -> None:
    first, second, third = [line for line in run_with_emulator(CODE).splitlines() if line]
    address = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-test"
    assert first == (
        f"amltest loopback {address}/providers/Microsoft.MachineLearningServices/workspaces/amltest"
    )
    assert second == "ProjectSystemException Workspace not found."
    assert "amltest" in third
