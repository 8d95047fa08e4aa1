"""The training of one group, opened in JupyterLab."""

from __future__ import annotations

import json
import os
from pathlib import Path
from textwrap import dedent

import pytest

from operation import cli
from operation.engine import configuration
from operation.engine.evidence.capsule.group import live_group
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from tests.operation.engine.conftest import build, write

FIT = '''
    """Fit groups."""
    import argparse

    from utils import output_path

    def build_parser():
        parser = argparse.ArgumentParser(description="Fit groups")
        parser.add_argument("--only", help="one group alone")
        parser.add_argument("--result", type=output_path, required=True)
        return parser

    def main(argv=None):
        args = build_parser().parse_args(argv)
        raise ValueError(f"nothing to learn of {args.only}")
'''
USE_CASE = "description: Groups?\nnotebooks:\n  - name: 01-count-letters\nsteps:\n  fit:\n    arguments: {}\n"


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A project whose step `fit` fits groups."""
    layout = build(tmp_path / "project", monkeypatch)
    write(layout, "src/fit.py", dedent(FIT))
    write(layout, "configuration/configuration-groups.yml", USE_CASE)
    return layout


@pytest.mark.skipif(os.name == "nt", reason="the server is slow to start there")
def test_what_speaks_against_a_group_is_raised_in_its_kernel(layout: Layout) -> None:
    with live_group(layout, configuration.load("DEV", "groups", layout), "12 & 101") as session:
        assert session.stopped == "In [2] raised ValueError: nothing to learn of 12 & 101"
        (reply,) = session.server.execute(session.kernel, ["import sys\nassert sys.last_value.args"])
        assert reply["status"] == "ok"  # %debug looks there
    document = json.loads((layout.runs / "replays/group-12-101/replay-group.ipynb").read_text())
    (error,) = document["cells"][-1]["outputs"]
    assert (error["ename"], document["cells"][-1]["execution_count"]) == ("ValueError", 2)
    assert any("fit.py" in line for line in error["traceback"])


def test_a_use_case_without_groups_is_refused(layout: Layout) -> None:
    with (
        pytest.raises(UsageError, match="no step of the use case 'tiny' trains models of groups"),
        live_group(layout, configuration.load("DEV", "tiny", layout), "a"),
    ):
        pass


def test_a_capsule_and_a_group_exclude_one_another(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["capsule.zip", "--group", "a"], ["--group", "a", "--check"]):
        assert cli.main(["replay", *words]) == 2
        assert "Name the capsule.zip of a failed run, or a group by --group alone." in capsys.readouterr().err
