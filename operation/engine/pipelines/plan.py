"""The plan of a pipeline in words: what runs after what, under which condition; the same for both systems."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from operation.engine.foundation.nearest import listed
from operation.engine.pipelines.conditions import describe
from operation.engine.pipelines.model import Job, Kind, Pipeline, Stage, Step

_VARIABLE = re.compile(r"\$(?:\(|\{\{ matrix\.)(\w+)(?:\)| \}\})")
_SHOWN = {Kind.COMMAND, Kind.PUBLISH, Kind.DOWNLOAD}


def plan(pipeline: Pipeline) -> list[str]:
    """Return the lines of a plan; nothing in them tells which system the pipeline was written for."""
    started = listed([*pipeline.triggers, "hand"])
    lines = [f"{pipeline.name}, started by {started}"]
    for number, stage in enumerate(pipeline.stages, start=1):
        lines += ["", f"{number}. {stage.title}{_after(stage)}"]
        for job in stage.originals:
            lines += [f"   {line}" for line in _job(job, stage, pipeline.system)]
    return lines


def _after(stage: Stage) -> str:
    return f", after {listed(stage.needs, 'and')}" if stage.needs else ""


def _job(job: Job, stage: Stage, system: str) -> Iterator[str]:
    if len(stage.originals) > 1:
        yield f"job {job.title}{f', after {listed(job.needs)}' if job.needs else ''}"
    for condition in (stage.condition, job.condition):
        if words := describe(condition, system):
            yield f"only if {words}"
    if job.environment:
        yield f"environment {job.environment}"
    if any(step.login or step.kind == Kind.LOGIN for step in job.steps):
        yield "logs in to Azure"
    images = list(dict.fromkeys(copy.image for copy in stage.jobs if copy.name == job.name and copy.image))
    if len(images) > 1:
        yield f"on {listed(images, 'and')}"
    for step in job.steps:
        yield from _step(step, system)


def _step(step: Step, system: str) -> Iterator[str]:
    if step.kind not in _SHOWN:
        return
    words = describe(step.condition, system)
    suffix = f"  (if {words})" if words else ""
    artifact = _VARIABLE.sub(r"<\1>", step.artifact)
    what = command_words(step.text) if step.kind == Kind.COMMAND else f"{step.kind} {artifact}"
    yield f"- {what}{suffix}"


def command_words(text: str) -> str:
    """Return a command on one line."""
    return " ".join(text.split())


def words_of(text: str) -> list[str]:
    """Return the words of a command as a shell reads them; none where a quote is not closed."""
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return []
