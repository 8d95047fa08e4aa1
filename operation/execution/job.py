"""One step on its way to Azure ML: what every way of submitting it has in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azureml.core import Environment, Workspace
    from azureml.core.runconfig import RunConfiguration
    from azureml.data.data_reference import DataReference


@dataclass(frozen=True)
class Job:
    """A step with everything that the service must be told.

    Parameters
    ----------
    workspace : Workspace
        Where.
    experiment : str
        The use case.
    step : str
        Name in the use case.
    source : Path
        The snapshot: a folder.
    script : str
        File name in `source`.
    arguments : list of str
        The script's command line; inputs are placeholders of `references`.
    references : Mapping[str, DataReference]
        By name: what is mounted.
    target : str
        Name of the compute target; ``local`` for this machine.
    environment : Environment
        Its packages.
    tags : Mapping[str, str]
        What the run shows: step, key, commit.
    """

    workspace: Workspace
    experiment: str
    step: str
    source: Path
    script: str
    arguments: list[str]
    references: Mapping[str, DataReference]
    target: str
    environment: Environment
    tags: Mapping[str, str] = field(default_factory=dict)

    def run_configuration(self) -> RunConfiguration:
        """Return what a run on this target needs: packages, inputs, history."""
        from azureml.core.runconfig import RunConfiguration

        made = RunConfiguration()
        made.target = self.target
        made.environment = self.environment
        made.data_references = {name: one.to_config() for name, one in self.references.items()}
        return made
