"""Submit shares of a step's work as the mini-batches of a ParallelRunStep; the step joins them here."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from operation.engine.configuration.models import ClusterCompute
from operation.engine.foundation.errors import StepFailed, UsageError
from operation.engine.identity.contract import read_contract
from operation.engine.steps.runners import child_process
from operation.engine.steps.session import Session
from operation.engine.steps.step import Done, Plan
from operation.execution import pipeline
from operation.execution.failure import sdk_errors
from operation.execution.job_files import snapshot, upload
from operation.execution.remote_session import RemoteRunner, RemoteSession

SHARES = 4  # for each node: one that is slow keeps the others waiting for a quarter of its work at most
SHARE, KNOWN, MODELS = "share", "known", "models"  # arguments of a script whose work can be shared; an output


def execute(remote: RemoteRunner, step: str, *, fresh: bool = False) -> tuple[Done, dict[str, str]]:
    """Have Azure ML fit the shares of the step, and join them here under the step's key; return where, too.

    Raises
    ------
    UsageError
        For a step that has no shares, or a compute without nodes.
    StepFailed
        When a share failed, at each try.
    """
    contract = read_contract(remote.configured.step(step).script)
    if not isinstance(remote.compute.settings, ClusterCompute):
        raise UsageError("--as parallel needs nodes. Name a cluster, such as --compute cpu-cluster.")
    if SHARE not in contract.values or KNOWN not in contract.inputs:
        raise UsageError(f"{contract.script.name} has no --{SHARE} and --{KNOWN}: use --as script.")
    plan = RemoteSession(remote.configured, remote.layout, remote).plan(step, {})
    known = remote.layout.runs / "shares" / plan.key[:16]
    shutil.rmtree(known, ignore_errors=True)
    with sdk_errors(f"shares of {step} in workspace {remote.workspace.name}"):
        run = _fit(remote, plan, known)
    done = Session(remote.configured, remote.layout, child_process).step(
        step, {KNOWN: str(known)}, fresh=fresh
    )
    return done, {"pipeline": run, "workspace": remote.workspace.name}


def _fit(remote: RemoteRunner, plan: Plan, target: Path) -> str:
    """Submit the shares, wait for them, download their models; return the run's id."""
    import azureml.core  # noqa: F401 - imported after azureml.pipeline it prints a circular import
    from azureml.core import Experiment
    from azureml.pipeline.core import Pipeline

    output = f"{plan.step}_{MODELS}"
    experiment = Experiment(remote.workspace, remote.configured.use_case)
    run = experiment.submit(Pipeline(remote.workspace, steps=[_parallel_step(remote, plan, output)]))
    remote.say(f"{plan.step}: run {run.id} on {remote.target}")
    runs, failures = pipeline.follow(run, remote)
    for failure in failures.values():
        raise failure
    if plan.step not in runs:
        raise StepFailed(f"the pipeline's run {run.id} ended without its step {plan.step}")
    target.parent.mkdir(parents=True, exist_ok=True)
    pipeline.download(runs[plan.step], output, target)
    return str(run.id)


def _parallel_step(remote: RemoteRunner, plan: Plan, output: str) -> Any:
    from azureml.core import Dataset
    from azureml.pipeline.core import PipelineData
    from azureml.pipeline.steps import ParallelRunConfig, ParallelRunStep

    nodes = remote.compute.settings.max_nodes if isinstance(remote.compute.settings, ClusterCompute) else 1
    shares = _share_files(remote, nodes * SHARES)
    content = plan.state.content(shares).digest
    uploaded = upload(remote.datastore, "shares", shares, content)
    dataset = Dataset.File.from_files((remote.datastore, uploaded.path_on_datastore), validate=False)
    inputs = {
        name: upload(remote.datastore, name, path, plan.state.content(path).digest)
        for name, path in plan.inputs.items()
    }
    models = PipelineData(output, datastore=remote.datastore)
    settings = ParallelRunConfig(
        source_directory=str(snapshot(remote.layout, plan.contract.script)),
        entry_script=plan.contract.script.name,
        environment=remote.environment,
        compute_target=remote.target,
        node_count=nodes,
        process_count_per_node=1,  # which has workers of its own
        mini_batch_size="1",
        error_threshold=0,  # a group that fails is a row of the errors, a share that fails is a defect
        output_action="summary_only",
        run_invocation_timeout=3600 * 24,
    )
    paths: dict[str, Any] = {**inputs, "model": models}
    return ParallelRunStep(
        name=plan.step,
        parallel_run_config=settings,
        inputs=[dataset.as_named_input("shares")],
        side_inputs=list(inputs.values()),
        output=models,
        arguments=pipeline.arguments(plan.contract, plan.arguments, paths),
        allow_reuse=True,
    )


def _share_files(remote: RemoteRunner, count: int) -> Path:
    """Return a folder with a file for each share, which holds its name."""
    folder = remote.layout.runs / "shares" / f"of-{count}"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, count + 1):
        (folder / f"{number:05}.txt").write_text(f"{number}/{count}", encoding="utf-8")
    return folder
