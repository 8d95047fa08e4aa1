"""How code that drives the SDK begins."""

from __future__ import annotations

_ON_A_CLUSTER = """
from azureml.core import Environment, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from azureml.core.runconfig import RunConfiguration
place = {"subscription_id": "11111111-1111-1111-1111-111111111111", "resource_group": "rg-test"}
workspace = Workspace.get(WORKSPACE, **place)
size = AmlCompute.provisioning_configuration("Standard_DS2_v2", max_nodes=2)
cluster = ComputeTarget.create(workspace, "cpu", size)
store = workspace.get_default_datastore()
config = RunConfiguration()
config.environment = Environment("here")
config.environment.python.user_managed_dependencies = True
found = {}
"""


def on_a_cluster(workspace: str) -> str:
    """Return code that opens a workspace and makes a cluster, its jobs as this Python is."""
    return f"WORKSPACE = {workspace!r}{_ON_A_CLUSTER}"
