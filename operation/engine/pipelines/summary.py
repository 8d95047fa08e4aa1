"""What a pipeline's run leaves: a page in Markdown, and the same for programs."""

from __future__ import annotations

import json
from pathlib import Path

from operation.engine.foundation import manifest
from operation.engine.pipelines.results import PipelineRun, Result, StageResult

_MARKS = {
    Result.SUCCEEDED: "✅",
    Result.ISSUES: "⚠️",
    Result.FAILED: "❌",
    Result.SKIPPED: "⏭️",
    Result.LEFT_OUT: "⏭️",
    Result.CANCELED: "⏹️",
    Result.WAITING: "⏸️",
}


def record(run: PipelineRun) -> Path:
    """Write ``result.json`` and ``summary.md`` beside the artifacts; return the page."""
    stages = {
        name: {"result": stage.result, "seconds": round(stage.seconds, 1), "reason": stage.reason}
        for name, stage in run.stages.items()
    }
    content = {
        "schema": manifest.SCHEMA,
        "kind": "ci",
        "pipeline": run.pipeline.file,
        "result": run.result,
        "seconds": round(run.seconds, 1),
        "stages": stages,
        "failures": run.failures,
    }
    (run.folder / "result.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
    page = run.folder / "summary.md"
    page.write_text(summary(run), encoding="utf-8")
    return page


def summary(run: PipelineRun) -> str:
    """Return the page of a run: how its stages ended, then what its steps told."""
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
