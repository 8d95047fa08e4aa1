"""A pipeline as it was read from either system: stages, jobs, steps, and where each of them stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, auto

from operation.engine.pipelines.tree import Node

PUBLISHED = "runs/published"  # what a stage leaves for people


class Kind(StrEnum):
    """What a step does."""

    CHECKOUT = auto()
    PYTHON = auto()
    LOGIN = auto()
    COMMAND = auto()
    PUBLISH = auto()
    DOWNLOAD = auto()
    RESULTS = auto()


@dataclass(frozen=True)
class Step:
    """One step of a job."""

    kind: Kind
    node: Node  # where it stands
    title: str = ""
    text: str = ""  # of a COMMAND what the shell gets; else the version or the path that it is about
    name: str = ""  # by which later steps and jobs ask for its outputs
    condition: str = ""  # an expression; empty stands for "as long as nothing failed"
    artifact: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    login: str = ""  # the service connection that Azure logs in with for this step
    may_fail: bool = False
    seconds: float | None = None  # after which it is stopped


@dataclass(frozen=True)
class Job:
    """One job of a stage; a copy for each entry of its matrix."""

    name: str
    node: Node
    title: str
    needs: tuple[str, ...]
    steps: tuple[Step, ...]
    condition: str = ""
    environment: str = ""  # whose approvals it waits for
    image: str = ""  # of the machine
    variables: Mapping[str, Node] = field(default_factory=dict)
    outputs: Mapping[str, Node] = field(default_factory=dict)  # GitHub: what other jobs may ask for
    matrix: Mapping[str, str] = field(default_factory=dict)
    may_fail: bool = False

    @property
    def is_deployment(self) -> bool:
        """Whether it is Azure's kind of job for environments: its outputs have its name before theirs."""
        return "deployment" in (self.node.value if isinstance(self.node.value, dict) else {})


@dataclass(frozen=True)
class Stage:
    """One stage; a job of GitHub is a stage with this one job."""

    name: str
    node: Node
    title: str
    needs: tuple[str, ...]
    jobs: tuple[Job, ...]
    condition: str = ""
    variables: Mapping[str, Node] = field(default_factory=dict)

    @property
    def originals(self) -> list[Job]:
        """The jobs without the copies that a matrix makes of one."""
        return list({(job.name, job.node.line): job for job in reversed(self.jobs)}.values())[::-1]


@dataclass(frozen=True)
class Pipeline:
    """One pipeline of one system."""

    system: str  # azure or github
    name: str  # of its file
    file: str
    stages: tuple[Stage, ...]
    triggers: tuple[str, ...]  # in words
    variables: Mapping[str, Node] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)
