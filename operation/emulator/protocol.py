"""What the concerns know of the service that holds them: no concern imports the service itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from operation.emulator.state import State


@dataclass(frozen=True)
class JobDefinition:
    """What a job executes."""

    snapshot: Path | None  # the folder that the job gets a copy of; None: its folder is laid out already
    script: str
    arguments: list[str]  # inputs and outputs are paths already
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    python: Path | None = None  # None: one that has what `specification` asks for
    time_limit: float | None = None  # seconds
    specification: Mapping[str, Any] | None = None  # a run configuration's ``environment``
    command: list[str] | None = None  # instead of a script
    outputs: list[dict[str, Any]] = field(default_factory=list)  # registered when the job completes


class Jobs(Protocol):
    """The jobs of the service, each by its run."""

    def folder(self, run_id: str) -> Path:
        """Return the folder that is kept for a job."""

    def submit(
        self,
        state: State,
        experiment: str,
        run_id: str,
        definition: JobDefinition,
        *,
        supervised: bool = False,
    ) -> None:
        """Start the job, or wait for the supervisor that the SDK starts."""

    def cancel(self, run_id: str) -> None:
        """Ask the job to stop."""

    def wait(self, run_id: str, seconds: float | None = None) -> str:
        """Wait until the job has ended, at most `seconds`, and return its run's status."""


class Service(Protocol):
    """What every call can reach."""

    folder: Path
    url: str  # without a slash at the end
    environment: dict[str, str]  # leads the SDK in another process here
    token_seconds: int
    secret: bytes  # signs tokens
    at_end: list[Callable[[], None]]

    @property
    def jobs(self) -> Jobs:
        """Return the jobs of all workspaces."""

    def state(self, workspace: str) -> State:
        """Return the state of one workspace."""

    def workspaces(self) -> list[str]:
        """Return the names of the workspaces that have any state."""
