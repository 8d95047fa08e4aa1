"""The summary of a pipeline's run in Markdown: how its stages ended, then what its steps told."""

from __future__ import annotations

from operation.engine.pipelines.results import (
    CANCELED,
    FAILED,
    ISSUES,
    SKIPPED,
    SUCCEEDED,
    WAITING,
    StageResult,
)
from operation.engine.pipelines.runner import PipelineRun

_MARKS = {SUCCEEDED: "✅", ISSUES: "⚠️", FAILED: "❌", SKIPPED: "⏭️", CANCELED: "⏹️", WAITING: "⏸️"}


def summary(run: PipelineRun) -> str:
    """Return the page of a run."""
    titles = {stage.name: stage.title for stage in run.pipeline.stages}
    lines = [
        f"## {_MARKS[run.result]} {run.pipeline.name}: {run.result}",
        "",
        "| stage | result | seconds | |",
        "|---|---|---:|---|",
        *(_row(titles[name], stage) for name, stage in run.stages.items()),
    ]
    lines += ["", *(f"- {failure}" for failure in run.failures)] if run.failures else []
    return "\n".join([*lines, "", *run.summaries]) + "\n"


def _row(title: str, stage: StageResult) -> str:
    return f"| {title} | {_MARKS[stage.result]} {stage.result} | {stage.seconds:.0f} | {stage.reason} |"
