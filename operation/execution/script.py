"""A step as ScriptRunConfig with a RunConfiguration: the way that supersedes all estimators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operation.execution.job import Job

if TYPE_CHECKING:
    from azureml.core import Run


def submit(job: Job) -> Run:
    """Submit `job` and return its run, which has not ended."""
    from azureml.core import Experiment, ScriptRunConfig

    run = ScriptRunConfig(
        source_directory=str(job.source),
        script=job.script,
        arguments=job.arguments,
        run_config=job.run_configuration(),
    )
    return Experiment(job.workspace, job.experiment).submit(run, tags=dict(job.tags))
