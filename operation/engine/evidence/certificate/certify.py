"""Executes steps afresh in every way, and compares source, argv, inputs and output bytes."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from operation.engine.configuration import Configuration
from operation.engine.evidence.certificate import conditions
from operation.engine.evidence.certificate.edits import check_unchanged, since
from operation.engine.evidence.certificate.values import first_difference
from operation.engine.evidence.certificate.ways import WAYS, Way
from operation.engine.foundation import git, manifest
from operation.engine.foundation.layout import Layout
from operation.engine.identity.difference import differences
from operation.engine.steps.runners import child_process
from operation.engine.steps.why import LookingSession, NotInStore

Say = Callable[[str, float], None]


def certify(
    layout: Layout,
    configured: Configuration,
    steps: Sequence[str],
    say: Say,
    more: Mapping[str, Way] | None = None,
) -> tuple[Path, dict[str, Any]]:
    """Execute `steps`, and what they need, in each way, and write ``certificate.json``.

    Parameters
    ----------
    steps : sequence of str
        Names; empty: all steps of the use case.
    say : callable
        Called with each way and its seconds when it ends.
    more : mapping, optional
        Ways besides those of this machine, by name, such as ``azure-ml``.

    Returns
    -------
    tuple of Path and dict
        The certificate's folder and content; ``identical`` says whether all ways gave the same.

    Raises
    ------
    WorkbenchError
        For an unknown step, when a way fails, and when a file was edited meanwhile: there is nothing to
        compare.
    """
    for step in steps:
        configured.step(step)
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    name = f"{stamp}-{configured.use_case}-{configured.environment}-{secrets.token_hex(2)}"
    folder = layout.runs / "certificates" / name
    selected = [step for step in configured.steps if not steps or step in steps]
    records: dict[str, dict[str, Any]] = {}
    seconds: dict[str, float] = {}
    for way, run in {**WAYS, **(more or {})}.items():
        started, own = time.perf_counter(), Layout(layout.root, folder / way)
        own.runs.mkdir(parents=True)
        _link_data(layout, own, configured, selected)
        run(own, configured, selected)
        seconds[way] = round(time.perf_counter() - started, 3)
        records[way] = {step: _record(own, configured, step) for step in selected}
        check_unchanged(layout, configured, next(iter(records.values())), records[way])
        say(way, seconds[way])
    content = _content(layout, configured, records, seconds, folder)
    for step in content["steps"]:
        if any(difference["way"] == "script" for difference in step["differences"]):
            first = Layout(layout.root, folder / next(iter(records)))
            step["causes"] = _causes(configured, first, step["step"])
    manifest.write(folder / "certificate.json", content)
    return folder, content


def _link_data(layout: Layout, own: Layout, configured: Configuration, steps: Sequence[str]) -> None:
    """Let raw tables in ``runs/``, which steps read and no step writes, be there too."""
    values = (value for step in steps for value in configured.steps[step].arguments.values())
    for word, path in layout.named_in_runs(values).items():
        link = own.runs / word.removeprefix("runs/")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path.resolve(), target_is_directory=True)


def _record(own: Layout, configured: Configuration, step: str) -> dict[str, Any]:
    try:
        entry = LookingSession(configured, own, child_process).step(step).entry
    except NotInStore as missing:
        raise since(own, missing.planned) from None
    argv = [word.replace(str(own.runs), "<runs>") for word in entry.manifest["argv"]]
    return {**entry.manifest, "argv": argv, "folder": entry.folder}


def _causes(configured: Configuration, own: Layout, step: str) -> list[str]:
    """Say what the outputs of a step depend on, by executing it with inputs out of the store of `own`."""
    plan = LookingSession(configured, own, child_process).step(step).plan
    return conditions.causes(plan, own.runs / "conditions")


def _content(
    layout: Layout,
    configured: Configuration,
    records: Mapping[str, Mapping[str, Any]],
    seconds: Mapping[str, float],
    folder: Path,
) -> dict[str, Any]:
    first = next(iter(records.values()))
    steps = [_step(step, {way: by_step[step] for way, by_step in records.items()}) for step in first]
    return {
        "schema": manifest.SCHEMA,
        "kind": "certificate",
        "id": folder.name,
        "use_case": configured.use_case,
        "environment": configured.environment,
        "identical": all(not step["differences"] for step in steps),
        "ways": dict(seconds),
        "steps": steps,
        "varied": list(conditions.VARIED),
        "not_varied": list(conditions.NOT_VARIED),
        "configuration_digest": configured.digest,
        "made": manifest.now(),
        **git.commit(layout.root),
        **manifest.machine(),
    }


def _step(name: str, records: Mapping[str, Any]) -> dict[str, Any]:
    (first_way, first), *others = records.items()
    outputs = first["outputs"]
    return {
        "step": name,
        "key": first["key"],
        "argv": first["argv"],
        "outputs": {output: entry["digest"] for output, entry in outputs.items()},
        "files": sum(len(entry["files"]) for entry in outputs.values()),
        "bytes": sum(entry["bytes"] for entry in outputs.values()),
        "seconds": {way: record["seconds"] for way, record in records.items()},
        "differences": [
            {"way": way, "against": first_way, "what": what}
            for way, other in others
            for what in [*_executions(first, other), *_outputs(first, other)]
        ],
        "causes": [],
    }


def _executions(first: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    parts = [str(difference) for difference in differences(first["components"], other["components"])]
    if "failed_elsewhere" in other:
        parts.append(f"fails under other conditions: {other['failed_elsewhere']}")
    return parts if first["argv"] == other["argv"] else [*parts, "the command line"]


def _outputs(first: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the first differing file of each output, and the first value in it."""
    return [
        _output(name, first, other)
        for name, entry in first["outputs"].items()
        if entry["digest"] != other["outputs"][name]["digest"]
    ]


def _output(name: str, first: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    files, others = (record["outputs"][name]["files"] for record in (first, other))
    file = next(file for file in sorted({*files, *others}) if files.get(file) != others.get(file))
    if file not in files or file not in others:
        return f"output {name}: {file} is in one of them only"
    paths = (record["folder"] / name / file for record in (first, other))
    return f"output {name}: {file}: {first_difference(*paths)}"
