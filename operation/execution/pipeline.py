"""A use case's graph as a pipeline of PythonScriptSteps: compiled, submitted, followed, collected."""

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
from operation.engine.steps.step import Plan
from operation.execution import results
from operation.execution.failure import script_failed, sdk_errors
from operation.execution.job_files import snapshot, upload
from operation.execution.logs import ENDED, Log, Say, pause
from operation.execution.remote import Remote, RemoteSession

if TYPE_CHECKING:
    from azureml.core.runconfig import RunConfiguration
    from azureml.pipeline.core import Pipeline, PipelineRun, StepRun
    from azureml.pipeline.steps import PythonScriptStep


def needed(configured: Configuration, requested: Sequence[str]) -> list[str]:
    """Return `requested` and all steps that they read from, in order; all steps when nothing is requested."""
    names: set[str] = set()
    waiting = list(requested or configured.steps)
    while waiting:
        name = waiting.pop()
        if name not in names:
            names.add(name)
            waiting += [step for step, _ in references(configured, name).values()]
    return [name for name in configured.steps if name in names]


def references(configured: Configuration, step: str) -> dict[str, tuple[str, str]]:
    """Return the inputs of `step` that are outputs of other steps: name -> (step, output)."""
    parted = {name: value.partition(".") for name, value in configured.step(step).inputs.items()}
    return {
        name: (head, rest) for name, (head, dot, rest) in parted.items() if dot and head in configured.steps
    }


class Graph:
    """The steps of a use case as steps of a pipeline."""

    def __init__(self, remote: Remote, names: Sequence[str]) -> None:
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
        pipeline_run = Pipeline(
            self.remote.workspace, steps=steps, description=self.remote.configured.description
        )
        problems = pipeline_run.validate()
        if problems:
            raise StepFailed(f"the SDK refuses the pipeline: {problems[0]}")
        return pipeline_run

    def _step(self, name: str) -> PythonScriptStep:
        """Return one step; it is reused while its snapshot, its arguments and its inputs stay as they are."""
        from azureml.pipeline.steps import PythonScriptStep

        step = self.remote.configured.step(name)
        contract = read_contract(step.script)
        inputs = {key: self._input(name, key, value) for key, value in step.inputs.items()}
        outputs = {key: self._output(name, key) for key in contract.outputs}
        return PythonScriptStep(
            name=name,
            script_name=step.script.name,
            source_directory=str(snapshot(self.remote.layout, step.script)),
            arguments=_arguments(contract, step.arguments, {**inputs, **outputs}),
            inputs=list(dict.fromkeys(inputs.values())),
            outputs=list(outputs.values()),
            compute_target=self.remote.target,
            runconfig=self._configuration(),
            allow_reuse=True,
        )

    def _configuration(self) -> RunConfiguration:
        from azureml.core.runconfig import RunConfiguration

        configuration = RunConfiguration()
        configuration.environment = self.remote.environment
        return configuration

    def _input(self, step: str, name: str, value: str) -> Any:
        reference = references(self.remote.configured, step).get(name)
        if reference:
            return self._outputs[reference]
        path = Path(value) if Path(value).is_absolute() else self.remote.layout.root / value
        digest = Digests(self.remote.layout.runs / "digests.db").of(path).digest
        return upload(self.remote.datastore, f"{step}_{name}", path, digest)

    def _output(self, step: str, name: str) -> Any:
        from azureml.pipeline.core import PipelineData

        output = PipelineData(output_name(step, name), datastore=self.remote.datastore)
        self._outputs[(step, name)] = output
        return output


def output_name(step: str, output: str) -> str:
    """Return the name of a step's output in the pipeline: letters, digits and '_'."""
    return f"{step}_{output}".replace("-", "_")


def _arguments(contract: Contract, values: Mapping[str, object], paths: Mapping[str, Any]) -> list[Any]:
    """Return a step's command line, with what the pipeline replaces by paths as words of their own."""
    argv: list[Any] = []
    for name in contract.arguments:
        argv += [f"--{name}", paths[name]] if name in paths else contract.argv(_only(values, name))
    return argv


def _only(values: Mapping[str, object], name: str) -> dict[str, object]:
    return {name: values[name]} if name in values else {}


def submit(graph: Graph, *, fresh: bool = False) -> PipelineRun:
    """Submit the graph and return its run, which has not ended; `fresh` reuses nothing."""
    from azureml.core import Experiment

    remote = graph.remote
    experiment = Experiment(remote.workspace, remote.configured.use_case)
    tags = {"use_case": remote.configured.use_case, "environment": remote.configured.environment}
    tags["configuration_digest"] = remote.configured.digest
    return experiment.submit(graph.pipeline(), regenerate_outputs=fresh, tags=tags)


def follow(run: PipelineRun, remote: Remote) -> dict[str, StepRun]:
    """Wait until the pipeline has ended, passing on what its steps print; return the steps' runs by name."""
    logs: dict[str, Log] = {}
    runs: dict[str, StepRun] = {}
    ended: dict[str, Mapping[str, Any]] = {}
    started = time.monotonic()
    while True:
        status = run.get_status()
        for step in run.get_steps():
            runs[step.name] = step
            if step.name not in logs:
                logs[step.name] = Log(step, _say_step(remote, step))
            if step.name not in ended:
                details = logs[step.name].look()
                remote.logs[step.name] = logs[step.name].text
                if details["status"] in ENDED:
                    ended[step.name] = details
                    state = "reused by Azure ML" if _is_reused(step) else details["status"].lower()
                    remote.say(f"{step.name}: {state}")
        if status in ENDED or status == "Finished":
            break
        pause(started)
    for name, details in ended.items():
        if details["status"] in {"Failed", "Canceled"}:
            raise script_failed(remote.configured.step(name).script, details, remote.logs[name])
    if status in {"Failed", "Canceled"}:
        raise StepFailed(f"the pipeline's run {run.id} ended as {status}")
    return runs


def _say_step(remote: Remote, step: StepRun) -> Say:
    """Return what passes on a step's lines under its name; those of one that is reused are old."""
    return lambda line: None if _is_reused(step) else remote.say(f"  {step.name}: {line}")


def _is_reused(step: StepRun) -> bool:
    return str(step.properties.get("azureml.isreused", "")).lower() == "true"


@dataclass(frozen=True)
class OutputDownloader:
    """Gives the outputs of a pipeline's steps to a session as if it had executed them."""

    graph: Graph  # what was submitted
    runs: Mapping[str, StepRun]  # its runs, by step

    def __call__(self, plan: Plan, outputs: Path) -> Mapping[str, Any]:
        """Download the outputs of a step into the folder; return what to keep of where it ran."""
        if plan.components.sources != self.graph.sources[plan.step]:
            raise StepFailed(
                f"the code of {plan.step} was edited while the pipeline ran: "
                "its outputs are not kept. Submit it again."
            )
        run, started = self.runs[plan.step], time.perf_counter()
        with sdk_errors(f"outputs of {plan.step}"):
            for name, folder in plan.output_folders(outputs).items():
                _download(run, output_name(plan.step, name), folder)
            spent = {**results.executing(run.get_details()), "collecting": time.perf_counter() - started}
        return results.facts(run, self.graph.remote.target, spent)


def _download(run: StepRun, output: str, folder: Path) -> None:
    """Download an output of a step, which lies in the datastore, into a new folder."""
    output_data = run.get_output_data(output)
    aside = folder.with_name(f"{folder.name}.download")
    output_data.download(str(aside), overwrite=True, show_progress=False)
    (aside / output_data.path_on_datastore).rename(folder)


def collecting(graph: Graph, runs: Mapping[str, StepRun]) -> RemoteSession:
    """Return a session that takes the outputs of a pipeline's steps into the store, each under its key."""
    return RemoteSession(graph.remote.configured, graph.remote.layout, OutputDownloader(graph, runs))
