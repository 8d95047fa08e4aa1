"""A step as an Estimator, for those who come from it: deprecated, `script` supersedes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operation.execution.job import Job

if TYPE_CHECKING:
    from azureml.core import Run

NOTE = "Estimator is deprecated by Azure ML: --as script submits the same and supersedes it"


def submit(job: Job) -> Run:
    """Submit `job` and return its run, which has not ended."""
    import azureml.core  # noqa: F401 - imported after azureml.train it prints a circular import
    from azureml.core import Experiment
    from azureml.train.estimator import Estimator

    estimator = Estimator(
        source_directory=str(job.source),
        entry_script=job.script,
        compute_target=job.target,
        environment_definition=job.environment,
        inputs=list(job.references.values()),
    )
    estimator.run_config.arguments = job.arguments  # script_params knows neither flags nor lists
    return Experiment(job.workspace, job.experiment).submit(estimator, tags=dict(job.tags))
