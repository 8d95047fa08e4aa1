"""Sends a use case's steps to Azure ML: one by one, as a pipeline, or to AutoML."""

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
class SubmitOptions:
    """What is to be sent, and how."""

    way: str  # how
    steps: Sequence[str]  # which, each after those that it reads from
    compute: Compute  # where
    fresh: bool = False  # execute even what the store or Azure ML holds
    # where missing steps before them are executed, as scripts; by default where they are
    before: Compute | None = None
    publish: bool = False  # of a successful pipeline
    schedule: bool = False


def send(options: SubmitOptions, submission: Submission, say: Say) -> None:
    """Send what `options` name, and note in `submission` what came of it."""
    say("opening the workspace")  # the SDK's import alone takes seconds
    workspace = opened(submission.configured.environment)
    submit = SUBMITS.get(options.way, submit_script)
    remote = Remote(
        submission.layout, submission.configured, workspace, options.compute, submit=submit, say=say
    )
    remote.logs = submission.logs
    if options.way == "estimator":
        say(ESTIMATOR)
    {"automl": _automl, "pipeline": _pipeline}.get(options.way, _one_by_one)(options, remote, submission)


def _one_by_one(options: SubmitOptions, remote: Remote, submission: Submission) -> None:
    """Execute steps as runs of their own, each after what it needs; the store is used where it can be."""
    session = RemoteSession(remote.configured, remote.layout, remote)
    for step in options.steps:
        if options.before:
            _inputs(options.before, remote, step)
        try:
            done = session.step(step, fresh=options.fresh)
        except NotExecuted as verified:
            submission.facts["verified"] = str(verified)
            remote.say(str(verified))
            return
        _report(done, remote.say)
        _register(remote, session, done)


def _inputs(compute: Compute, remote: Remote, step: str) -> None:
    """Execute what `step` needs on another compute: a Spark cluster need not make its own inputs."""
    target = (remote.layout, remote.configured, remote.workspace, compute)
    other = Remote(*target, submit=submit_script, say=remote.say)
    other.logs = remote.logs
    RemoteSession(remote.configured, remote.layout, other).plan(step, {})


def _pipeline(options: SubmitOptions, remote: Remote, submission: Submission) -> None:
    """Execute steps, and what they need, as one pipeline; Azure ML reuses what it can."""
    with sdk_errors(f"pipeline in workspace {remote.workspace.name}"):
        graph = pipeline.Graph(remote, pipeline.needed(remote.configured, options.steps))
        run = pipeline.submit(graph, fresh=options.fresh)
        submission.facts["azure"] = {"pipeline": run.id, "workspace": remote.workspace.name}
        remote.say(f"pipeline: run {run.id} on {remote.target}, {len(graph.names)} steps")
        runs = pipeline.follow(run, remote)
    session = pipeline.collecting(graph, runs)
    for name in graph.names:
        done = session.step(name, fresh=options.fresh)
        _report(done, remote.say)
        _register(remote, session, done)
    if options.publish or options.schedule:
        _publish(options, remote, submission, run)


def _publish(options: SubmitOptions, remote: Remote, submission: Submission, run: Any) -> None:
    settings = remote.configured.pipeline
    if settings is None:
        raise UsageError(f"the use case '{remote.configured.use_case}' has no section 'pipeline': add one.")
    with sdk_errors(f"publishing {settings.publish}"):
        version = remote.configured.digest[:12]
        endpoint = publishing.publish(remote.workspace, run, settings, version)
        use_case = remote.configured.use_case
        schedule = publishing.schedule(remote.workspace, settings, use_case) if options.schedule else ""
    submission.facts["published"] = {
        "endpoint": endpoint.name,
        "version": endpoint.version,
        "url": endpoint.url,
    }
    submission.facts["published"] |= {"schedule": schedule} if schedule else {}
    remote.say(f"endpoint {endpoint.name}, version {endpoint.version}: {endpoint.url}")
    if schedule:
        remote.say(f"endpoint {endpoint.name}: runs {schedule}")


def _automl(options: SubmitOptions, remote: Remote, submission: Submission) -> None:
    """Have AutoML search, and compare its best model with the use case's own."""
    settings = automl.settings(remote.layout, remote.configured)
    session = RemoteSession(remote.configured, remote.layout, remote)
    own = session.step(settings.compare, fresh=options.fresh)
    tables = [session.input_path(value) for value in (settings.training, settings.holdout)]
    # the SDK leaves logs where it stands
    with sdk_errors(f"automl in workspace {remote.workspace.name}"), chdir(remote.layout.runs):
        best = automl.submit(remote, settings, *tables)
    rows = best.rows(own.metrics)
    submission.facts["automl"] = {"run": best.run, "algorithm": best.algorithm, "compared": rows}
    submission.notes.append(_comparison(best.algorithm, settings.compare, rows))
    remote.say(f"  {'metric':<20} {f'AutoML ({best.algorithm})':>32} {settings.compare:>12}")
    for row in rows:
        remote.say(f"  {row['metric']:<20} {row['automl']:>32.4f} {row['model']:>12.4f}")


def _comparison(algorithm: str, step: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the comparison as Markdown, for the submission's page."""
    lines = [f"| {row['metric']} | {row['automl']:.4f} | {row['model']:.4f} |" for row in rows]
    head = [f"| metric | AutoML ({algorithm}) | {step} |", "| --- | --- | --- |"]
    reading = "AutoML chose its best on the holdout itself, which favours it."
    return "\n".join(["## The model and AutoML's best, on the same holdout", "", *head, *lines, "", reading])


def _register(remote: Remote, session: RemoteSession, done: Done) -> None:
    """Register in the workspace the model that a step let pass its gate."""
    if models.is_registration(remote.configured.step(done.plan.step)):
        with sdk_errors(f"the models of workspace {remote.workspace.name}"):
            model = models.register_passed(remote.workspace, session, done)
        state = "registered" if model.new else "registered before (same digest)"
        remote.say(f"model {model.name}, version {model.version}, digest {model.digest[:12]}: {state}")


def _report(done: Done, say: Say) -> None:
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
