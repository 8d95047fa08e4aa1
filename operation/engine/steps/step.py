"""One execution of one Core Script: planned, looked up by its key, executed, stored."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from operation.engine.foundation import manifest
from operation.engine.foundation.errors import StepFailed, UsageError
from operation.engine.foundation.files import lock
from operation.engine.foundation.git import commit
from operation.engine.foundation.layout import Layout
from operation.engine.identity.contract import Contract, read_contract
from operation.engine.identity.difference import differences
from operation.engine.identity.digests import Digests
from operation.engine.identity.keys import Components, lock_digest, python_version
from operation.engine.identity.source import source_digests
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
    fresh: bool = False  # execute it even where its outputs are known

    @property
    def key(self) -> str:
        """The identity of this execution."""
        return self.components.key

    def argv(self, outputs: Path) -> list[str]:
        """Return the script's command line with its outputs under the folder `outputs`."""
        return self.contract.argv({**self.inputs, **self.arguments, **self.output_folders(outputs)})

    def output_folders(self, parent: Path) -> dict[str, Path]:
        """Return output -> its folder in `parent`."""
        return {name: parent / name for name in self.contract.outputs}


# Executes a plan with its outputs in the folder; raises when it fails. What it returns, such as where it ran,
# goes into the manifest.
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
    layout: Layout, step: str, script: Path, inputs: Mapping[str, Path], arguments: Mapping[str, object]
) -> Plan:
    """Put together one execution of `script`; raise UsageError when an argument or input is missing."""
    contract = read_contract(script)
    _check_complete(contract, {**inputs, **arguments})
    components = _components(layout, contract, inputs, arguments)
    return Plan(step, contract, dict(inputs), dict(arguments), components)


def _components(
    layout: Layout, contract: Contract, inputs: Mapping[str, Path], arguments: Mapping[str, object]
) -> Components:
    digests = Digests(layout.runs / "digests.db")
    return Components(
        script=contract.script.name,
        sources=source_digests(contract.script),
        arguments=contract.canonical(arguments),
        inputs={name: _input_digest(digests, name, path) for name, path in sorted(inputs.items())},
        python=python_version(),
        lock=lock_digest(layout.lock),
    )


def _check_complete(contract: Contract, given: Mapping[str, object]) -> None:
    needed = [item.name for item in contract.arguments.values() if item.required and item.role != "output"]
    missing = [name for name in needed if given.get(name) is None]
    if missing:
        raise UsageError(f"{contract.script.name} needs --{', --'.join(missing)}.")


def _input_digest(digests: Digests, name: str, path: Path) -> str:
    """Return the digest of an input; scripts choose a reader by a file's suffix, so it counts."""
    if not path.exists():
        raise UsageError(f"input '{name}': {path} does not exist.")
    return digests.of(path).digest + (path.suffix.lower() if path.is_file() else "")


def execute(layout: Layout, planned: Plan, run_script: Runner) -> Done:
    """Reuse what the store holds under the plan's key, or execute the script and keep its outputs.

    While another process executes the same key, this one waits for what that gives. Raises StepFailed when
    the script ends well but an output folder is missing, or when what it was made of was edited meanwhile.
    """
    __tracebackhide__ = True  # a traceback in a notebook leads from the cell to src/
    store = Store(layout.store, Digests(layout.runs / "digests.db"))
    if done := None if planned.fresh else _reused(store, planned):
        return done
    with lock(layout.runs / "turns" / f"{planned.key[:4]}.lock"):  # few names: the files stay
        if done := None if planned.fresh else _reused(store, planned):  # another process has just done it
            return done
        return _execute(layout, planned, run_script, store)


def _reused(store: Store, planned: Plan) -> Done | None:
    clock = time.perf_counter()
    entry = store.find(planned.key)
    if entry is None:
        return None
    return Done(planned, entry, "reused", time.perf_counter() - clock, dict(entry.manifest["metrics"]))


def _execute(layout: Layout, planned: Plan, run_script: Runner, store: Store) -> Done:
    """Execute the script and keep its outputs."""
    __tracebackhide__ = True
    started, clock = manifest.now(), time.perf_counter()
    with store.writing(planned.key) as folder:
        facts = run_script(planned, folder) or {}
        _check_written(planned, folder)
        _check_unchanged(layout, planned)
        metrics = _metrics(planned, folder)
        seconds = time.perf_counter() - clock
        record = {**_record(layout, planned, started, seconds, metrics), **facts}
        entry = store.commit(planned.key, folder, record)
    return Done(planned, entry, "executed", seconds, metrics)


def _check_written(planned: Plan, folder: Path) -> None:
    missing = [name for name in planned.contract.outputs if not (folder / name).is_dir()]
    if missing:
        raise StepFailed(
            f"{planned.contract.script.name} ended without writing its output {', '.join(missing)}. "
            f"Write it to the folder given by --{missing[0]}, or take the argument out of build_parser()."
        )


def _check_unchanged(layout: Layout, planned: Plan) -> None:
    now = _components(layout, planned.contract, planned.inputs, planned.arguments)
    changed = differences(asdict(planned.components), asdict(now))
    if changed:
        raise StepFailed(
            f"{changed[0]} while {planned.step} was executed: which version gave its outputs is "
            "unknown, so they are not stored. Rerun it."
        )


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
        **commit(layout.root),
        **manifest.machine(),
    }
