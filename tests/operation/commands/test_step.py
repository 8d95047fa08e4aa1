"""A step that fails leaves what a failed run leaves."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from operation import cli
from operation.engine.evidence.capsule.unpack import read_capsule
from operation.engine.foundation.layout import Layout
from tests.operation.engine.conftest import build, write
from tests.operation.engine.evidence.decisions import decision


@pytest.fixture
def failing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """The tiny project with nothing to double."""
    layout = build(tmp_path / "project", monkeypatch)
    monkeypatch.setenv("FACTOR", "0")
    return layout


def test_a_failed_step_leaves_a_capsule_that_fails_again(
    failing: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["step", "double", "--mode", "square"]) == 1
    said = capsys.readouterr().err.splitlines()
    (capsule,) = failing.runs.glob("2*/capsule.zip")
    assert f"replay: python3 -m operation replay {failing.relative(capsule)}" in said
    assert said[-1] == "error: src/double.py:20: ValueError: nothing to double"
    content = read_capsule(capsule).content
    assert content["command"] == "python3 -m operation step double --mode square"
    assert content["error"]["type"] == "ValueError"
    notebook = json.loads((capsule.parent / "notebooks" / "step-double.ipynb").read_text(encoding="utf-8"))
    assert notebook["cells"][-1]["source"] == "core.double(mode='square')"
    assert (capsule.parent / "index.html").is_file()
    assert cli.main(["replay", str(capsule), "--check", "--yes"]) == 0
    assert "notebooks/step-double.ipynb is in no commit" in capsys.readouterr().out


def test_a_secret_that_cannot_be_masked_prevents_the_capsule(
    failing: Layout, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "letters")
    assert cli.main(["step", "double"]) == 1
    assert (
        "warning: no capsule was written: DB_PASSWORD is too short or too common a word to be masked. Unset "
        "DB_PASSWORD or give it a longer value; or, if whoever gets the capsule may know it, rerun with "
        "--include-secrets."
    ) in capsys.readouterr().err.splitlines()
    assert list(failing.runs.glob("2*/capsule.zip")) == []
    assert cli.main(["step", "double", "--include-secrets"]) == 1
    assert len(list(failing.runs.glob("2*/capsule.zip"))) == 1


def test_a_database_in_runs_lies_where_runs_does(
    failing: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FACTOR", "1")
    script = failing.src / "count.py"
    text = script.read_text(encoding="utf-8")
    declared = text.replace("    return parser\n", '    parser.add_argument("--uri")\n    return parser\n', 1)
    script.write_text(declared.replace("    folder.mkdir()\n", "    folder.mkdir()\n    print(args.uri)\n"))
    words = ["step", "count", "--uri", "sqlite:///runs/mlflow.db", "--fresh"]
    keys = []
    for runs in (failing.runs, failing.root.parent / "elsewhere"):
        monkeypatch.setenv("WORKBENCH_RUNS", str(runs))
        assert cli.main(words) == 0
        said = capsys.readouterr()
        assert f"sqlite:///{runs}/mlflow.db" in said.out.splitlines()
        keys.append(said.out.rpartition("key ")[2])
        (record,) = runs.glob("store/*/manifest.json")
        assert "--uri=sqlite:///runs/mlflow.db" in record.read_text(), "certify compares command lines"
    assert keys[0] == keys[1], "the same step, wherever it keeps its database"


def test_values_of_a_parser_that_are_no_arguments_are_left_alone(
    failing: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACTOR", "1")
    script = failing.src / "count.py"
    text = script.read_text(encoding="utf-8")
    effect = "    parser.set_defaults(effects_stand=lambda args: True)\n    return parser\n"
    script.write_text(text.replace("    return parser\n", effect, 1), encoding="utf-8")
    assert cli.main(["step", "count", "--fresh"]) == 0


def test_a_step_that_works_leaves_no_run(failing: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACTOR", "1")
    assert cli.main(["step", "double"]) == 0
    assert list(failing.runs.glob("2*")) == []


DECIDES = """
    import argparse
    import json
    from pathlib import Path

    from utils import input_path, output_path

    def build_parser():
        parser = argparse.ArgumentParser(description="Decide")
        parser.add_argument("--counted", type=input_path, required=True)
        parser.add_argument("--verdict", default="rejected")
        parser.add_argument("--decision", type=output_path, required=True)
        return parser

    def main(argv=None):
        args = build_parser().parse_args(argv)
        decision = DECISION | {"decision": args.verdict}
        Path(args.decision).mkdir()
        (Path(args.decision) / "decision.json").write_text(json.dumps(decision))

    if __name__ == "__main__":
        main()
"""


def test_a_rejection_ends_with_3_and_in_ci_with_0(
    failing: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FACTOR", "1")
    write(failing, "src/decide.py", dedent(DECIDES).replace("DECISION", repr(decision())))
    use_case = failing.configuration / "configuration-tiny.yml"
    steps = "  decide:\n    inputs: {counted: count.result}\n"
    use_case.write_text(use_case.read_text(encoding="utf-8") + steps, encoding="utf-8")
    assert cli.main(["step", "decide", "--verdict", "accepted"]) == 0
    assert cli.main(["step", "decide"]) == 3
    page = "page: runs/decisions/flights-aaaaaaaaaa.html"
    assert page in capsys.readouterr().out.splitlines()
    assert cli.main(["step", "decide", "--ci", "azure"]) == 0
    said = capsys.readouterr().out
    assert "##vso[task.setvariable variable=decision;isOutput=true]rejected" in said.splitlines()
