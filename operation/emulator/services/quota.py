"""What a service may ask for: the cores of its cluster, the largest container of ACI."""

from __future__ import annotations

from operation.emulator.assets.compute import machine_sizes
from operation.emulator.state import Document, State

# https://learn.microsoft.com/azure/container-instances/container-instances-resource-and-quota-limits
_MOST_CORES, _MOST_GB = 4, 16


def too_much(state: State, wanted: Document) -> str | None:
    """Return why a service asks for more than there is, or None."""
    if wanted.get("computeType") == "ACI":
        needs = wanted.get("containerResourceRequirements") or {}
        cores, memory = needs.get("cpu") or 0, needs.get("memoryInGB") or 0
        if cores > _MOST_CORES or memory > _MOST_GB:
            most = f"{_MOST_CORES} cores and {_MOST_GB} GB are the most"
            return f"a container asks for {cores:g} cores and {memory:g} GB, and {most}"
        return None
    cluster = state.get("computes", wanted.get("computeName") or "")
    if cluster is None:
        return None  # refused for that when it is created
    has = _cores(cluster["properties"].get("properties") or {})
    asked = sum(_asked(one) for one in (wanted.get("versions") or {"": wanted}).values())
    if asked <= has:
        return None
    return f"the replicas ask for {asked:g} cores, and the cluster {wanted['computeName']} has {has:g}"


def _cores(cluster: Document) -> float:
    sizes = {one["name"].lower(): one["vCPUs"] for one in machine_sizes()}
    return float(sizes.get(str(cluster.get("agentVmSize")).lower(), 4) * (cluster.get("agentCount") or 3))


def _asked(version: Document) -> float:
    """Return the cores of all replicas that are always there."""
    each = (version.get("containerResourceRequirements") or {}).get("cpu") or 0.1
    scaling = version.get("autoScaler") or {}
    return float(each * (version.get("numReplicas") or scaling.get("minReplicas") or 1))
