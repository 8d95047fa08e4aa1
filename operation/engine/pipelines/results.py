"""How stages, jobs and steps ended, and what conditions ask about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from operation.engine.pipelines.expressions import AZURE
from operation.engine.pipelines.model import Job, Pipeline, Stage

SUCCEEDED, ISSUES = "succeeded", "succeeded with warnings"
FAILED, SKIPPED, CANCELED = "failed", "skipped", "canceled"
WAITING = "waiting for an approval"  # of a whole run only
GOOD = {SUCCEEDED, ISSUES}
_AZURE = {
    SUCCEEDED: "Succeeded",
    ISSUES: "SucceededWithIssues",
    FAILED: "Failed",
    SKIPPED: "Skipped",
    CANCELED: "Canceled",
}
_GITHUB = {
    SUCCEEDED: "success",
    ISSUES: "success",
    FAILED: "failure",
    SKIPPED: "skipped",
    CANCELED: "cancelled",
}


@dataclass
class JobResult:
    """How a job ended, and the outputs of its steps by ``step.variable``."""

    result: str
    outputs: dict[str, str] = field(default_factory=dict)
    reason: str = ""  # of what did not run


@dataclass
class StageResult:
    """How a stage ended, and its jobs by their names."""

    result: str
    jobs: dict[str, JobResult] = field(default_factory=dict)
    reason: str = ""
    seconds: float = 0.0


def together(results: Iterable[str]) -> str:
    """Return how something ended whose parts ended like this."""
    known = set(results)
    for result in (CANCELED, FAILED):
        if result in known:
            return result
    if known and known <= {SKIPPED}:
        return SKIPPED
    return ISSUES if ISSUES in known else SUCCEEDED


def ancestors(name: str, needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Return what `name` waits for, directly or not."""
    found: list[str] = []
    waiting = list(needs[name])
    while waiting:
        need = waiting.pop()
        if need not in found:
            found.append(need)
            waiting += needs.get(need, ())
    return found


def statuses(before: Mapping[str, str]) -> dict[str, Callable[[Sequence[str]], bool]]:
    """Return what ``succeeded`` and its like answer, given how all that went before has ended."""

    def chosen(names: Sequence[str]) -> list[str]:
        return [before.get(name, SKIPPED) for name in names] if names else list(before.values())

    def succeeded(names: Sequence[str]) -> bool:
        return all(result in GOOD for result in chosen(names))

    def failed(names: Sequence[str]) -> bool:
        return any(result == FAILED for result in chosen(names))

    def canceled(_: Sequence[str]) -> bool:
        return CANCELED in before.values()

    return {
        "succeeded": succeeded,
        "success": succeeded,
        "failed": failed,
        "failure": failed,
        "always": lambda _: True,
        "canceled": canceled,
        "cancelled": canceled,
        "succeededorfailed": lambda names: not canceled(names),
    }


def dependencies(stage: Stage, done: Mapping[str, StageResult], pipeline: Pipeline) -> dict[str, Any]:
    """Return the contexts with the stages that `stage` waits for."""
    if pipeline.system == AZURE:
        return {
            "dependencies": {name: _azure_stage(done[name], _stage(pipeline, name)) for name in stage.needs},
            "stageDependencies": {
                name: _azure_jobs(done[name], _stage(pipeline, name)) for name in stage.needs
            },
        }
    return {"needs": {name: _github_job(done[name]) for name in stage.needs}}


def job_dependencies(job: Job, jobs: Mapping[str, JobResult], stage: Stage) -> dict[str, Any]:
    """Return Azure's context with the jobs of the same stage that `job` waits for."""
    known = {other.name: other for other in stage.jobs}
    return {name: _azure_job(jobs[name], known[name]) for name in job.needs}


def _stage(pipeline: Pipeline, name: str) -> Stage:
    return next(stage for stage in pipeline.stages if stage.name == name)


def _outputs(result: JobResult, job: Job) -> dict[str, str]:
    """Return a job's outputs as Azure names them: those of a deployment carry the name of the job."""
    before = f"{job.name}." if job.is_deployment else ""
    return {f"{before}{name}": value for name, value in result.outputs.items()}


def _azure_job(result: JobResult, job: Job) -> dict[str, Any]:
    return {"result": _AZURE[result.result], "outputs": _outputs(result, job)}


def _azure_jobs(done: StageResult, stage: Stage) -> dict[str, Any]:
    return {job.name: _azure_job(done.jobs[job.name], job) for job in stage.jobs if job.name in done.jobs}


def _azure_stage(done: StageResult, stage: Stage) -> dict[str, Any]:
    outputs = {
        f"{job.name}.{name}": value
        for job in stage.jobs
        if job.name in done.jobs
        for name, value in _outputs(done.jobs[job.name], job).items()
    }
    return {"result": _AZURE[done.result], "outputs": outputs}


def _github_job(done: StageResult) -> dict[str, Any]:
    outputs = {name: value for job in done.jobs.values() for name, value in job.outputs.items()}
    return {"result": _GITHUB[done.result], "outputs": outputs}


def github_word(result: str) -> str:
    """Return a result as GitHub writes it."""
    return _GITHUB[result]
