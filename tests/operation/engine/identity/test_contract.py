"""Contracts: read without libraries, checked, turned into a command line and back."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.identity.contract import read_contract
from operation.engine.identity.parser_slice import build_parser

SRC = Path(__file__).resolve().parents[4] / "src"
SCRIPTS = ["ingest", "validate", "prepare", "train", "evaluate", "explain", "register", "batch_score"]


def test_roles_types_and_defaults_come_from_the_parser(tiny: Layout) -> None:
    contract = read_contract(tiny.src / "count.py")
    assert list(contract.inputs) == ["text"]
    assert list(contract.outputs) == ["result"]
    assert {name: one.type_name for name, one in contract.values.items()} == {
        "factor": "float",
        "skip": "str",
        "loud": "bool",
    }
    assert contract.arguments["factor"].default == 1.0
    assert contract.arguments["skip"].multiple
    assert contract.arguments["loud"].flag


def test_contracts_of_the_core_scripts_need_none_of_their_libraries() -> None:
    code = (
        "import sys; from pathlib import Path; from operation.engine.identity.contract import read_contract\n"
        f"for name in {SCRIPTS!r}: read_contract(Path({str(SRC)!r}) / (name + '.py'))\n"
        "print(sorted({'numpy', 'pandas', 'sklearn', 'mlflow', 'pandera', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=SRC.parent
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("factor", "fast", "expected a number, found 'fast'"),
        ("factor", [1, 2], "expected a number, found a list"),
        ("factor", True, "expected a number, found True"),
        ("loud", "yes", "expected true or false, found 'yes'"),
        ("skip", ["a", None], "expected a list, each text, found None"),
        ("factor", 2, None),
        ("factor", "2.5", None),
        ("skip", ["a", "b"], None),
        ("loud", False, None),
    ],
)
def test_a_value_is_checked_against_its_argument(
    tiny: Layout, name: str, value: object, problem: str | None
) -> None:
    assert read_contract(tiny.src / "count.py").arguments[name].problem(value) == problem


def test_a_choice_names_the_nearest(tiny: Layout) -> None:
    mode = read_contract(tiny.src / "double.py").arguments["mode"]
    assert mode.problem("sqare") == "expected one of plain, square, found 'sqare', perhaps for 'square'"


def test_an_unknown_argument_names_the_nearest(tiny: Layout) -> None:
    message = "count.py has no argument 'facktor'. Did you mean 'factor'?"
    with pytest.raises(UsageError, match=re.escape(message)):
        read_contract(tiny.src / "count.py").named("facktor")


def test_a_script_without_a_parser_says_what_it_lacks(tiny: Layout) -> None:
    script = tiny.src / "bare.py"
    script.write_text("x = 1\n")
    with pytest.raises(UsageError, match=r"bare\.py:1: a Core Script must have a build_parser\(\)"):
        read_contract(script)


def test_all_spellings_of_a_value_are_one(tiny: Layout) -> None:
    contract = read_contract(tiny.src / "count.py")
    assert (
        contract.canonical({"factor": 1}) == contract.canonical({"factor": "1.0"}) == contract.canonical({})
    )


@given(
    factor=st.floats(allow_nan=False, allow_infinity=False),
    skip=st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1), min_size=1),
    loud=st.booleans(),
)
def test_the_command_line_gives_back_the_values(
    count_script: Path, factor: float, skip: list[str], loud: bool
) -> None:
    contract = read_contract(count_script)
    argv = contract.argv({"text": "t", "result": "r", "factor": factor, "skip": skip, "loud": loud})
    parsed = build_parser(count_script).parse_args(argv)
    assert (parsed.factor, parsed.skip, parsed.loud) == (factor, skip, loud)
