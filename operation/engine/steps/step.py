"""One execution of one Core Script: planned, looked up by its key, executed, stored."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from operation.engine.foundation import manifest
from operation.engine.foundation.errors import StepFailed, UsageError
from operation.engine.foundation.files import lock, try_lock
from operation.engine.foundation.git import commit
from operation.engine.foundation.layout import Layout, project
from operation.engine.foundation.run_folder import RunFolder
from operation.engine.identity.contract import Contract, read_contract
from operation.engine.identity.difference import differences
from operation.engine.identity.digests import Digests
from operation.engine.identity.keys import Components
from operation.engine.identity.packages import Packages
from operation.engine.identity.parser_slice import effects_stand
from operation.engine.identity.state import ProjectState
from operation.engine.identity.store import Entry, Store

How = Literal["executed", "reused"]


@dataclass(frozen=True)
class Plan:
    """An execution before it happens."""

    step: str
    contract: Contract
    inputs: Mapping[str, Path]  # input argument -> what to read, absolute
    # all other arguments that are set; the parser's defaults hold for the rest
    arguments: Mapping[str, object]
    components: Components  # what the key is made of
    packages: Packages  # those that the script may use
    state: ProjectState = field(repr=False, compare=False)  # what `components` was read from
    fresh: bool = False  # execute it even where its outputs are known

    @property
    def key(self) -> str:
        """The identity of this execution."""
        return self.components.key

    def argv(self, outputs: Path) -> list[str]:
        """Return the script's command line with its outputs under the folder `outputs`."""
        return self.contract.argv({**self.inputs, **self.arguments, **self.output_folders(outputs)})

    def local_argv(self, outputs: Path) -> list[str]:
        """Return `argv` as it is executed here: a database in ``runs/`` is where that folder is."""
        return list(map(project().in_runs, self.argv(outputs)))

    def output_folders(self, parent: Path) -> dict[str, Path]:
        """Return output -> its folder in `parent`."""
        return {name: parent / name for name in self.contract.outputs}


# Executes a plan with its outputs in the folder; raises when it fails. What it returns, such as where it ran
# and which files it `opened`, goes into the manifest.
Runner = Callable[[Plan, Path], Mapping[str, Any] | None]


@dataclass(frozen=True)
class Done:
    """An execution that is in the store."""

    plan: Plan
    entry: Entry
    how: How
    seconds: float  # of the execution, or of finding it
    metrics: dict[str, Any] = field(default_factory=dict)


def plan(
    state: ProjectState, step: str, script: Path, inputs: Mapping[str, Path], arguments: Mapping[str, object]
) -> Plan:
    """Put together one execution of `script`; raise UsageError when an argument or input is missing."""
    contract = read_contract(script)
    _check_complete(contract, {**inputs, **arguments})
    components = state.components(script, contract.canonical(arguments), inputs)
    return Plan(step, contract, dict(inputs), dict(arguments), components, state.script(script)[1], state)


def _check_complete(contract: Contract, given: Mapping[str, object]) -> None:
    needed = [item.name for item in contract.arguments.values() if item.required and item.role != "output"]
    missing = [name for name in needed if given.get(name) is None]
    if missing:
        raise UsageError(f"{contract.script.name} needs --{', --'.join(missing)}.")


def execute(
    layout: Layout,
    planned: Plan,
    run_script: Runner,
    run: RunFolder | None = None,
) -> Done:
    """Reuse what the store holds under the plan's key, or execute the script and keep its outputs.

    While another process executes the same key, this one waits for what that gives; the `run` that it works
    for hears of it. Raises StepFailed when the script ends well but an output folder is missing, or when what
    it was made of was edited meanwhile.
    """
    __tracebackhide__ = True  # a traceback in a notebook leads from the cell to src/
    turn = layout.runs / "turns" / f"{planned.key[:4]}.lock"  # few names: the files stay
    state = planned.state
    while True:
        if done := _reused(state, planned, run):
            return done
        with try_lock(turn) as free:
            if free and (done := _reused(state, planned, run)):  # another process has just done it
                return done
            if free:
                return _execute(layout, planned, run_script, run)
        with run.waiting() if run else nullcontext(), lock(turn):
            state = ProjectState(layout)  # what is there now, as the other process left it


def find(state: ProjectState, key: str, script: Path, argv: Sequence[str]) -> Entry | None:
    """Return what the store holds under `key` if that is still true.

    Its bytes are what was written, the files that the script opened unasked hold what it read, and what it
    did outside the store stands.
    """
    found = Store(state.layout.store, state.digests).find(key)
    if found is None or not state.holds(found.manifest.get("opened", {})):
        return None
    return found if not found.manifest.get("has_effects") or _effects_stand(script, argv) else None


def _effects_stand(script: Path, argv: Sequence[str]) -> bool:
    return effects_stand(script, list(map(project().in_runs, argv)))


def is_current(state: ProjectState, record: Mapping[str, Any]) -> bool:
    """Tell whether the step of a run's `record` would have the same key now, and be found."""
    script, components = state.layout.root / record["script"], record["components"]
    inputs = {name: state.layout.root / path for name, path in record["inputs"].items()}
    try:
        now = state.components(script, components["arguments"], inputs)
    except (UsageError, OSError):  # the step says it when it is executed
        return False
    return now.key == record["key"] and find(state, now.key, script, record["argv"]) is not None


def _reused(state: ProjectState, planned: Plan, run: RunFolder | None) -> Done | None:
    if planned.fresh or (run and run.is_due(planned.key)):
        return None
    clock = time.perf_counter()
    argv = planned.argv(state.layout.store / planned.key)
    entry = find(state, planned.key, planned.contract.script, argv)
    if entry is None:
        return None
    seconds = time.perf_counter() - clock
    return Done(replace(planned, state=state), entry, "reused", seconds, dict(entry.manifest["metrics"]))


def _execute(layout: Layout, planned: Plan, run_script: Runner, run: RunFolder | None) -> Done:
    """Execute the script and keep its outputs."""
    __tracebackhide__ = True
    store = Store(layout.store, Digests(layout.runs / "digests.db"))
    started, clock = manifest.now(), time.perf_counter()
    with store.writing(planned.key) as folder:
        facts = {"opened": {}, **(run_script(planned, folder) or {})}
        check_written(planned, folder)
        _check_unchanged(layout, planned)
        metrics = _metrics(planned, folder)
        seconds = time.perf_counter() - clock
        facts["opened"] = _unasked(layout, planned, facts["opened"])
        record = {**_record(layout, planned, started, seconds, metrics), **facts}
        entry = store.commit(planned.key, folder, record)
    if run:
        run.executed(planned.key)
    return Done(planned, entry, "executed", seconds, metrics)


def check_written(planned: Plan, folder: Path) -> None:
    """Raise StepFailed when an output of the plan is not in `folder`."""
    missing = [name for name in planned.contract.outputs if not (folder / name).is_dir()]
    if missing:
        raise StepFailed(
            f"{planned.contract.script.name} ended without writing its output {', '.join(missing)}. "
            f"Write it to the folder given by --{missing[0]}, or take the argument out of build_parser()."
        )


def _check_unchanged(layout: Layout, planned: Plan) -> None:
    contract, state = planned.contract, ProjectState(layout)
    now = state.components(contract.script, contract.canonical(planned.arguments), planned.inputs)
    changed = differences(asdict(planned.components), asdict(now))
    if changed:
        raise StepFailed(
            f"{changed[0]} while {planned.step} was executed: which version gave its outputs is "
            "unknown, so they are not stored. Rerun it."
        )


def _unasked(layout: Layout, planned: Plan, opened: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return what the script opened that no argument names: inputs are in its key by content alone."""
    inputs = list(planned.inputs.values())
    return {
        name: digest
        for name, digest in opened.items()
        if not any((layout.root / name).is_relative_to(path) for path in inputs)
    }


def _metrics(planned: Plan, folder: Path) -> dict[str, Any]:
    files = [folder / name / "metrics.json" for name in planned.contract.outputs]
    return {
        name: value
        for file in files
        if file.is_file()
        for name, value in json.loads(file.read_text(encoding="utf-8")).items()
    }


def _record(
    layout: Layout, planned: Plan, started: str, seconds: float, metrics: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "schema": manifest.SCHEMA,
        "kind": "step",
        "step": planned.step,
        "key": planned.key,
        "components": asdict(planned.components),
        "argv": planned.argv(layout.store / planned.key),
        "inputs": {name: layout.relative(path) for name, path in planned.inputs.items()},
        "outputs": list(planned.contract.outputs),
        "metrics": dict(metrics),
        "started": started,
        "ended": manifest.now(),
        "seconds": round(seconds, 3),
        "status": "succeeded",
        "has_effects": planned.contract.has_effects,
        **commit(layout.root),
        **manifest.machine(),
    }
