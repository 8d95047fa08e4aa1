"""The machine that was measured on, and whether it was quiet."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

QUIET = 0.25  # load a core


def machine() -> dict[str, Any]:
    """Describe the machine: what does not change while it is measured."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gigabytes": _memory(),
        "system": f"{platform.system()} {platform.release()}",
        "platform": platform.platform(),
        "python": sys.version.split()[0],
    }


def load() -> float | None:
    """Return the load of the last minute; None where the platform has none."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def unquiet(found: float | None) -> str | None:
    """Return a warning when a machine with load `found` does other work; None when it is quiet."""
    cores = os.cpu_count() or 1
    if found is None or found <= QUIET * cores:
        return None
    return (
        f"the machine is not quiet: load {found:.2f} on {cores} cores. Ratios within a round still tell "
        "something, seconds do not: measure again when nothing else runs."
    )


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of `packages` here; what is not installed is left out."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def _memory() -> float | None:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return None
    return round(size / 1e9, 1)
