"""Submit a use case's steps as a pipeline of PythonScriptSteps, follow it, collect its outputs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.configuration import Configuration
from operation.engine.configuration.models import LocalCompute
from operation.engine.foundation.errors import StepFailed, UsageError
from operation.engine.identity.contract import Contract, read_contract
from operation.engine.identity.digests import Digests
from operation.engine.identity.source import source_digests
from operation.engine.steps.failures import ScriptFailed
from operation.engine.steps.step import Plan
from operation.execution import outputs
from operation.execution.failure import script_failed, sdk_errors
from operation.execution.job_files import snapshot, upload
from operation.execution.remote_session import RemoteRunner, RemoteSession
from operation.execution.run_log import ENDED, Log, Say, pause

if TYPE_CHECKING:
    from azureml.pipeline.core import Pipeline, PipelineRun, StepRun
    from azureml.pipeline.steps import PythonScriptStep


def needed(configured: Configuration, wanted: Sequence[str]) -> list[str]:
    """Return `wanted` and all steps that they read from, in order; all steps when nothing is wanted."""
    names, waiting = set[str](), list(wanted or configured.steps)
    while waiting:
        name = waiting.pop()
        if name not in names:
            names.add(name)
            waiting += [step for step, _ in references(configured, name).values()]
    return [name for name in configured.steps if name in names]


def references(configured: Configuration, step: str) -> dict[str, tuple[str, str]]:
    """Return the inputs of `step` that are outputs of other steps: name -> (step, output)."""
    split = {name: value.partition(".") for name, value in configured.step(step).inputs.items()}
    return {
        name: (head, rest) for name, (head, _, rest) in split.items() if rest and head in configured.steps
    }


class PipelineBuilder:
    """Makes the steps of a use case the steps of a pipeline."""

    def __init__(self, remote: RemoteRunner, names: Sequence[str]) -> None:
        if isinstance(remote.compute.settings, LocalCompute):
            raise UsageError(
                "a pipeline does not run on this machine. Name a cluster, such as --compute cpu-cluster."
            )
        self.remote = remote
        self.names = list(names)
        self.sources = {name: source_digests(remote.configured.step(name).script) for name in names}
        self._outputs: dict[tuple[str, str], Any] = {}

    def pipeline(self) -> Pipeline:
        """Return the pipeline, validated by the SDK."""
        import azureml.core  # noqa: F401 - imported after azureml.pipeline it prints a circular import
        from azureml.pipeline.core import Pipeline

        steps = [self._step(name) for name in self.names]
        pipeline = Pipeline(
            self.remote.workspace, steps=steps, description=self.remote.configured.description
        )
        problems = pipeline.validate()
        if problems:
            raise StepFailed(f"the SDK rejects the pipeline: {problems[0]}")
        return pipeline

    def _step(self, name: str) -> PythonScriptStep:
        """Return one step; it is reused while its snapshot, its arguments and its inputs stay as they are."""
        from azureml.core.runconfig import RunConfiguration
        from azureml.pipeline.steps import PythonScriptStep

        configuration = RunConfiguration()
        configuration.environment = self.remote.environment
        step = self.remote.configured.step(name)
        contract = read_contract(step.script)
        inputs = {key: self._input(name, key, value) for key, value in step.inputs.items()}
        data = {key: self._output(name, key) for key in contract.outputs}
        return PythonScriptStep(
            name=name,
            script_name=step.script.name,
            source_directory=str(snapshot(self.remote.layout, step.script)),
            arguments=arguments(contract, step.arguments, {**inputs, **data}),
            inputs=list(dict.fromkeys(inputs.values())),
            outputs=list(data.values()),
            compute_target=self.remote.target,
            runconfig=configuration,
            allow_reuse=True,
        )

    def _input(self, step: str, name: str, value: str) -> Any:
        reference = references(self.remote.configured, step).get(name)
        if reference:
            return self._outputs[reference]
        path = Path(value) if Path(value).is_absolute() else self.remote.layout.root / value
        digest = Digests(self.remote.layout.runs / "digests.db").of(path).digest
        return upload(self.remote.datastore, f"{step}_{name}", path, digest)

    def _output(self, step: str, name: str) -> Any:
        from azureml.pipeline.core import PipelineData

        data = PipelineData(output_name(step, name), datastore=self.remote.datastore)
        self._outputs[(step, name)] = data
        return data


def output_name(step: str, output: str) -> str:
    """Return the name of a step's output in the pipeline: letters, digits and '_'."""
    return f"{step}_{output}".replace("-", "_")


def arguments(contract: Contract, values: Mapping[str, object], paths: Mapping[str, Any]) -> list[Any]:
    """Return a step's command line, with what the pipeline replaces by paths as words of their own."""
    argv: list[Any] = []
    for name in contract.arguments:
        if name in paths:
            argv += [f"--{name}", paths[name]]
        elif name in values:
            argv += contract.argv({name: values[name]})
    return argv


def submit(builder: PipelineBuilder, *, fresh: bool = False) -> PipelineRun:
    """Submit the pipeline and return its run, which has not ended; `fresh` reuses nothing."""
    from azureml.core import Experiment

    remote = builder.remote
    experiment = Experiment(remote.workspace, remote.configured.use_case)
    tags = {"use_case": remote.configured.use_case, "environment": remote.configured.environment}
    tags["configuration_digest"] = remote.configured.digest
    return experiment.submit(builder.pipeline(), regenerate_outputs=fresh, tags=tags)


def follow(run: PipelineRun, remote: RemoteRunner) -> tuple[dict[str, StepRun], dict[str, ScriptFailed]]:
    """Wait until the pipeline has ended, printing its steps' logs.

    Returns
    -------
    tuple of dict and dict
        The runs of the steps that ended, and how those of them failed that did, by the steps' names.

    Raises
    ------
    StepFailed
        When the pipeline came to no good end, though none of its steps failed.
    """
    logs: dict[str, Log] = {}
    runs: dict[str, StepRun] = {}
    ended: dict[str, Mapping[str, Any]] = {}
    started = time.monotonic()
    while True:
        status = run.get_status()
        for step in run.get_steps():
            runs[step.name] = step
            if step.name not in logs:
                logs[step.name] = Log(step, _say(remote, step))
            if step.name not in ended:
                details = logs[step.name].update()
                remote.logs[step.name] = logs[step.name].text
                if details["status"] in ENDED:
                    ended[step.name] = details
                    state = "reused by Azure ML" if _is_reused(step) else details["status"].lower()
                    remote.say(f"{step.name}: {state}")
        if status in ENDED or status == "Finished":
            break
        pause(started)
    failures = {
        name: script_failed(remote.configured.step(name).script, details, remote.logs[name])
        for name, details in ended.items()
        if details["status"] in {"Failed", "Canceled"}
    }
    failed = {name: error for name, error in failures.items() if ended[name]["status"] == "Failed"}
    if not failed and status in {"Failed", "Canceled"}:
        raise next(iter(failures.values()), StepFailed(f"the pipeline's run {run.id} ended as {status}"))
    return {name: runs[name] for name in ended if name in failed or name not in failures}, failed


def _say(remote: RemoteRunner, step: StepRun) -> Say:
    """Return what prints a step's lines under its name; those of a reused step are old."""
    return lambda line: None if _is_reused(step) else remote.say(f"  {step.name}: {line}")


def _is_reused(step: StepRun) -> bool:
    return str(step.properties.get("azureml.isreused", "")).lower() == "true"


@dataclass(frozen=True)
class OutputDownloader:
    """Gives the outputs of a pipeline's steps to a session as if it had executed them."""

    builder: PipelineBuilder  # of the pipeline that was submitted
    runs: Mapping[str, StepRun]  # by step
    failures: Mapping[str, ScriptFailed]  # by step

    def __call__(self, plan: Plan, folder: Path) -> Mapping[str, Any]:
        """Download the outputs of a step into the folder, or raise as it failed; return where it ran."""
        if plan.components.sources != self.builder.sources[plan.step]:
            raise StepFailed(
                f"the sources of {plan.step} changed while the pipeline ran: its outputs are discarded. "
                "Rerun this command."
            )
        if plan.step in self.failures:
            raise self.failures[plan.step]
        run, started = self.runs[plan.step], time.perf_counter()
        with sdk_errors(f"outputs of {plan.step}"):
            for name, target in plan.output_folders(folder).items():
                download(run, output_name(plan.step, name), target)
            seconds = outputs.execution_seconds(run.get_details())
        seconds["collecting"] = time.perf_counter() - started
        return outputs.origin(run, self.builder.remote.target, seconds)


def download(run: StepRun, output: str, folder: Path) -> None:
    """Download an output of a step, which lies in the datastore, into a new folder."""
    data = run.get_output_data(output)
    partial = folder.with_name(f"{folder.name}.download")
    data.download(str(partial), overwrite=True, show_progress=False)
    (partial / data.path_on_datastore).rename(folder)


def collect(
    builder: PipelineBuilder, runs: Mapping[str, StepRun], failures: Mapping[str, ScriptFailed]
) -> tuple[RemoteSession, list[str]]:
    """Return a session that takes the outputs of a pipeline's steps into the store, each under its key.

    Beside it the steps to ask it for, in their order: those that ended, the failed ones last.
    """
    remote = builder.remote
    names = sorted((name for name in builder.names if name in runs), key=failures.__contains__)
    return RemoteSession(remote.configured, remote.layout, OutputDownloader(builder, runs, failures)), names
