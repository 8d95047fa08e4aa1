"""The routes by which a use case's steps go to Azure ML: one by one, as a pipeline, beside AutoML."""

from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from typing import Any

from operation.engine.configuration import Configuration
from operation.engine.configuration.targets import Compute
from operation.engine.evidence.certificate.ways import Way
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.runs.summary import metric_lines
from operation.engine.steps.runners import child_process
from operation.engine.steps.session import Session
from operation.engine.steps.step import Done
from operation.execution import automl, parallel, pipeline, published_pipeline, registered_models
from operation.execution.failure import sdk_errors
from operation.execution.job import SUBMITS, submit_script
from operation.execution.open_workspace import open_workspace
from operation.execution.outputs import NotExecuted
from operation.execution.remote_session import RemoteRunner, RemoteSession
from operation.execution.run_log import Say
from operation.execution.submission_record import Submission

ESTIMATOR = "Azure ML deprecated Estimator; --as script submits the same and supersedes it"


@dataclass(frozen=True)
class SubmitOptions:
    """Which steps are submitted, where, and how."""

    route: str  # script, estimator, spark, pipeline, automl, parallel
    steps: Sequence[str]  # each after those that it reads from
    compute: Compute
    fresh: bool = False  # execute even what the store or Azure ML holds
    # where steps that are missing upstream are executed, as scripts; by default as the steps themselves
    upstream_compute: Compute | None = None
    publish: bool = False  # a successful pipeline
    schedule: bool = False


def send(options: SubmitOptions, submission: Submission, say: Say) -> None:
    """Submit as `options` say, and note the results in `submission`."""
    say("opening the workspace")  # the SDK's import alone takes seconds
    workspace = open_workspace(submission.configured.environment)
    submit = SUBMITS.get(options.route, submit_script)
    layout, configured = submission.layout, submission.configured
    remote = RemoteRunner(layout, configured, workspace, options.compute, submit=submit, say=say)
    remote.logs = submission.logs
    if options.route == "estimator":
        say(ESTIMATOR)
    {"automl": _automl, "parallel": _parallel, "pipeline": _pipeline}.get(options.route, _scripts)(
        options, remote, submission
    )


def _scripts(options: SubmitOptions, remote: RemoteRunner, submission: Submission) -> None:
    """Execute steps as runs of their own, each after what it needs; the store is used where it can be."""
    session = RemoteSession(remote.configured, remote.layout, remote)
    for step in options.steps:
        if options.upstream_compute:
            _execute_upstream(options.upstream_compute, remote, step)
        try:
            done = session.step(step, fresh=options.fresh)
        except NotExecuted as verified:
            submission.facts["verified"] = str(verified)
            remote.say(str(verified))
            return
        _finish(remote, session, done)


def _parallel(options: SubmitOptions, remote: RemoteRunner, submission: Submission) -> None:
    """Execute shares of each step side by side, and join them here."""
    session = Session(remote.configured, remote.layout, child_process)
    for step in options.steps:
        done, submission.facts["azure"] = parallel.execute(remote, step, fresh=options.fresh)
        _finish(remote, session, done)


def _execute_upstream(compute: Compute, remote: RemoteRunner, step: str) -> None:
    """Execute what `step` needs on another compute: a Spark cluster need not make its own inputs."""
    layout, configured = remote.layout, remote.configured
    other = RemoteRunner(layout, configured, remote.workspace, compute, submit=submit_script, say=remote.say)
    other.logs = remote.logs
    RemoteSession(configured, layout, other).plan(step, {})


def _pipeline(options: SubmitOptions, remote: RemoteRunner, submission: Submission) -> None:
    """Execute steps, and what they need, as one pipeline; Azure ML reuses what it can."""
    with sdk_errors(f"pipeline in workspace {remote.workspace.name}"):
        builder = pipeline.PipelineBuilder(remote, pipeline.needed(remote.configured, options.steps))
        run = pipeline.submit(builder, fresh=options.fresh)
        submission.facts["azure"] = {"pipeline": run.id, "workspace": remote.workspace.name}
        remote.say(f"pipeline: run {run.id} on {remote.target}, {len(builder.names)} steps")
        runs, failures = pipeline.follow(run, remote)
    session, names = pipeline.collect(builder, runs, failures)
    for name in names:
        _finish(remote, session, session.step(name, fresh=options.fresh))
    if options.publish or options.schedule:
        _publish(options, remote, submission, run)


def _publish(options: SubmitOptions, remote: RemoteRunner, submission: Submission, run: Any) -> None:
    settings, use_case = remote.configured.pipeline, remote.configured.use_case
    if settings is None:
        raise UsageError(f"the use case '{use_case}' has no section 'pipeline'. Add it, then rerun.")
    with sdk_errors(f"publishing {settings.publish}"):
        version = remote.configured.digest[:12]
        published = published_pipeline.publish(remote.workspace, run, settings, version)
        when = published_pipeline.schedule(remote.workspace, settings, use_case) if options.schedule else ""
    submission.facts["published"] = {
        "endpoint": published.name,
        "version": published.version,
        "url": published.url,
        **({"schedule": when} if when else {}),
    }
    remote.say(f"endpoint {published.name}, version {published.version}: {published.url}")
    if when:
        remote.say(f"endpoint {published.name}: runs {when}")


def _automl(options: SubmitOptions, remote: RemoteRunner, submission: Submission) -> None:
    """Run an AutoML search, and compare its best model with the use case's own."""
    wanted = automl.settings(remote.layout, remote.configured)
    session = RemoteSession(remote.configured, remote.layout, remote)
    own = session.step(wanted.compare, fresh=options.fresh)
    tables = [session.input_path(value) for value in (wanted.training, wanted.holdout)]
    # the SDK writes logs into the working folder
    with sdk_errors(f"automl in workspace {remote.workspace.name}"), chdir(remote.layout.runs):
        best = automl.submit(remote, wanted, *tables)
    rows = best.rows(own.metrics)
    submission.facts["automl"] = {"run": best.run, "algorithm": best.algorithm, "compared": rows}
    submission.notes.append(_comparison(best.algorithm, wanted.compare, rows))
    remote.say(f"  {'metric':<20} {f'AutoML ({best.algorithm})':>32} {wanted.compare:>12}")
    for row in rows:
        remote.say(f"  {row['metric']:<20} {row['automl']:>32.4f} {row['model']:>12.4f}")


def _comparison(algorithm: str, step: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the comparison as Markdown, for the submission's page."""
    lines = [f"| {row['metric']} | {row['automl']:.4f} | {row['model']:.4f} |" for row in rows]
    head = [f"| metric | AutoML ({algorithm}) | {step} |", "| --- | --- | --- |"]
    reading = "AutoML chose its best on the holdout itself, which favours it."
    return "\n".join(["## The model and AutoML's best, on the same holdout", "", *head, *lines, "", reading])


def _finish(remote: RemoteRunner, session: Session, done: Done) -> None:
    """Print how a step went, and register in the workspace the model that it let pass its gate."""
    remote.say(f"{done.plan.step} {done.how} in {done.seconds:.1f} s, key {done.plan.key[:12]}")
    for line in metric_lines(done.metrics):
        remote.say(line)
    if registered_models.is_registration(remote.configured.step(done.plan.step)):
        with sdk_errors(f"the models of workspace {remote.workspace.name}"):
            model = registered_models.register_passed(remote.workspace, session, done)
        state = "registered" if model.new else "registered before (same digest)"
        remote.say(f"model {model.name}, version {model.version}, digest {model.digest[:12]}: {state}")


def azure_ml(compute: Compute) -> Way:
    """Return the way, for a certificate, of executing steps as new runs on `compute`."""

    def way(layout: Layout, configured: Configuration, steps: Sequence[str]) -> None:
        workspace, submit = open_workspace(configured.environment), submit_script
        remote = RemoteRunner(layout, configured, workspace, compute, submit=submit, say=lambda _: None)
        session = RemoteSession(configured, layout, remote, keep_all=True)
        for step in pipeline.needed(configured, steps):
            session.step(step, fresh=True)

    return way
