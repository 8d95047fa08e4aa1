"""``configuration/compute/<name>.yml``: where the steps of a submission are executed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from operation.engine.configuration.kinds import Shelf, Strict
from operation.engine.configuration.loading import Configuration
from operation.engine.errors import Problem
from operation.engine.layout import Layout


class _Place(Strict):
    """Any compute: its packages are those of ``configuration/environments/<environment>.yml``."""

    environment: str = "training"


class LocalCompute(_Place):
    """The machine that submits."""

    kind: Literal["local"]


class ClusterCompute(_Place):
    """Machines of Azure ML that start when there is work."""

    kind: Literal["amlcompute"]
    vm_size: str
    min_nodes: Annotated[int, Field(ge=0, le=1000)] = 0
    max_nodes: Annotated[int, Field(ge=1, le=1000)] = 1
    idle_seconds_before_scaledown: Annotated[int, Field(ge=0, le=86400)] = 1200
    priority: Literal["dedicated", "lowpriority"] = "dedicated"


class _Reached(_Place):
    """What is reached by SSH."""

    address: str
    ssh_port: Annotated[int, Field(ge=1, le=65535)] = 22
    username: str
    private_key_file: str


class RemoteCompute(_Reached):
    """A Linux machine of one's own."""

    kind: Literal["remote"]


class SparkCompute(_Reached):
    """A Spark cluster of Azure HDInsight."""

    kind: Literal["hdinsight"]


Settings = LocalCompute | ClusterCompute | RemoteCompute | SparkCompute
_COMPUTES: Shelf[Settings] = Shelf(
    thing="compute",
    kinds={
        "local": LocalCompute,
        "amlcompute": ClusterCompute,
        "remote": RemoteCompute,
        "hdinsight": SparkCompute,
    },
    variables={"COMPUTE": "cpu-cluster", "SPARKCOMPUTE": "spark-cluster"},
    name=re.compile(r"[A-Za-z][A-Za-z0-9-]{1,14}[A-Za-z0-9]"),
    name_words="3 to 16 letters, digits or '-', the first a letter, the last a letter or digit",
    exempt=frozenset({"private-key-file"}),
)


@dataclass(frozen=True)
class Compute:
    """A compute that is configured.

    Parameters
    ----------
    name : str
        Of its file, and in the workspace.
    settings : Settings
        What the file says.
    """

    name: str
    settings: Settings


def computes(layout: Layout) -> list[str]:
    """Return the names of all configured computes, sorted."""
    return _COMPUTES.names(layout)


def chosen_compute(
    layout: Layout, configured: Configuration, name: str | None = None, variable: str = "COMPUTE"
) -> Compute:
    """Return the compute called `name`; by default the one that a variable of the environment names.

    Raises
    ------
    UsageError
        For an unknown name; tells the nearest.
    ConfigurationError
        With every mistake in its file.
    """
    return Compute(*_COMPUTES.chosen(layout, configured, name, variable))


def compute_problems(layout: Layout, environment: str | None = None) -> Iterator[Problem]:
    """Yield every mistake in every compute's file, and in the choice of one, for each sound environment."""
    return _COMPUTES.problems(layout, environment)


def read_compute(
    layout: Layout, name: str, variables: Mapping[str, Any]
) -> tuple[Compute | None, list[Problem]]:
    """Read one file; the compute is None when there are problems."""
    settings, problems = _COMPUTES.read(layout, name, variables)
    return (None, problems) if settings is None else (Compute(name, settings), [])
