"""A pipeline executed on this machine, stage after stage, under the rules of its own system."""

from __future__ import annotations

import getpass
import json
import os
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from operation.engine.foundation import manifest
from operation.engine.foundation.git import commit
from operation.engine.foundation.layout import Layout
from operation.engine.pipelines.conditions import describe, effective
from operation.engine.pipelines.evaluation import evaluate
from operation.engine.pipelines.expressions import AZURE, ExpressionError
from operation.engine.pipelines.job_execution import JobExecution, RunningPipeline
from operation.engine.pipelines.model import Job, Pipeline, Stage
from operation.engine.pipelines.results import (
    CANCELED,
    GOOD,
    SKIPPED,
    SUCCEEDED,
    WAITING,
    JobResult,
    StageResult,
    ancestors,
    dependencies,
    job_dependencies,
    statuses,
    together,
)
from operation.engine.pipelines.tree import Node
from operation.engine.pipelines.values import truth

_HERE = {"posix": ("ubuntu", "debian", "linux"), "nt": ("windows",)}


@dataclass
class PipelineRun:
    """One execution of a pipeline, and how it ended."""

    pipeline: Pipeline
    folder: Path
    stages: dict[str, StageResult] = field(default_factory=dict)
    summaries: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0
    waiting: list[str] = field(default_factory=list)  # environments that nobody approved

    @property
    def result(self) -> str:
        """How the whole ended."""
        return WAITING if self.waiting else together(stage.result for stage in self.stages.values())


class PipelineRunner:
    """Executes a pipeline.

    Parameters
    ----------
    layout : Layout
        The checkout that it is executed in.
    pipeline : Pipeline
        Read without a mistake.
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
        self._layout, self._approve, self._say, self._only = layout, approve, say, only
        stages = {stage.name: StageResult(CANCELED, reason="not reached") for stage in pipeline.stages}
        self.outcome = PipelineRun(pipeline, layout.runs / "ci" / name, stages)
        self.outcome.folder.mkdir(parents=True)
        self._running = RunningPipeline(layout, self.outcome.folder, pipeline, say)
        self.outcome.summaries, self.outcome.failures = self._running.summaries, self._running.failures
        self._commit = commit(layout.root)

    def run(self) -> PipelineRun:
        """Execute every stage whose condition holds; `outcome` tells of it also where this is interrupted."""
        run, began = self.outcome, time.monotonic()
        stages = {stage.name: stage for stage in run.pipeline.stages}
        try:
            for name in TopologicalSorter({name: one.needs for name, one in stages.items()}).static_order():
                self._timed(stages[name])
        finally:
            run.seconds = time.monotonic() - began
        return run

    def _timed(self, stage: Stage) -> None:
        start, self.outcome.stages[stage.name] = time.monotonic(), StageResult(CANCELED, reason="interrupted")
        try:
            self.outcome.stages[stage.name] = self._stage(stage)
        finally:
            self.outcome.stages[stage.name].seconds = time.monotonic() - start

    def _stage(self, stage: Stage) -> StageResult:
        pipeline, done = self.outcome.pipeline, self.outcome.stages
        if self._only and stage.name not in self._only:
            return StageResult(SUCCEEDED, reason="left out")
        needs = {other.name: other.needs for other in pipeline.stages}
        before = {name: done[name].result for name in ancestors(stage.name, needs)}
        contexts = {**self._contexts(stage.variables), **dependencies(stage, done, pipeline)}
        self._say(f"\n{stage.title}")
        if not (self._only or self._holds(stage.condition, contexts, before, stage.node)):
            reason = self._why_not(stage, before)
            self._say(f"   skipped: {reason}")
            return StageResult(SKIPPED, reason=reason)
        jobs: dict[str, JobResult] = {}
        for job in _in_order(stage):
            jobs[job.name] = self._merged(jobs.get(job.name), self._job(job, stage, jobs, contexts))
        reason = next((job.reason for job in jobs.values() if job.reason), "")
        return StageResult(together(job.result for job in jobs.values()), jobs, reason)

    def _merged(self, before: JobResult | None, job: JobResult) -> JobResult:
        """Return the result of all copies that a matrix makes of one job."""
        if before is None:
            return job
        result = together([before.result, job.result])
        return JobResult(result, {**before.outputs, **job.outputs}, before.reason or job.reason)

    def _job(
        self, job: Job, stage: Stage, jobs: Mapping[str, JobResult], contexts: Mapping[str, Any]
    ) -> JobResult:
        if len(stage.jobs) > 1:
            self._say(f"   {job.title}")
        if not _runs_here(job.image):
            self._say(f"   needs {job.image}: not on this machine")
            return JobResult(SKIPPED, reason=f"needs {job.image}")
        own = dict(contexts)
        if self.outcome.pipeline.system == AZURE:
            own["dependencies"] = job_dependencies(job, jobs, stage)
        needs = {other.name: other.needs for other in stage.jobs}
        before = {name: jobs[name].result for name in ancestors(job.name, needs)}
        if not self._holds(job.condition, own, before, job.node):
            reason = f"its condition does not hold: {job.condition or 'a job before it did not succeed'}"
            self._say(f"   skipped: {reason}")
            return JobResult(SKIPPED, reason=reason)
        if job.environment and not self._approve(job.environment):
            self.outcome.waiting.append(job.environment)
            reason = f"waits for the approval of {job.environment}"
            self._say(f"   {reason}")
            return JobResult(SKIPPED, reason=reason)
        try:
            return JobExecution(self._running, job, own).run()
        except ExpressionError as error:
            raise job.node.refuse(str(error)) from error

    def _holds(
        self, condition: str, contexts: Mapping[str, Any], before: Mapping[str, str], node: Node
    ) -> bool:
        dialect = self.outcome.pipeline.system
        try:
            return truth(evaluate(effective(condition, dialect), dialect, contexts, statuses(before)))
        except ExpressionError as error:
            raise node.refuse(str(error)) from error

    def _why_not(self, stage: Stage, before: Mapping[str, str]) -> str:
        """Return why a stage is skipped: the stage before it, or what its condition asks."""
        bad = [name for name, result in before.items() if result not in GOOD]
        if bad:
            return f"stage {bad[0]} {'was skipped' if before[bad[0]] == SKIPPED else 'did not succeed'}"
        return f"it runs only if {describe(stage.condition, self.outcome.pipeline.system)}"

    def _contexts(self, stage_variables: Mapping[str, Node]) -> dict[str, Any]:
        """Return what expressions may name, as a run by hand on this branch would have it."""
        branch, sha = "main", str(self._commit["commit"] or "")
        own = {name: node.text() for name, node in stage_variables.items()}
        if self.outcome.pipeline.system == AZURE:
            known = {
                "Build.SourceBranch": f"refs/heads/{branch}",
                "Build.SourceBranchName": branch,
                "Build.SourceVersion": sha,
                "Build.Reason": "Manual",
                "Build.BuildId": self.outcome.folder.name,
                "Build.RequestedFor": getpass.getuser(),
                "System.DefaultWorkingDirectory": str(self._layout.root),
                "Build.ArtifactStagingDirectory": str(self.outcome.folder / "staging"),
                "Pipeline.Workspace": str(self.outcome.folder / "artifacts"),
            }
            return {"variables": {**known, **own}, "pipeline": {}}
        github = {
            "ref": f"refs/heads/{branch}",
            "ref_name": branch,
            "sha": sha,
            "event_name": "workflow_dispatch",
        }
        github |= {
            "workflow": self.outcome.pipeline.name,
            "run_id": self.outcome.folder.name,
            "actor": getpass.getuser(),
        }
        return {
            "variables": own,
            "github": github,
            "vars": dict(os.environ),
            "secrets": dict(os.environ),
            "inputs": self.outcome.pipeline.parameters,
            "runner": {"os": "Linux"},
            "strategy": {},
        }


def _in_order(stage: Stage) -> list[Job]:
    order = list(TopologicalSorter({job.name: job.needs for job in stage.jobs}).static_order())
    return sorted(stage.jobs, key=lambda job: order.index(job.name))


def _runs_here(image: str) -> bool:
    """Tell whether this machine can stand in for one with that image; an unknown name may be any."""
    system = image.partition("-")[0].lower()
    foreign = {name for key, names in _HERE.items() if key != os.name for name in names} | {"macos"}
    return system not in foreign


def record(run: PipelineRun, layout: Layout) -> Path:
    """Write ``result.json`` beside the artifacts; return its file."""
    file = run.folder / "result.json"
    stages = {
        name: {"result": stage.result, "seconds": round(stage.seconds, 1), "reason": stage.reason}
        for name, stage in run.stages.items()
    }
    content = {
        "schema": manifest.SCHEMA,
        "kind": "ci",
        "pipeline": layout.relative(layout.root / run.pipeline.file),
        "result": run.result,
        "seconds": round(run.seconds, 1),
        "stages": stages,
        "failures": run.failures,
    }
    file.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return file
