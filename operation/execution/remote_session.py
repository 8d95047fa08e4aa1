"""Steps executed in Azure ML as if they were executed here: same arguments, same key, same store."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.engine.configuration import Configuration
from operation.engine.configuration.models import LocalCompute
from operation.engine.configuration.targets import Compute
from operation.engine.foundation.git import commit
from operation.engine.foundation.layout import Layout
from operation.engine.steps.session import Reading, Session
from operation.engine.steps.step import Done, Plan, Runner
from operation.execution import compute as compute_targets
from operation.execution import job_files, outputs
from operation.execution.failure import script_failed, sdk_errors
from operation.execution.job import Job, Submit
from operation.execution.run_log import Say, follow

if TYPE_CHECKING:
    from azureml.core import Datastore, Environment, Run, Workspace
    from azureml.data.data_reference import DataReference


class RemoteRunner:
    """One workspace and one compute target, and a way of submitting jobs to them."""

    def __init__(
        self,
        layout: Layout,
        configured: Configuration,
        workspace: Workspace,
        compute: Compute,
        *,
        submit: Submit,
        say: Say,
    ) -> None:
        self.layout = layout
        self.configured = configured
        self.workspace = workspace
        self.compute = compute
        self.submit = submit
        self.say = say
        self.logs: dict[str, str] = {}

    @cached_property
    def target(self) -> str:
        """Name of the compute target, which exists."""
        return compute_targets.target(self.workspace, self.compute)

    @cached_property
    def environment(self) -> Environment:
        """The packages, registered in the workspace."""
        return job_files.environment(self.layout, self.compute.settings.environment).register(self.workspace)

    @cached_property
    def datastore(self) -> Datastore:
        """Where inputs are uploaded to."""
        return self.workspace.get_default_datastore()

    def __call__(self, plan: Plan, folder: Path) -> Mapping[str, Any]:
        """Execute a step and download its outputs into the folder; return where it ran."""
        with sdk_errors(f"{plan.step} in workspace {self.workspace.name}"):
            started = time.perf_counter()
            earlier = None if plan.fresh else self._earlier(plan)
            run = earlier or self.submit(self._job(plan))
            submitted = time.perf_counter()
            suffix = ", submitted before" if earlier else ""
            self.say(f"{plan.step}: run {run.id} on {self.target}{suffix}")
            details, log = self._follow(run)
            self.logs[plan.step] = log
            if details["status"] != "Completed":
                raise script_failed(plan.contract.script, details, log)
            ended = time.perf_counter()
            folders = plan.output_folders(folder)
            outputs.download(run, folders)
            seconds = {"submitting": submitted - started, "waiting": ended - submitted}
            seconds |= {**outputs.execution_seconds(details), "collecting": time.perf_counter() - ended}
        for output in outputs.changed(self.layout, plan.key, folders):
            self.say(
                f"  warning: output {output} differs from the one in the store under the same key. "
                f"Find out why: python3 -m operation certify {plan.step}"
            )
        return outputs.origin(run, self.target, seconds)

    def _follow(self, run: Run) -> tuple[Mapping[str, Any], str]:
        """Print the run's log until it ends; an interrupt leaves the run alone."""
        try:
            return follow(run, lambda line: self.say(f"  {line}"))
        except KeyboardInterrupt:
            fix = f"Rerun this command to reattach, or cancel it at {run.get_portal_url()}"
            self.say(f"run {run.id} keeps running in Azure ML. {fix}")
            raise

    def _earlier(self, planned: Plan) -> Run | None:
        """Return a run with this key that is active, or whose outputs were never collected here."""
        from azureml.core import Experiment

        experiment = Experiment(self.workspace, self.configured.use_case)
        runs = experiment.get_runs(tags={"key": planned.key}, include_children=False)
        return next((run for run in runs if run.status not in {"Failed", "Canceled", "NotResponding"}), None)

    def _job(self, planned: Plan) -> Job:
        inputs = {name: self._input(planned, name, path) for name, path in planned.inputs.items()}
        return Job(
            workspace=self.workspace,
            experiment=self.configured.use_case,
            step=planned.step,
            source=job_files.snapshot(self.layout, planned.contract.script),
            script=planned.contract.script.name,
            arguments=arguments(planned, {name: str(value) for name, value in inputs.items()}),
            references={
                value.data_reference_name: value for value in inputs.values() if not isinstance(value, Path)
            },
            target=self.target,
            environment=self.environment,
            tags=tags(self.layout, self.configured, planned),
        )

    def _input(self, planned: Plan, name: str, path: Path) -> Path | DataReference:
        """Return what mounts an input; a job on this machine reads the file itself."""
        if isinstance(self.compute.settings, LocalCompute):
            return path.resolve()
        return job_files.upload(self.datastore, name, path, planned.state.content(path).digest)


class RemoteSession(Session):
    """A session whose steps are executed elsewhere."""

    def __init__(
        self, configured: Configuration, layout: Layout, remote: Runner, *, keep_all: bool = False
    ) -> None:
        super().__init__(configured, layout, remote)
        self.keep_all = keep_all

    def _step(self, name: str, given: Mapping[str, object], reading: Reading, *, fresh: bool = False) -> Done:
        """Execute or reuse the step `name`, after what it needs.

        What a step does to a database of the machine that executes it, its outputs do not say: were
        they kept under its key, this machine would never do it. A step that declares its effects is looked
        at each time anyway, and later steps may need its outputs.
        """
        done = super()._step(name, given, reading, fresh=fresh)
        if done.how == "executed" and not self.keep_all and _has_undeclared_effects(done.plan):
            shutil.rmtree(done.entry.folder)
        return done

    def _success(self, done: Done) -> dict[str, Any]:
        record = super()._success(done)
        if done.how == "executed":
            azure = done.entry.manifest["azure"]
            seconds = azure["seconds"].get("executing", record["seconds"])
            record |= {"how": "azure-ml", "azure": azure, "seconds": seconds}
        return record

    def _failure(self, planned: Plan, error: BaseException) -> dict[str, Any] | None:
        return None if isinstance(error, outputs.NotExecuted) else super()._failure(planned, error)


def _has_undeclared_effects(planned: Plan) -> bool:
    """Tell whether an argument names a database file, which is on the machine that executes the step."""
    if planned.contract.has_effects:
        return False
    values = planned.contract.canonical(planned.arguments).values()
    return any(str(value).startswith("sqlite:") for value in values)


def arguments(planned: Plan, inputs: Mapping[str, str]) -> list[str]:
    """Return the command line of a step as its contract writes it, with the paths that hold there.

    Azure ML replaces a placeholder only where it is a word of its own.
    """
    paths = {**inputs, **{name: outputs.remote_folder(name) for name in planned.contract.outputs}}
    words = planned.contract.argv({**planned.arguments, **paths})
    return [part for word in words for part in _split(word, paths)]


def _split(word: str, paths: Mapping[str, str]) -> list[str]:
    name, _, value = word.removeprefix("--").partition("=")
    return [f"--{name}", value] if name in paths else [word]


def tags(layout: Layout, configured: Configuration, planned: Plan) -> dict[str, str]:
    """Return the tags by which a run says where it comes from."""
    head = commit(layout.root)
    return {
        "step": planned.step,
        "key": planned.key,
        "use_case": configured.use_case,
        "environment": configured.environment,
        "configuration_digest": configured.digest,
        "commit": f"{head['commit'] or 'none'}{' with changes' if head['dirty'] else ''}",
    }
