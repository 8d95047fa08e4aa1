"""Jobs: what is submitted becomes a child process in a folder of its own, watched to its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from operation.rehearsal.service import Service
    from operation.rehearsal.state import State


@dataclass(frozen=True)
class JobDefinition:
    """What a job executes.

    Parameters
    ----------
    snapshot : Path
        The folder that the job gets a copy of and starts in.
    script : str
        The Python file to run, relative to the snapshot.
    arguments : list[str]
        Its words; inputs and outputs are paths already.
    environment_variables : Mapping[str, str]
        What the job's own specification adds.
    python : Path, optional
        The interpreter; None for the one that runs the service.
    time_limit : float, optional
        Seconds after which the job is stopped; None for no limit.
    """

    snapshot: Path
    script: str
    arguments: list[str]
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    python: Path | None = None
    time_limit: float | None = None


class Jobs:
    """All jobs of the service, by run."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def submit(self, state: State, experiment: str, run_id: str, definition: JobDefinition) -> None:
        """Start the job; its run is made when there is none yet."""
        raise NotImplementedError

    def status(self, run_id: str) -> str:
        """Return the status of the job's run, in Azure's words."""
        raise NotImplementedError

    def cancel(self, run_id: str) -> None:
        """Ask the job to stop."""
        raise NotImplementedError

    def wait(self, run_id: str, seconds: float | None = None) -> str:
        """Wait until the job has ended, at most `seconds`, and return its run's status."""
        raise NotImplementedError

    def stop(self) -> None:
        """End all jobs, since the service ends."""
