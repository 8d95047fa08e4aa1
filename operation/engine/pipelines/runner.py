"""A pipeline executed on this machine, stage after stage, under the rules of its own system."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Callable, Collection, Mapping
from graphlib import TopologicalSorter
from typing import Any

from operation.engine.foundation.git import commit
from operation.engine.foundation.layout import Layout
from operation.engine.pipelines.conditions import describe, effective
from operation.engine.pipelines.evaluation import evaluate, guarded
from operation.engine.pipelines.expressions import AZURE
from operation.engine.pipelines.job_execution import JobExecution
from operation.engine.pipelines.model import Job, Pipeline, Stage
from operation.engine.pipelines.results import (
    GOOD,
    JobResult,
    PipelineRun,
    Result,
    StageResult,
    ancestors,
    dependencies,
    job_dependencies,
    statuses,
    together,
)
from operation.engine.pipelines.tree import Node
from operation.engine.pipelines.values import truth

_ELSEWHERE = {"macos", *(("ubuntu", "debian", "linux") if os.name == "nt" else ("windows",))}


class PipelineRunner:
    """Executes a pipeline that was read without a mistake.

    Parameters
    ----------
    approve : Callable
        Called with an environment; whether a job may go there.
    say : Callable
        Called with each line for a person.
    only : Collection[str]
        Stages to execute, whatever their conditions ask of the others; empty stands for all.
    """

    def __init__(
        self,
        layout: Layout,
        pipeline: Pipeline,
        approve: Callable[[str], bool],
        say: Callable[[str], None],
        only: Collection[str] = (),
    ) -> None:
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{pipeline.name}-{pipeline.system}"
        stages = {stage.name: StageResult(Result.CANCELED, reason="not reached") for stage in pipeline.stages}
        self.outcome = PipelineRun(layout, pipeline, layout.runs / "ci" / name, say, stages)
        self.outcome.folder.mkdir(parents=True)
        self._system, self._approve, self._say, self._only = pipeline.system, approve, say, only
        self._known = known_values(self.outcome)

    def run(self) -> PipelineRun:
        """Execute every stage whose condition holds; `outcome` tells of it also where this is interrupted."""
        began, stages = time.monotonic(), {stage.name: stage for stage in self.outcome.pipeline.stages}
        try:
            for name in TopologicalSorter({name: one.needs for name, one in stages.items()}).static_order():
                self._timed(stages[name])
        finally:
            self.outcome.seconds = time.monotonic() - began
        return self.outcome

    def _timed(self, stage: Stage) -> None:
        start, self.outcome.stages[stage.name] = (
            time.monotonic(),
            StageResult(Result.CANCELED, reason="interrupted"),
        )
        try:
            self.outcome.stages[stage.name] = self._stage(stage)
        finally:
            self.outcome.stages[stage.name].seconds = time.monotonic() - start

    def _stage(self, stage: Stage) -> StageResult:
        done = self.outcome.stages
        if self._only and stage.name not in self._only:
            return StageResult(Result.LEFT_OUT)
        needs = {other.name: other.needs for other in self.outcome.pipeline.stages}
        before = {name: done[name].result for name in ancestors(stage.name, needs)}
        contexts = {**self._contexts(stage), **dependencies(stage, done, self._system)}
        self._say(f"\n{stage.title}")
        if not (self._only or self._holds(stage.condition, contexts, before, stage.node)):
            reason = self._why_not(stage, before)
            self._say(f"   skipped: {reason}")
            return StageResult(Result.SKIPPED, reason=reason)
        jobs: dict[str, JobResult] = {}
        for job in _in_order(stage):
            jobs[job.name] = _merged(jobs.get(job.name), self._job(job, stage, jobs, contexts))
        reason = next((job.reason for job in jobs.values() if job.reason), "")
        return StageResult(together(job.result for job in jobs.values()), jobs, reason)

    def _contexts(self, stage: Stage) -> dict[str, Any]:
        own = {name: node.text() for name, node in stage.variables.items()}
        return {**self._known, "variables": {**self._known["variables"], **own}}

    def _job(
        self, job: Job, stage: Stage, jobs: Mapping[str, JobResult], contexts: Mapping[str, Any]
    ) -> JobResult:
        if len(stage.jobs) > 1:
            self._say(f"   {job.title}")
        if self._system == AZURE:
            contexts = {**contexts, "dependencies": job_dependencies(job.needs, jobs)}
        needs = {other.name: other.needs for other in stage.jobs}
        before = {name: jobs[name].result for name in ancestors(job.name, needs)}
        if reason := self._why_job_not(job, contexts, before):
            self._say(f"   skipped: {reason}")
            return JobResult(Result.SKIPPED, reason=reason)
        return guarded(job.node, lambda: JobExecution(self.outcome, job, contexts).run())

    def _why_job_not(self, job: Job, contexts: Mapping[str, Any], before: Mapping[str, str]) -> str:
        """Return why a job is skipped; empty where it is executed."""
        if job.image.partition("-")[0].lower() in _ELSEWHERE:  # an unknown name may be this machine's
            return f"needs {job.image}"
        if not self._holds(job.condition, contexts, before, job.node):
            return f"its condition does not hold: {job.condition or 'a job before it did not succeed'}"
        if not job.environment or self._approve(job.environment):
            return ""
        self.outcome.waiting.append(job.environment)
        return f"waits for the approval of {job.environment}"

    def _holds(
        self, condition: str, contexts: Mapping[str, Any], before: Mapping[str, str], node: Node
    ) -> bool:
        text = effective(condition, self._system)
        return truth(guarded(node, lambda: evaluate(text, self._system, contexts, statuses(before))))

    def _why_not(self, stage: Stage, before: Mapping[str, str]) -> str:
        """Return why a stage is skipped: the stage before it, or what its condition asks."""
        bad = [name for name, result in before.items() if result not in GOOD]
        if bad:
            return (
                f"stage {bad[0]} {'was skipped' if before[bad[0]] == Result.SKIPPED else 'did not succeed'}"
            )
        return f"it runs only if {describe(stage.condition, self._system)}"


def known_values(run: PipelineRun) -> dict[str, Any]:
    """Return what expressions may name, as a run by hand on the main branch has it."""
    branch, sha, user = "main", str(commit(run.layout.root)["commit"] or ""), getpass.getuser()
    if run.pipeline.system == AZURE:
        variables = {
            "Build.SourceBranch": f"refs/heads/{branch}",
            "Build.SourceBranchName": branch,
            "Build.SourceVersion": sha,
            "Build.Reason": "Manual",
            "Build.BuildId": run.folder.name,
            "Build.RequestedFor": user,
            "System.DefaultWorkingDirectory": str(run.layout.root),
            "Build.ArtifactStagingDirectory": str(run.folder / "staging"),
            "Pipeline.Workspace": str(run.folder / "artifacts"),
        }
        return {"variables": variables, "pipeline": {}}
    github = {
        "ref": f"refs/heads/{branch}",
        "ref_name": branch,
        "sha": sha,
        "event_name": "workflow_dispatch",
    }
    return {
        "variables": {},
        "github": github,
        "vars": dict(os.environ),
        "secrets": dict(os.environ),
        "inputs": run.pipeline.parameters,
        "runner": {"os": "Linux"},
        "strategy": {},
    }


def _merged(before: JobResult | None, job: JobResult) -> JobResult:
    """Return the result of all copies that a matrix makes of one job."""
    if before is None:
        return job
    result = together([before.result, job.result])
    return JobResult(result, {**before.outputs, **job.outputs}, before.reason or job.reason)


def _in_order(stage: Stage) -> list[Job]:
    order = list(TopologicalSorter({job.name: job.needs for job in stage.jobs}).static_order())
    return sorted(stage.jobs, key=lambda job: order.index(job.name))
