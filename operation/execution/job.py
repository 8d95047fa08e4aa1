"""One step on its way to Azure ML, and the ways of submitting it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azureml.core import Environment, Run, Workspace
    from azureml.core.runconfig import RunConfiguration
    from azureml.data.data_reference import DataReference


@dataclass(frozen=True)
class Job:
    """A step with everything that the service needs."""

    workspace: Workspace
    experiment: str  # the use case
    step: str  # name in the use case
    source: Path  # the snapshot: a folder
    script: str  # file name in `source`
    arguments: list[str]  # the script's command line; inputs are placeholders of `references`
    references: Mapping[str, DataReference]  # by name: what is mounted
    target: str  # name of the compute target; ``local`` for this machine
    environment: Environment  # its packages
    tags: Mapping[str, str] = field(default_factory=dict)  # of the run: step, key, commit

    def run_configuration(self) -> RunConfiguration:
        """Return what a run on this target needs: packages, inputs, history."""
        from azureml.core.runconfig import RunConfiguration

        configuration = RunConfiguration()
        configuration.target = self.target
        configuration.environment = self.environment
        references = self.references.items()
        configuration.data_references = {name: reference.to_config() for name, reference in references}
        return configuration


def submit_script(job: Job, framework: str = "Python") -> Run:
    """Submit `job` as a ScriptRunConfig, and return its run, which has not ended."""
    from azureml.core import Experiment, ScriptRunConfig

    configuration = job.run_configuration()
    configuration.framework = framework
    run = ScriptRunConfig(
        source_directory=str(job.source), script=job.script, arguments=job.arguments, run_config=configuration
    )
    return Experiment(job.workspace, job.experiment).submit(run, tags=dict(job.tags))


def submit_spark(job: Job) -> Run:
    """Submit `job` to a Spark cluster, such as Azure HDInsight, and return its run."""
    return submit_script(job, "PySpark")


def submit_estimator(job: Job) -> Run:
    """Submit `job` as an Estimator, the deprecated way, and return its run."""
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


Submit = Callable[[Job], "Run"]
SUBMITS: dict[str, Submit] = {"script": submit_script, "estimator": submit_estimator, "spark": submit_spark}
