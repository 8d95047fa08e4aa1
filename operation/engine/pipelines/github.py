"""The reader of GitHub's workflows: what a local run covers, and everything else refused with its line."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

from operation.engine.foundation.layout import Layout
from operation.engine.foundation.nearest import did_you_mean
from operation.engine.pipelines.expressions import GITHUB
from operation.engine.pipelines.model import Job, Kind, Pipeline, Stage, Step
from operation.engine.pipelines.parts import condition_of, copies, environment_of, step_of
from operation.engine.pipelines.tree import Findings, Node, Plain, read_tree

_ROOT = "name run-name on permissions env defaults concurrency jobs"
_JOB = """name needs if runs-on environment permissions concurrency outputs env defaults strategy steps
    timeout-minutes continue-on-error"""
_STEP = "id if name uses run shell with env continue-on-error timeout-minutes"
_ACTIONS = {
    "actions/checkout": (Kind.CHECKOUT, ""),
    "actions/setup-python": (Kind.PYTHON, "python-version"),
    "actions/upload-artifact": (Kind.PUBLISH, "path"),
    "actions/download-artifact": (Kind.DOWNLOAD, "path"),
    "azure/login": (Kind.LOGIN, "client-id"),
}


def read_github(
    layout: Layout, path: Path, parameters: Mapping[str, Plain], findings: Findings
) -> Pipeline | None:
    """Read one workflow; None when nothing of it can be told. `findings` takes its mistakes."""
    with findings.collecting():
        root = read_tree(layout, path)
        with findings.collecting():
            root.require_keys(_ROOT, "of a workflow")
        _read_defaults(root)
        jobs = root.mapping("jobs")
        if not jobs:
            raise root.refuse("has no 'jobs': nothing would run.")
        stages = tuple(findings.each(jobs.items(), lambda entry: _stage(*entry, findings)))
        triggers, values = tuple(_triggers(root)), _inputs(root, parameters)
        return Pipeline(GITHUB, path.stem, root.file, stages, triggers, root.mapping("env"), values)
    return None


def _stage(name: str, node: Node, findings: Findings) -> Stage:
    steps = node.get("steps")
    node.require_keys(_JOB, "of a job", "container services uses with secrets")
    if steps is None:
        raise node.refuse(f"job '{name}' has no steps.")
    _read_defaults(node)
    node.minutes("timeout-minutes")
    job = Job(
        name,
        node,
        node.word("name", name),
        (),
        tuple(findings.each(steps.members(), _step)),
        "",
        environment_of(node),
        node.word("runs-on"),
        node.mapping("env"),
        node.mapping("outputs"),
        may_fail=node.word("continue-on-error") == "true",
    )
    jobs, condition = tuple(copies(job, _matrix(node), GITHUB)), condition_of(node, GITHUB)
    return Stage(name, node, job.title, node.words("needs"), jobs, condition)


def _matrix(node: Node) -> list[dict[str, str]]:
    strategy = node.get("strategy")
    matrix = strategy.get("matrix") if strategy else None
    if matrix is None:
        return []
    keys = [key for key in matrix.items() if key not in {"include", "exclude"}]
    matrix.require_keys(" ".join(keys), "of a matrix", "include exclude")
    entries = itertools.product(*map(matrix.words, keys))
    return [dict(zip(keys, entry, strict=True)) for entry in entries]


def _step(node: Node) -> Step:
    node.require_keys(_STEP, "of a step", "working-directory")
    if "run" in node.items():
        _require_bash(node)
        return step_of(node, GITHUB, Kind.COMMAND, node.word("run"))
    if "uses" not in node.items():
        raise node.refuse("a step needs 'run' or 'uses'.")
    action = node.word("uses").partition("@")[0]
    if action not in _ACTIONS:
        raise node.items()["uses"].refuse(
            f"action '{action}' is not covered by a local run. Write a workbench command as 'run', or one of "
            f"{', '.join(_ACTIONS)}."
        )
    (kind, key), inputs = _ACTIONS[action], node.texts("with")
    artifact = inputs.get("name", "artifact") if kind in {Kind.PUBLISH, Kind.DOWNLOAD} else ""
    return step_of(node, GITHUB, kind, inputs.get(key, ""), artifact=artifact)


def _require_bash(node: Node) -> None:
    shell = node.word("shell", "bash")
    if shell != "bash":
        raise node.items()["shell"].refuse(f"shell '{shell}' is not covered by a local run. Use bash.")


def _read_defaults(node: Node) -> None:
    for run in node.mapping("defaults").values():
        run.require_keys("shell", "of the defaults", "working-directory")
        _require_bash(run)


def _inputs(root: Node, given: Mapping[str, Plain]) -> dict[str, Plain]:
    on = root.get("on")
    dispatch = on.get("workflow_dispatch") if on and isinstance(on.value, dict) else None
    declared = dispatch.mapping("inputs") if dispatch else {}
    for name in given:
        if name not in declared:
            raise root.refuse(f"there is no parameter '{name}'.{did_you_mean(name, declared)}")
    return {**{name: entry.word("default") for name, entry in declared.items()}, **given}


def _triggers(root: Node) -> Iterator[str]:
    on = root.get("on")
    if on is None:
        raise root.refuse("has no 'on': nothing would start it. Add 'on: workflow_dispatch'.")
    events = on.items() if isinstance(on.value, dict) else dict.fromkeys(root.words("on"), on.at({}))
    for event, words in (("pull_request", "pull request to"), ("push", "push to")):
        if event in events:
            node = events[event]
            names = node.words("branches") if isinstance(node.value, dict) else ()
            yield f"{words} {', '.join(names) or 'any branch'}"
    for schedule in (events.get("schedule") or root.at([])).members():
        yield f"schedule {schedule.cron('cron')}"
