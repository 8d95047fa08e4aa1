"""What steps and jobs of both systems have, each under its own keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from operation.engine.pipelines.expressions import AZURE, GITHUB
from operation.engine.pipelines.model import Job, Kind, Step
from operation.engine.pipelines.tree import Node


@dataclass(frozen=True)
class Keys:
    """What a system calls the members that both have."""

    title: str
    name: str
    condition: str
    minutes: str
    may_fail: str
    needs: str
    variable: str  # how a value of a matrix is asked for


KEYS = {
    AZURE: Keys(
        "displayName", "name", "condition", "timeoutInMinutes", "continueOnError", "dependsOn", "$({})"
    ),
    GITHUB: Keys("name", "id", "if", "timeout-minutes", "continue-on-error", "needs", "${{{{ matrix.{} }}}}"),
}


def step_of(node: Node, system: str, kind: Kind, text: str, *, artifact: str = "", login: str = "") -> Step:
    """Return a step with what stands in its own mapping."""
    keys = KEYS[system]
    return Step(
        kind,
        node,
        node.word(keys.title),
        text.strip(),
        node.word(keys.name),
        "false" if node.word("enabled") == "false" else condition_of(node, system),
        artifact,
        node.texts("env"),
        login,
        node.word(keys.may_fail) == "true",
        node.minutes(keys.minutes),
    )


def condition_of(node: Node, system: str) -> str:
    """Return a condition; GitHub's may have signs around it, or none."""
    text = node.word(KEYS[system].condition).strip()
    whole = system == GITHUB and text.startswith("${{") and text.endswith("}}") and text.count("${{") == 1
    return text[3:-2].strip() if whole else text


def environment_of(node: Node) -> str:
    """Return the name of a job's environment, empty where it has none."""
    environment = node.get("environment")
    if environment is None or not isinstance(environment.value, dict):
        return node.word("environment")
    environment.require_keys("name url", "of an environment", "resourceName resourceType resourceId tags")
    name = environment.word("name")
    if not name:
        raise environment.refuse("an environment needs 'name: NAME'.")
    return name


def copies(job: Job, matrix: Sequence[dict[str, str]], system: str) -> list[Job]:
    """Return a copy of a job for each entry of its matrix; the job itself where it has none."""
    return [_copy(job, entry, KEYS[system].variable) for entry in matrix] or [job]


def _copy(job: Job, entry: dict[str, str], variable: str) -> Job:
    image = job.image
    for key, value in entry.items():
        image = image.replace(variable.format(key), value)
    return replace(job, title=f"{job.title} ({', '.join(entry.values())})", image=image, matrix=entry)
