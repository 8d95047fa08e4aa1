"""Steps of one use case in one environment: what is missing upstream is executed, the rest reused."""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from operation.engine.configuration import Configuration, Step
from operation.engine.foundation import manifest, run_folder
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.nearest import did_you_mean, listed
from operation.engine.identity.contract import read_contract
from operation.engine.identity.refusals import excluded
from operation.engine.identity.state import ProjectState
from operation.engine.identity.store import Entry
from operation.engine.steps import failures, history
from operation.engine.steps.step import Done, Plan, Runner, execute, plan


@dataclass
class Reading:
    """What one call reads of the project, once for all steps that it needs."""

    state: ProjectState
    entries: dict[str, Entry] = field(default_factory=dict)  # step -> what it gave


class Session:
    """A configuration, and how scripts are run: ``in_process`` in a notebook, ``child_process`` elsewhere."""

    def __init__(self, configured: Configuration, layout: Layout, run_script: Runner) -> None:
        self.configured = configured
        self.layout = layout
        self.run_script = run_script
        self.run = run_folder.current()
        self.stand_ins: Mapping[str, Entry] = {}  # step -> what is taken instead of its configured outputs

    def standing_in(self, entries: Mapping[str, Entry]) -> Session:
        """Return this session with `entries` in the place of the steps that they are named after."""
        session = copy(self)
        session.stand_ins = entries
        return session

    def step(self, name: str, given: Mapping[str, object] | None = None, *, fresh: bool = False) -> Done:
        """Execute or reuse the step `name`, after what it needs.

        Parameters
        ----------
        given : mapping, optional
            Argument or input -> value; what is not given is as configured.
        fresh : bool, default=False
            Execute this step even when the store holds its outputs.

        Raises
        ------
        UsageError
            For an unknown step or argument, or a value that the contract refuses.
        Exception
            Whatever the Core Script raises.
        """
        __tracebackhide__ = True  # a traceback in a notebook leads from the cell to src/
        return self._step(name, given or {}, Reading(ProjectState(self.layout)), fresh=fresh)

    def _step(self, name: str, given: Mapping[str, object], reading: Reading, *, fresh: bool = False) -> Done:
        __tracebackhide__ = True
        planned = replace(self._plan(name, given, reading), fresh=fresh)
        as_configured = self._is_configured(name, given)
        try:
            done = execute(self.layout, planned, self.run_script, self.run)
        except BaseException as error:
            if record := self._failure(planned, error):
                self._record(record, planned, as_configured)
            raise
        self._record(self._success(done), planned, as_configured)
        # code may have been edited while it was executed
        reading.state = done.plan.state if done.how == "reused" else ProjectState(self.layout)
        return done

    def plan(self, name: str, given: Mapping[str, object]) -> Plan:
        """Return the execution of the step `name`, with its inputs in place."""
        return self._plan(name, given, Reading(ProjectState(self.layout)))

    def _plan(self, name: str, given: Mapping[str, object], reading: Reading) -> Plan:
        __tracebackhide__ = True
        step, values = self._without_excluded(name, given)
        known = read_contract(step.script).values
        _check_values(step.script.name, values, known)
        arguments = {**step.arguments, **{key: value for key, value in values.items() if key in known}}
        paths = {key: self._input(value, reading) for key, value in self.sources(name, given).items()}
        return plan(reading.state, name, step.script, paths, arguments)

    def sources(self, name: str, given: Mapping[str, object]) -> dict[str, object]:
        """Return input -> ``step.output`` or path that the step `name` reads."""
        step, values = self._without_excluded(name, given)
        known = read_contract(step.script).inputs
        return {**step.inputs, **{key: value for key, value in values.items() if key in known}}

    def source(self, name: str, argument: str) -> object:
        """Return what the step `name` reads as its input `argument`; raise UsageError if that is nothing."""
        sources, key = self.sources(name, {}), argument.replace("_", "-")
        if key not in sources:
            hint = did_you_mean(key, sources) or f" It has: {listed(sources, 'and')}."
            owner = f"step '{name}' of the use case '{self.configured.use_case}'"
            raise UsageError(f"{owner} has no input '{argument}'.{hint}")
        return sources[key]

    def input_path(self, source: object) -> Path:
        """Return the path of an input's `source`, executing the step that gives it if need be."""
        return self._input(source, Reading(ProjectState(self.layout)))

    def _values(self, name: str, given: Mapping[str, object]) -> dict[str, object]:
        """Return argument or input -> value as far as the call or the run sets it."""
        contract = read_contract(self.configured.step(name).script)
        changed = self.run.overrides.get(name, {}) if self.run else {}
        values = {**changed, **{key: value for key, value in given.items() if value is not None}}
        return {contract.named(key).name: value for key, value in values.items()}

    def _without_excluded(self, name: str, given: Mapping[str, object]) -> tuple[Step, dict[str, object]]:
        """Return the step without configured values that one of the call or the run excludes, and those."""
        step, values = self.configured.step(name), self._values(name, given)
        if not values:
            return step, values
        out = excluded(read_contract(step.script), values, {**step.inputs, **step.arguments})
        inputs, arguments = (
            {key: value for key, value in kept.items() if key not in out}
            for kept in (step.inputs, step.arguments)
        )
        return replace(step, inputs=inputs, arguments=arguments), values

    def _is_configured(self, name: str, given: Mapping[str, object]) -> bool:
        """Tell whether neither a value of the call nor a stand-in reaches the step `name`."""
        upstream = self.configured.upstream(self.configured.step(name).inputs.values())
        return upstream.isdisjoint(self.stand_ins) and all(value is None for value in given.values())

    def _input(self, value: object, reading: Reading) -> Path:
        """Return the path of an input; a reference ``step.output`` is executed first, once."""
        __tracebackhide__ = True
        if reference := self.configured.reference(value):
            step, output = reference
            if step not in reading.entries:
                reading.entries[step] = self.stand_ins.get(step) or self._step(step, {}, reading).entry
            return reading.entries[step].output(output)
        path = Path(os.fspath(value))  # type: ignore[call-overload]
        return path if path.is_absolute() else self.layout.root / path

    def _record(self, record: Mapping[str, Any], planned: Plan, as_configured: bool) -> None:
        """Tell the history, and the run that this process works for, what became of a step."""
        components = history.described(self.layout, planned)
        entry = {**components, "how": record["how"], "at": manifest.now(), "as_configured": as_configured}
        run = {"run": self.run.path.name} if self.run else {}
        history.append(self.layout, self.configured.use_case, self.configured.environment, {**entry, **run})
        if self.run:
            self.run.record({**record, **components, "as_configured": as_configured})

    def _success(self, done: Done) -> dict[str, Any]:
        outputs = {
            name: {
                "path": f"../store/{done.plan.key}/{name}",
                "digest": output["digest"],
                "bytes": output["bytes"],
            }
            for name, output in done.entry.manifest["outputs"].items()
        }
        return {
            **self._identity(done.plan),
            "how": done.how,
            "seconds": round(done.seconds, 3),
            "metrics": done.metrics,
            "outputs": outputs,
            "error": None,
        }

    def _failure(self, planned: Plan, error: BaseException) -> dict[str, Any] | None:
        details = getattr(error, "details", None) or failures.from_exception(error, self.layout.src)
        return {
            **self._identity(planned),
            "how": "failed",
            "seconds": 0.0,
            "metrics": {},
            "outputs": {},
            "error": {**details, "exit_code": failures.exit_code_of(error)},
        }

    def _identity(self, planned: Plan) -> dict[str, Any]:
        return {
            "step": planned.step,
            "script": self.layout.relative(planned.contract.script),
            "key": planned.key,
            "notebook": os.environ.get(run_folder.NOTEBOOK),
            "argv": planned.argv(self.layout.store / planned.key),
            "inputs": {name: _below(path, self.layout.root) for name, path in planned.inputs.items()},
        }


def _below(path: Path, root: Path) -> str:
    """Return `path` from the root where it is below it; links stay, they may lead elsewhere later."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _check_values(script: str, values: Mapping[str, object], known: Mapping[str, Any]) -> None:
    problems_by_name = {name: known[name].problem(value) for name, value in values.items() if name in known}
    problems = [f"{script} --{name}: {problem}." for name, problem in problems_by_name.items() if problem]
    if problems:
        raise UsageError("\n".join(problems))
