"""The reader of GitHub's workflows: what a local run covers, and everything else refused with its line."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

from operation.engine.foundation.layout import Layout
from operation.engine.pipelines.azure_steps import minutes_of
from operation.engine.pipelines.expressions import GITHUB
from operation.engine.pipelines.model import (
    CHECKOUT,
    COMMAND,
    DOWNLOAD,
    LOGIN,
    PUBLISH,
    PYTHON,
    Job,
    Pipeline,
    Stage,
    Step,
)
from operation.engine.pipelines.tree import Findings, Node, Plain, read_tree

_ROOT = ["name", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs"]
_JOB = (  # noqa: SIM905 - a word a line is no easier to read
    "name needs if runs-on environment permissions concurrency outputs env defaults strategy "
    "steps timeout-minutes continue-on-error"
).split()
_STEP = (  # noqa: SIM905 - a word a line is no easier to read
    "id if name uses run shell with env continue-on-error timeout-minutes working-directory"
).split()
_ACTIONS = {
    "actions/checkout": (CHECKOUT, ""),
    "actions/setup-python": (PYTHON, "python-version"),
    "actions/upload-artifact": (PUBLISH, "path"),
    "actions/download-artifact": (DOWNLOAD, "path"),
    "azure/login": (LOGIN, "client-id"),
}


def read_github(
    layout: Layout, path: Path, parameters: Mapping[str, Plain], findings: Findings
) -> Pipeline | None:
    """Read one workflow; None when nothing of it can be told. `findings` takes its mistakes."""
    with findings.collecting():
        root = read_tree(layout, path)
        with findings.collecting():
            root.require_keys(_ROOT, "of a workflow")
        jobs = root.get("jobs")
        if jobs is None:
            raise root.refuse("has no 'jobs': nothing would run.")
        stages = findings.each([*map(_named, jobs.items().items())], lambda node: _stage(node, findings))
        env, triggers = root.get("env"), tuple(_triggers(root))
        values = {**_inputs(root), **parameters}
        return Pipeline(
            GITHUB, path.stem, root.file, tuple(stages), triggers, env.items() if env else {}, values
        )
    return None


def _named(entry: tuple[str, Node]) -> Node:
    """Return a job with its name inside, as Azure writes it."""
    name, node = entry
    return Node({**node.items(), "": node.at(name)}, node.file, node.line)


def _stage(node: Node, findings: Findings) -> Stage:
    name = node.word("")
    node.require_keys([*_JOB, ""], "of a job", ["container", "services", "uses", "with", "secrets"])
    steps = node.get("steps")
    if steps is None:
        raise node.refuse(f"job '{name}' has no steps.")
    if limit := node.get("timeout-minutes"):
        minutes_of(limit)
    needs = node.get("needs")
    jobs = _jobs(node, tuple(findings.each(steps.members(), _step)))
    words = tuple(member.text() for member in needs.members()) if needs else ()
    return Stage(name, node, node.word("name", name), words, tuple(jobs), condition_of(node))


def _jobs(node: Node, steps: tuple[Step, ...]) -> Iterator[Job]:
    for matrix in _matrix(node):
        image = node.word("runs-on")
        for key, value in matrix.items():
            image = image.replace(f"${{{{ matrix.{key} }}}}", value)
        title = node.word("name", node.word(""))
        env, outputs = node.get("env"), node.get("outputs")
        yield Job(
            node.word(""),
            node,
            f"{title} ({', '.join(matrix.values())})" if matrix else title,
            (),
            steps,
            "",
            _environment(node),
            image,
            env.items() if env else {},
            outputs.items() if outputs else {},
            matrix,
            node.word("continue-on-error") == "true",
        )


def condition_of(node: Node) -> str:
    """Return the expression of ``if:``, with or without its signs."""
    text = node.word("if").strip()
    if text.startswith("${{") and text.endswith("}}") and text.count("${{") == 1:
        return text[3:-2].strip()
    return text


def _environment(node: Node) -> str:
    environment = node.get("environment")
    if environment is None:
        return ""
    return environment.word("name") if isinstance(environment.value, dict) else environment.text()


def _matrix(node: Node) -> list[dict[str, str]]:
    strategy = node.get("strategy")
    matrix = strategy.get("matrix") if strategy else None
    if matrix is None:
        return [{}]
    matrix.require_keys(
        [key for key in matrix.items() if key not in {"include", "exclude"}],
        "of a matrix",
        ["include", "exclude"],
    )
    values = [[member.text() for member in values.members()] for values in matrix.items().values()]
    return [dict(zip(matrix.items(), entry, strict=True)) for entry in itertools.product(*values)]


def _step(node: Node) -> Step:
    node.require_keys(_STEP, "of a step")
    if "run" in node.items():
        shell = node.word("shell", "bash")
        if shell != "bash":
            raise node.items()["shell"].refuse(f"shell '{shell}' is not covered by a local run. Use bash.")
        return _with(node, COMMAND, node.word("run"))
    if "uses" not in node.items():
        raise node.refuse("a step needs 'run' or 'uses'.")
    action = node.word("uses").partition("@")[0]
    if action not in _ACTIONS:
        raise node.items()["uses"].refuse(
            f"action '{action}' is not covered by a local run. Write a workbench command as 'run', or one of "
            f"{', '.join(_ACTIONS)}."
        )
    kind, key = _ACTIONS[action]
    inputs = node.get("with")
    text = inputs.word(key) if inputs and key else ""
    return _with(
        node, kind, text, inputs.word("name", "artifact") if inputs and kind in {PUBLISH, DOWNLOAD} else ""
    )


def _with(node: Node, kind: str, text: str, artifact: str = "") -> Step:
    env, minutes = node.get("env"), node.get("timeout-minutes")
    return Step(
        kind,
        node,
        node.word("name"),
        text.strip(),
        node.word("id"),
        condition_of(node),
        artifact,
        {key: value.text() for key, value in env.items().items()} if env else {},
        may_fail=node.word("continue-on-error") == "true",
        seconds=minutes_of(minutes) if minutes else None,
    )


def _inputs(root: Node) -> dict[str, Plain]:
    on = root.get("on")
    dispatch = on.get("workflow_dispatch") if on and isinstance(on.value, dict) else None
    inputs = dispatch.get("inputs") if dispatch else None
    if inputs is None:
        return {}
    return {name: entry.word("default") for name, entry in inputs.items().items()}


def _triggers(root: Node) -> Iterator[str]:
    on = root.get("on")
    if on is None:
        raise root.refuse("has no 'on': nothing would start it. Add 'on: workflow_dispatch'.")
    events = (
        on.items() if isinstance(on.value, dict) else {member.text(): on.at(None) for member in on.members()}
    )
    for event, words in (("pull_request", "pull request to"), ("push", "push to")):
        if event in events:
            node = events[event]
            branches = node.get("branches") if isinstance(node.value, dict) else None
            names = ", ".join(member.text() for member in branches.members()) if branches else "any branch"
            yield f"{words} {names}"
    schedules = events.get("schedule")
    for schedule in schedules.members() if schedules else []:
        yield f"schedule {schedule.word('cron')}"
