"""How stages, jobs and steps ended, and what conditions ask about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from operation.engine.foundation.layout import Layout
from operation.engine.pipelines.expressions import AZURE, GITHUB
from operation.engine.pipelines.model import Pipeline, Stage


class Result(StrEnum):
    """How something ended, in words for a person."""

    SUCCEEDED = "succeeded"
    ISSUES = "succeeded with warnings"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELED = "canceled"
    LEFT_OUT = "left out"  # of a stage that was not asked for: for those after it, it succeeded
    WAITING = "waiting for an approval"  # of a whole run only


GOOD = {Result.SUCCEEDED, Result.ISSUES, Result.LEFT_OUT}
_AZURE = ("Succeeded", "SucceededWithIssues", "Failed", "Skipped", "Canceled", "Succeeded")
_GITHUB = ("success", "success", "failure", "skipped", "cancelled", "success")
# as each system writes them
WORDS = {AZURE: dict(zip(Result, _AZURE, strict=False)), GITHUB: dict(zip(Result, _GITHUB, strict=False))}


@dataclass
class JobResult:
    """How a job ended, and its outputs as its system names them."""

    result: Result
    outputs: dict[str, str] = field(default_factory=dict)
    reason: str = ""  # of what did not run


@dataclass
class StageResult:
    """How a stage ended, and its jobs by their names."""

    result: Result
    jobs: dict[str, JobResult] = field(default_factory=dict)
    reason: str = ""
    seconds: float = 0.0


@dataclass
class PipelineRun:
    """One execution of a pipeline: what its jobs share, and how it ended."""

    layout: Layout
    pipeline: Pipeline
    folder: Path  # runs/ci/<id>
    say: Callable[[str], None]  # called with each line for a person
    stages: dict[str, StageResult]
    summaries: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)  # environments that nobody approved
    seconds: float = 0.0
    steps: int = 0

    @property
    def result(self) -> Result:
        """How the whole ended."""
        return Result.WAITING if self.waiting else together(stage.result for stage in self.stages.values())


def together(results: Iterable[Result]) -> Result:
    """Return how something ended whose parts ended like this."""
    known = set(results)
    for result in (Result.CANCELED, Result.FAILED):
        if result in known:
            return result
    if known and known <= {Result.SKIPPED}:
        return Result.SKIPPED
    return Result.ISSUES if Result.ISSUES in known else Result.SUCCEEDED


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
        return [before.get(name, Result.SKIPPED) for name in names] if names else list(before.values())

    def succeeded(names: Sequence[str]) -> bool:
        return all(result in GOOD for result in chosen(names))

    def failed(names: Sequence[str]) -> bool:
        return Result.FAILED in chosen(names)

    def canceled(_: Sequence[str]) -> bool:
        return Result.CANCELED in before.values()

    return {
        **dict.fromkeys(("succeeded", "success"), succeeded),
        **dict.fromkeys(("failed", "failure"), failed),
        **dict.fromkeys(("canceled", "cancelled"), canceled),
        "always": lambda _: True,
        "succeededOrFailed": lambda names: not canceled(names),
    }


def dependencies(stage: Stage, done: Mapping[str, StageResult], system: str) -> dict[str, Any]:
    """Return the contexts with the stages that `stage` waits for."""
    needed = {name: done[name] for name in stage.needs}
    told = {name: _told(one.result, _outputs(one, system), system) for name, one in needed.items()}
    if system == GITHUB:
        return {"needs": told}
    jobs = {name: job_dependencies(one.jobs, one.jobs) for name, one in needed.items()}
    return {"dependencies": told, "stageDependencies": jobs}


def job_dependencies(names: Iterable[str], jobs: Mapping[str, JobResult]) -> dict[str, Any]:
    """Return Azure's context with jobs of one stage."""
    return {name: _told(jobs[name].result, jobs[name].outputs, AZURE) for name in names}


def _told(result: Result, outputs: Mapping[str, str], system: str) -> dict[str, Any]:
    return {"result": WORDS[system][result], "outputs": outputs}


def _outputs(stage: StageResult, system: str) -> dict[str, str]:
    """Return a stage's outputs: Azure puts the name of the job before theirs."""
    return {
        name if system == GITHUB else f"{job}.{name}": value
        for job, result in stage.jobs.items()
        for name, value in result.outputs.items()
    }
