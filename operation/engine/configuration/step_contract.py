"""The contract of a configured step, or what keeps it from being read."""

import argparse
from pathlib import Path

from operation.engine.configuration.documents import Value
from operation.engine.configuration.models import StepModel
from operation.engine.configuration.variables import is_open
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.foundation.nearest import did_you_mean
from operation.engine.identity.contract import Contract, read_contract
from operation.engine.identity.parser_slice import build_parser
from operation.engine.identity.refusals import refusal

# what a build_parser() that is being edited raises
_DEFECTS = (
    argparse.ArgumentError,
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    TypeError,
    ValueError,
)


def script_of(name: str, step: StepModel, layout: Layout) -> Path:
    """Return the Core Script of the step `name`: its own, or the one of the same name."""
    return layout.src / (step.script or f"{name}.py")


def step_contract(name: str, step: StepModel, layout: Layout) -> Contract | str:
    """Return the contract of the step's script, or why there is none."""
    script = script_of(name, step, layout)
    file = layout.relative(script)
    if script.parent != layout.src:
        return f"step '{name}': '{step.script}' is not at the top of src/, where Core Scripts are."
    if not script.is_file():
        scripts = [path.name for path in sorted(layout.src.glob("*.py"))]
        return f"step '{name}': there is no script {file}.{did_you_mean(script.name, scripts)}"
    try:
        return read_contract(script)
    except UsageError as error:
        return f"step '{name}': {str(error).replace(str(script), file)}"
    except _DEFECTS as error:
        return f"step '{name}': build_parser() of {file} fails: {type(error).__name__}: {error}."


def is_empty(value: Value) -> bool:
    """Tell whether `value` leaves an argument to its default."""
    return value is None or value == ""


def parser_problem(contract: Contract, step: StepModel) -> str | None:
    """Return what only the parser itself knows: groups of which one is required, or one excludes another."""
    values = {key: value for key, value in {**step.inputs, **step.arguments}.items() if not is_empty(value)}
    if any(map(is_open, values.values())):
        return None
    argv = contract.argv({**values, **dict.fromkeys(contract.outputs, "output")})
    problem = refusal(build_parser(contract.script), argv)
    return problem.replace("--", "") if problem else None
