"""The ways of sending a use case's steps to Azure ML, behind one face."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from operation.engine.session import Session
from operation.engine.step import Done
from operation.execution import automl, estimator, models, pipeline, script, spark
from operation.execution.automl import Baseline
from operation.execution.failure import told
from operation.execution.logs import Say
from operation.execution.remote import Remote, RemoteSession, Submit

if TYPE_CHECKING:
    from azureml.core import Workspace

AS_SCRIPTS: dict[str, Submit] = {
    "script": script.submit,
    "estimator": estimator.submit,
    "spark": spark.submit,
}


def one_by_one(remote: Remote, steps: Sequence[str], *, fresh: bool) -> Iterator[Done]:
    """Execute steps as runs of their own, each after what it needs; the store answers what it can."""
    session = RemoteSession(remote.configured, remote.layout, remote)
    for step in steps:
        yield session.step(step, fresh=fresh)


def as_pipeline(remote: Remote, steps: Sequence[str], *, fresh: bool) -> Iterator[Done]:
    """Execute steps, and what they need, as one pipeline; Azure ML answers what it can."""
    with told(f"pipeline in workspace {remote.workspace.name}"):
        graph = pipeline.Graph(remote, pipeline.needed(remote.configured, steps))
        run = pipeline.submit(graph, fresh=fresh)
        remote.say(f"pipeline: run {run.id} on {remote.target}, {len(graph.names)} steps")
        runs = pipeline.follow(run, remote)
    yield from pipeline.collect(graph, runs, fresh=fresh)


def register_models(workspace: Workspace, session: Session, done: Sequence[Done], say: Say) -> None:
    """Register in the workspace the model of every step that passed a gate."""
    for one in done:
        if models.is_registration(session.configured.step(one.plan.step)):
            found = models.register_passed(workspace, session, one)
            state = "registered" if found.new else "was there, by its digest"
            say(f"model {found.name}, version {found.version}, digest {found.digest[:12]}: {state}")


def against_automl(remote: Remote, *, fresh: bool) -> tuple[Baseline, list[dict[str, Any]], Done]:
    """Have AutoML search, and compare what it found with the use case's own model.

    Returns
    -------
    tuple
        The baseline; rows of metric, ``automl`` and ``model``; the execution that measured the model.
    """
    wanted = automl.settings(remote.layout, remote.configured)
    session = RemoteSession(remote.configured, remote.layout, remote)
    own = session.step(wanted.compare, fresh=fresh)
    tables = [session.input_path(value) for value in (wanted.training, wanted.holdout)]
    with told(f"automl in workspace {remote.workspace.name}"):
        found = automl.submit(remote, wanted, *tables)
    return found, found.rows(own.metrics), own
