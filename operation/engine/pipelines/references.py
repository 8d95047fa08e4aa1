"""What expressions ask of other stages, jobs and steps: both systems call it empty where nobody tells it."""

from __future__ import annotations

from collections.abc import Iterator

from operation.engine.foundation.nearest import did_you_mean
from operation.engine.pipelines.expressions import GITHUB, Expression, path_of, walk
from operation.engine.pipelines.model import Job, Pipeline, Stage


def reference_mistakes(
    expression: Expression, pipeline: Pipeline, level: str, stage: Stage | None, job: Job | None
) -> Iterator[str]:
    """Yield what an expression asks of something that it does not wait for, or that nobody tells.

    Parameters
    ----------
    level : {"stage", "job", "step"}
        Of what the expression is a part of: ``dependencies`` are stages for a stage, and jobs for a job.
    stage, job : optional
        What it is a part of.
    """
    stage = stage or next((known for known in pipeline.stages if job in known.jobs), None)
    paths = {path for part in walk(expression) if (path := path_of(part)) and len(path) > 1}
    for path in sorted(paths):
        root, rest = path[0].lower(), path[1:]
        if root == "dependencies" and level == "job" and job:
            yield from _unawaited(rest[0], job.needs, pipeline.system)
        elif root in {"needs", "dependencies", "stagedependencies"} and stage:
            yield from _unawaited(rest[0], stage.needs, pipeline.system)
            yield from _untold(root, rest, pipeline)
        elif root == "steps" and job and rest[0] not in [step.name for step in job.steps]:
            names = [step.name for step in job.steps if step.name]
            yield f"no step before has the id '{rest[0]}'.{did_you_mean(rest[0], names)}"


def _unawaited(name: str, needs: tuple[str, ...], system: str) -> Iterator[str]:
    if name not in needs:
        key = "needs" if system == GITHUB else "dependsOn"
        yield f"'{name}' is not in '{key}', so that this is always empty.{did_you_mean(name, needs)}"


def _untold(root: str, rest: tuple[str, ...], pipeline: Pipeline) -> Iterator[str]:
    stage = next((stage for stage in pipeline.stages if stage.name == rest[0]), None)
    if stage is None or "outputs" not in rest[:-1]:
        return
    known = _outputs(stage, pipeline.system)
    name = f"{rest[1]}.{rest[-1]}" if root == "stagedependencies" else rest[-1]
    if not any(name.startswith(output) for output in known):
        yield f"stage '{rest[0]}' has no output '{rest[-1]}'.{did_you_mean(rest[-1], known)}"


def _outputs(stage: Stage, system: str) -> list[str]:
    """Return the names under which the outputs of a stage can be asked; Azure's without the variable."""
    if system == GITHUB:
        return [name for job in stage.jobs for name in job.outputs]
    named = [(job, step) for job in stage.jobs for step in job.steps if step.name]
    return [f"{job.name}.{f'{job.name}.' if job.is_deployment else ''}{step.name}." for job, step in named]
