"""The steps of a use case against the contracts of their scripts and against one another."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from operation.engine.configuration.documents import KeyPath, Value
from operation.engine.configuration.models import Automl, Pipeline, StepModel
from operation.engine.configuration.step_contract import is_empty, parser_problem, script_of, step_contract
from operation.engine.configuration.variables import circles, is_open
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.nearest import did_you_mean, listed, nearest
from operation.engine.identity.contract import Argument, Contract

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_REFERENCE = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")
RESERVED = ("using", "fresh")  # what every function of `core` takes itself
Mistake = tuple[KeyPath, str]


@dataclass(frozen=True)
class StepGraph:
    """The steps of one use case as the file has them, checked together."""

    steps: Mapping[str, StepModel]  # by name, in the file's order
    layout: Layout
    # steps of which a part could not be read: what seems to be missing there may only be misspelt
    broken: frozenset[str] = frozenset()

    def script(self, name: str) -> Path:
        """Return the Core Script of the step `name`."""
        return script_of(name, self.steps[name], self.layout)

    @cached_property
    def _read(self) -> dict[str, Contract | str]:
        return {name: step_contract(name, step, self.layout) for name, step in self.steps.items()}

    @property
    def contracts(self) -> dict[str, Contract]:
        """The contracts that could be read, by step."""
        return {name: contract for name, contract in self._read.items() if isinstance(contract, Contract)}

    def problems(self) -> Iterator[Mistake]:
        """Yield every mistake with its place in the file."""
        if not self.steps:
            yield ("steps",), "'steps' is empty: add a step, such as 'ingest:'."
        for name, contract in self._read.items():
            if not _NAME.fullmatch(name):
                expected = "use lower-case letters, digits and '_', as in core.<step>()"
                yield ("steps", name), f"'{name}' is not a valid step name: {expected}.{_renamed(name)}"
            if isinstance(contract, str):
                yield ("steps", name, "script"), contract
                yield from self._inputs(name, None)
            else:
                yield from self._against(name, contract)
        for start, path in circles(self._needs):
            around = " -> ".join(path)
            yield (
                ("steps", start, "inputs"),
                f"steps depend on each other in a circle: {around}. Remove one of these inputs.",
            )

    def _against(self, name: str, contract: Contract) -> Iterator[Mistake]:
        arguments = self._arguments(name, contract, self.steps[name].arguments, ("steps", name, "arguments"))
        wrong = [*_reserved(name, contract), *arguments, *self._inputs(name, contract)]
        if name not in self.broken:
            wrong += self._required(name, contract)
        if not wrong and name not in self.broken and (problem := parser_problem(contract, self.steps[name])):
            wrong.append((("steps", name), f"step '{name}': {problem}."))
        yield from wrong

    def _arguments(
        self, name: str, contract: Contract, arguments: Mapping[str, Value], section: KeyPath
    ) -> Iterator[Mistake]:
        for key, value in arguments.items():
            key_path = (*section, key)
            argument = contract.arguments.get(key)
            if argument is None or argument.role != "value":
                yield key_path, self._misplaced(name, key, contract, "argument")
            elif _is_closed(value) and (problem := argument.problem(value)):
                yield key_path, f"argument '{key}' of step '{name}': {problem}."

    def _inputs(self, name: str, contract: Contract | None) -> Iterator[Mistake]:
        for key, value in self.steps[name].inputs.items():
            key_path = ("steps", name, "inputs", key)
            argument = contract.arguments.get(key) if contract else None
            if contract and (argument is None or argument.role != "input"):
                yield key_path, self._misplaced(name, key, contract, "input")
            elif _is_closed(value) and (problem := self.source_problem(value)):
                yield key_path, f"input '{key}' of step '{name}' {problem}"

    def _misplaced(self, name: str, key: str, contract: Contract, kind: str) -> str:
        script = self.layout.relative(contract.script)
        argument = contract.arguments.get(key)
        if argument is None:
            known = contract.inputs if kind == "input" else contract.values
            close = nearest(key, known) or nearest(key, contract.arguments)
            hint = f" Did you mean '{close}'?" if close else f" It has {listed(known, 'and')}."
            return f"step '{name}' has no {kind} '{key}': {script} does not declare it.{hint}"
        if argument.role == "output":
            return f"'{key}' is an output of {script}. Remove it: outputs are stored automatically."
        right = "inputs" if argument.role == "input" else "arguments"
        return f"'{key}' is one of the {right} of {script}. Move it to '{right}' of step '{name}'."

    def source_problem(self, value: str) -> str | None:
        """Return why nothing can be read from `value`, a reference or a path; None when it can."""
        reference = _REFERENCE.fullmatch(value)
        if reference and reference[1] in self.steps:
            return self._output_problem(*reference.groups())
        path = self.layout.root / value
        if path.exists():
            return None
        if "/" in value or "\\" in value:
            if Path(value).is_absolute():
                return None  # data may be mounted where the step runs and not where it is checked
            siblings = [self.layout.relative(sibling) for sibling in sorted(path.parent.glob("*"))]
            return f"reads the path '{value}', which does not exist.{did_you_mean(value, siblings)}"
        if reference is None:
            expected = "expected step.output, such as 'ingest.table', or a path that exists"
            return f"reads '{value}': {expected}.{did_you_mean(value, self._outputs())}"
        return (
            f"reads '{value}', but there is no step '{reference[1]}'.{did_you_mean(value, self._outputs())}"
        )

    def _output_problem(self, step: str, output: str) -> str | None:
        contract = self.contracts.get(step)
        if contract is None or output in contract.outputs:
            return None
        written = listed(contract.outputs, "and")
        hint = did_you_mean(f"{step}.{output}", [f"{step}.{name}" for name in contract.outputs])
        return f"reads '{step}.{output}', but step '{step}' writes {written}.{hint}"

    def _outputs(self) -> list[str]:
        return [
            f"{step}.{output}" for step, contract in self.contracts.items() for output in contract.outputs
        ]

    def _required(self, name: str, contract: Contract) -> Iterator[Mistake]:
        step = self.steps[name]
        present = {key for key, value in {**step.inputs, **step.arguments}.items() if not is_empty(value)}
        for argument in contract.arguments.values():
            misspelt = any(
                contract.nearest(key) == argument.name for key in present if key not in contract.arguments
            )
            if (
                argument.required
                and argument.role != "output"
                and argument.name not in present
                and not misspelt
            ):
                yield ("steps", name), f"step '{name}' lacks {self._lacking(argument)}"

    def _lacking(self, argument: Argument) -> str:
        what = f"'{argument.name}' ({argument.help})" if argument.help else f"'{argument.name}'"
        if argument.role == "value":
            return f"the argument {what}: add '{argument.name}: ...', {argument.expected}, to its arguments."
        likely = [output for output in self._outputs() if output.endswith(f".{argument.name}")]
        example = likely[0] if likely else "step.output"
        return f"the input {what}: add a line such as '{argument.name}: {example}' to its inputs."

    @property
    def _needs(self) -> dict[str, list[str]]:
        matches = {name: map(_REFERENCE.fullmatch, step.inputs.values()) for name, step in self.steps.items()}
        return {
            name: [ref[1] for ref in refs if ref and ref[1] in self.steps] for name, refs in matches.items()
        }

    def azure_problems(self, automl: Automl | None, pipeline: Pipeline | None) -> Iterator[Mistake]:
        """Yield what is wrong with the sections for Azure ML against the steps."""
        if automl:
            for key, value in (("training", automl.training), ("holdout", automl.holdout)):
                if problem := self.source_problem(value):
                    yield ("automl", key), f"'{key}' of 'automl' {problem}"
            if automl.compare not in self.steps:
                yield ("automl", "compare"), f"'compare' of 'automl': there is no step '{automl.compare}'."
        if pipeline and pipeline.every and pipeline.on_new_data:
            message = "'pipeline' has both 'every' and 'on-new-data': a schedule is one of them. Remove one."
            yield ("pipeline", "on-new-data"), message

    def play_problems(self, play: Mapping[str, Mapping[str, Value]]) -> Iterator[Mistake]:
        """Yield what is wrong with the arguments that hold while past deliveries are played."""
        for name, arguments in play.items():
            if name not in self.steps:
                hint = did_you_mean(name, self.steps)
                yield ("monitor", "play", name), f"'play' of 'monitor': there is no step '{name}'.{hint}"
            elif contract := self.contracts.get(name):
                yield from self._arguments(name, contract, arguments, ("monitor", "play", name))

    def order(self) -> list[str]:
        """Return the steps' names, each after those it reads from, otherwise in the file's order."""
        waiting, needs = list(self.steps), self._needs
        done: list[str] = []
        while waiting:
            ready = next(name for name in waiting if set(needs[name]) <= set(done))
            waiting.remove(ready)
            done.append(ready)
        return done


def _reserved(name: str, contract: Contract) -> Iterator[Mistake]:
    for argument in contract.arguments.values():
        if argument.dest in RESERVED:
            meaning = f"core.{name}({argument.dest}=...) means something else in notebooks. Rename it."
            yield ("steps", name), f"argument '{argument.name}' of src/{contract.script.name}: {meaning}"


def _renamed(name: str) -> str:
    proposal = re.sub(r"[^a-z0-9_]", "_", name.lower()).lstrip("_0123456789")
    return f" Rename it to '{proposal}'." if proposal else ""


def _is_closed(value: Value) -> bool:
    """Tell whether `value` is there, with every reference in it resolved."""
    return not is_empty(value) and not is_open(value)
