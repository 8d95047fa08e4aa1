"""Variables of a shell: what a real bash makes of them is what the file says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operation import cli
from operation.commands.export import bash, powershell

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
REPORT = "import json, os; print(json.dumps(dict(os.environ)))"


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash here")
@settings(max_examples=5, deadline=None)
@given(st.lists(TEXT, min_size=20, max_size=20))
def test_bash_gets_every_value_letter_by_letter(values: list[str]) -> None:
    given_names = {f"VALUE_{number}": value for number, value in enumerate(values)}
    script = "\n".join(bash(name, value) for name, value in given_names.items())
    words = ["bash", "-c", f"{script}\nexec '{sys.executable}' -c '{REPORT}'"]
    done = subprocess.run(words, capture_output=True, encoding="utf-8", check=True)
    found = json.loads(done.stdout)
    assert {name: found[name] for name in given_names} == given_names


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("rg-dev", "$env:NAME = 'rg-dev'"),
        ("", "$env:NAME = ''"),
        ("it's $HOME `n", "$env:NAME = 'it''s $HOME `n'"),
        ("a‘b’c", "$env:NAME = 'a‘‘b’’c'"),
    ],
)
def test_powershell_reads_nothing_into_a_value(value: str, line: str) -> None:
    assert powershell("NAME", value) == line


def test_the_variables_of_an_environment(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", "shell", "--environment", "PROD"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "export RESOURCE_GROUP=rg-workbenchprod" in lines
    assert "export AMLWORKSPACE=amlworkbenchprod" in lines
    assert "export SAMPLEROWS=''" in lines
    assert cli.main(["export", "shell", "--environment", "PROD", "--powershell"]) == 0
    assert "$env:RESOURCE_GROUP = 'rg-workbenchprod'" in capsys.readouterr().out.splitlines()


def test_an_unknown_environment(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", "shell", "--environment", "PRD"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: unknown environment 'PRD'")
