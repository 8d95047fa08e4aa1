"""The ways of sending a use case's steps to Azure ML, behind one face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from typing import Any

from operation.engine.configuration import Configuration
from operation.engine.configuration.targets import Compute
from operation.engine.evidence.certificate.ways import Way
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.steps.step import Done
from operation.execution import automl, models, pipeline, publishing
from operation.execution.failure import sdk_errors
from operation.execution.job import SUBMITS, Submit, submit_script
from operation.execution.logs import Say
from operation.execution.opening import opened
from operation.execution.remote import Remote, RemoteSession
from operation.execution.results import NotExecuted
from operation.execution.submission import Submission

ESTIMATOR = "Estimator is deprecated by Azure ML: --as script submits the same and supersedes it"


@dataclass(frozen=True)
class Order:
    """What is to be sent, and how."""

    way: str  # how
    steps: Sequence[str]  # which, each after those that it reads from
    compute: Compute  # where
    fresh: bool = False  # execute even what the store or Azure ML holds
    # where what the steps need is executed, as scripts, when it is missing; by default like the steps
    before: Compute | None = None
    publish: bool = False  # of a successful pipeline
    schedule: bool = False


def send(order: Order, made: Submission, say: Say) -> None:
    """Do what `order` says, and note in the submission `made` what came of it."""
    say("opening the workspace")  # the SDK's import alone takes seconds
    workspace = opened(made.configured.environment)
    submit = SUBMITS.get(order.way, submit_script)
    remote = Remote(made.layout, made.configured, workspace, order.compute, submit=submit, say=say)
    remote.logs = made.logs
    if order.way == "estimator":
        say(ESTIMATOR)
    {"automl": _automl, "pipeline": _pipeline}.get(order.way, _one_by_one)(order, remote, made)


def _one_by_one(order: Order, remote: Remote, made: Submission) -> None:
    """Execute steps as runs of their own, each after what it needs; the store answers what it can."""
    session = RemoteSession(remote.configured, remote.layout, remote)
    for step in order.steps:
        if order.before:
            _inputs(order.before, remote, step)
        try:
            done = session.step(step, fresh=order.fresh)
        except NotExecuted as verified:
            made.facts["verified"] = str(verified)
            remote.say(str(verified))
            return
        _tell(done, remote.say)
        _register(remote, session, done)


def _inputs(compute: Compute, remote: Remote, step: str) -> None:
    """Execute what `step` needs on another compute: a Spark cluster need not make its own inputs."""
    place = (remote.layout, remote.configured, remote.workspace, compute)
    other = Remote(*place, submit=submit_script, say=remote.say)
    other.logs = remote.logs
    RemoteSession(remote.configured, remote.layout, other).plan(step, {})


def _pipeline(order: Order, remote: Remote, made: Submission) -> None:
    """Execute steps, and what they need, as one pipeline; Azure ML answers what it can."""
    with sdk_errors(f"pipeline in workspace {remote.workspace.name}"):
        graph = pipeline.Graph(remote, pipeline.needed(remote.configured, order.steps))
        run = pipeline.submit(graph, fresh=order.fresh)
        made.facts["azure"] = {"pipeline": run.id, "workspace": remote.workspace.name}
        remote.say(f"pipeline: run {run.id} on {remote.target}, {len(graph.names)} steps")
        runs = pipeline.follow(run, remote)
    session = pipeline.collecting(graph, runs)
    for name in graph.names:
        done = session.step(name, fresh=order.fresh)
        _tell(done, remote.say)
        _register(remote, session, done)
    if order.publish or order.schedule:
        _publish(order, remote, made, run)


def _publish(order: Order, remote: Remote, made: Submission, run: Any) -> None:
    settings = remote.configured.pipeline
    if settings is None:
        raise UsageError(f"the use case '{remote.configured.use_case}' has no section 'pipeline': add one.")
    with sdk_errors(f"publishing {settings.publish}"):
        version = remote.configured.digest[:12]
        found = publishing.publish(remote.workspace, run, settings, version)
        use_case = remote.configured.use_case
        when = publishing.schedule(remote.workspace, settings, use_case) if order.schedule else ""
    made.facts["published"] = {"endpoint": found.name, "version": found.version, "url": found.url}
    made.facts["published"] |= {"schedule": when} if when else {}
    remote.say(f"endpoint {found.name}, version {found.version}: {found.url}")
    if when:
        remote.say(f"endpoint {found.name}: runs {when}")


def _automl(order: Order, remote: Remote, made: Submission) -> None:
    """Have AutoML search, and put what it found beside the use case's own model."""
    wanted = automl.settings(remote.layout, remote.configured)
    session = RemoteSession(remote.configured, remote.layout, remote)
    own = session.step(wanted.compare, fresh=order.fresh)
    tables = [session.input_path(value) for value in (wanted.training, wanted.holdout)]
    # the SDK leaves logs where it stands
    with sdk_errors(f"automl in workspace {remote.workspace.name}"), chdir(remote.layout.runs):
        found = automl.submit(remote, wanted, *tables)
    rows = found.rows(own.metrics)
    made.facts["automl"] = {"run": found.run, "algorithm": found.algorithm, "compared": rows}
    made.notes.append(_comparison(found.algorithm, wanted.compare, rows))
    remote.say(f"  {'metric':<20} {f'AutoML ({found.algorithm})':>32} {wanted.compare:>12}")
    for one in rows:
        remote.say(f"  {one['metric']:<20} {one['automl']:>32.4f} {one['model']:>12.4f}")


def _comparison(algorithm: str, step: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the comparison as Markdown, for the submission's page."""
    lines = [f"| {one['metric']} | {one['automl']:.4f} | {one['model']:.4f} |" for one in rows]
    head = [f"| metric | AutoML ({algorithm}) | {step} |", "| --- | --- | --- |"]
    reading = "AutoML chose its best on the holdout itself, which favours it."
    return "\n".join(
        ["## The model beside AutoML's best, on the same holdout", "", *head, *lines, "", reading]
    )


def _register(remote: Remote, session: RemoteSession, done: Done) -> None:
    """Register in the workspace the model that a step let pass its gate."""
    if models.is_registration(remote.configured.step(done.plan.step)):
        with sdk_errors(f"the models of workspace {remote.workspace.name}"):
            found = models.register_passed(remote.workspace, session, done)
        state = "registered" if found.new else "was there, by its digest"
        remote.say(f"model {found.name}, version {found.version}, digest {found.digest[:12]}: {state}")


def _tell(done: Done, say: Say) -> None:
    say(f"{done.plan.step} {done.how} in {done.seconds:.1f} s, key {done.plan.key[:12]}")
    for name, value in sorted(done.metrics.items()):
        say(f"  {name:<28} {value:.4f}" if isinstance(value, float) else f"  {name:<28} {value}")


def azure_ml(compute: Compute, submit: Submit = submit_script) -> Way:
    """Return the way, for a certificate, of executing steps as new runs on `compute`."""

    def way(layout: Layout, configured: Configuration, steps: Sequence[str]) -> None:
        workspace = opened(configured.environment)
        remote = Remote(layout, configured, workspace, compute, submit=submit, say=lambda _: None)
        session = RemoteSession(configured, layout, remote, keep_all=True)
        for step in pipeline.needed(configured, steps):
            session.step(step, fresh=True)

    return way
