"""``-p name=value``: checked against notebooks and contracts before any kernel starts."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from operation.engine.configuration import Configuration
from operation.engine.configuration.typed_values import read_typed
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.nearest import did_you_mean
from operation.engine.identity.contract import Argument, read_contract
from operation.engine.identity.notebook_parameters import Parameter, read_parameters, step_calls

_CHOSEN_ELSEWHERE = {"use_case": "--use-case", "environment": "--environment"}


@dataclass
class Assignments:
    """What ``-p`` says."""

    parameters: dict[str, dict[str, object]] = field(default_factory=dict)  # notebook -> parameter -> value
    # step -> argument -> value: what the parameter stands for, so that later notebooks go on from the step
    # as it was changed
    overrides: dict[str, dict[str, object]] = field(default_factory=dict)


def assign(
    configured: Configuration, notebooks: Sequence[Path], given: Iterable[str], option: str = "-p"
) -> Assignments:
    """Check every ``name=value`` that was `given` by `option`, and say where it goes.

    ``name`` is a parameter of a notebook, or ``step.argument``. All problems are raised as one UsageError.
    """
    result = Assignments()
    problems = [
        f"{option} {text}: {problem}"
        for text in given
        for problem in _take(configured, notebooks, text, result)
    ]
    if problems:
        raise UsageError("\n".join(problems))
    return result


def _take(
    configured: Configuration, notebooks: Sequence[Path], text: str, result: Assignments
) -> Iterator[str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        yield "expected name=value."
    elif name in _CHOSEN_ELSEWHERE:
        yield f"choose it with {_CHOSEN_ELSEWHERE[name]} {value}."
    elif "." in name:
        yield from _override(configured, name, value, result)
    else:
        yield from _parameter(configured, notebooks, name, value, result)


def _override(configured: Configuration, name: str, text: str, result: Assignments) -> Iterator[str]:
    step, _, argument = name.partition(".")
    if step not in configured.steps:
        yield f"no step '{step}'.{did_you_mean(step, configured.steps)}"
        return
    try:
        known = read_contract(configured.steps[step].script).named(argument)
    except UsageError as error:
        yield str(error)
        return
    kind = known.type_name if known.type_name in ("int", "float", "bool") else "str"
    value = read_typed(text, f"list[{kind}]" if known.multiple else f"{kind} | None")
    problem = known.problem(value)
    if problem:
        yield f"{problem}."
    elif kind != "str" and isinstance(value, str):
        value = known.canonical(value)  # 02: text in a configuration file, a number to the script
    result.overrides.setdefault(step, {})[known.name] = value


def _parameter(
    configured: Configuration, notebooks: Sequence[Path], name: str, text: str, result: Assignments
) -> Iterator[str]:
    declared = {path: read_parameters(path) for path in notebooks}
    takers = [path for path, parameters in declared.items() if name in parameters]
    if not takers:
        known = {name for parameters in declared.values() for name in parameters}
        listed = ", ".join(sorted(known - set(_CHOSEN_ELSEWHERE))) or "none"
        hint = did_you_mean(name, known)
        yield f"no notebook has this parameter.{hint} There are: {listed}."
    for path in takers:
        parameter = declared[path][name]
        value = read_typed(text, parameter.annotation, parameter.default)
        problems = list(_problems(configured, path, parameter, value, result))
        yield from (f"{path.stem}: {problem}." for problem in problems)
        result.parameters.setdefault(path.stem, {})[name] = value


def _problems(
    configured: Configuration, path: Path, parameter: Parameter, value: object, result: Assignments
) -> Iterator[str]:
    problem = parameter.problem(value)
    if problem:
        yield problem
        return
    if value is None:
        return
    for step, argument in arguments_of(configured, path, parameter.name):
        result.overrides.setdefault(step, {})[argument.name] = value
        problem = argument.problem(value)
        if problem:
            yield f"{step}: {problem}"


def arguments_of(configured: Configuration, path: Path, parameter: str) -> Iterator[tuple[str, Argument]]:
    """Yield step and argument for every ``core.<step>(<argument>=<parameter>)`` of the notebook at `path`."""
    for call in step_calls(path):
        if call.step in configured.steps:
            known = read_contract(configured.steps[call.step].script).arguments
            yield from (
                (call.step, known[name])
                for name, variable in call.passed.items()
                if variable == parameter and name in known
            )
