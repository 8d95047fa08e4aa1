"""Paths, errors, tables and metrics that every Core Script shares."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import step
from tests.src.running import contents, left_over


def message(caught: pytest.ExceptionInfo[step.StepError]) -> str:
    return str(caught.value)


@pytest.mark.parametrize(("error", "code"), [(step.StepError("no"), 1), (step.GateRejected("no"), 3)])
def test_an_expected_error_is_one_line_and_an_exit_code(
    error: step.StepError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as exit_:
        step.run_script(main)
    assert exit_.value.code == code
    assert capsys.readouterr().err == "error: no\n"


def test_an_unexpected_error_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        step.run_script(lambda: print(1 / 0))


def test_a_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    with step.new_folder(tmp_path / "out") as folder:
        (folder / "a.txt").write_text("new", encoding="utf-8")
        assert not (tmp_path / "out").exists()
    assert contents(tmp_path / "out") == {"a.txt": b"new"}
    assert left_over(tmp_path) == ["out"]


def write_and_fail(path: Path) -> None:
    with step.new_folder(path) as folder:
        (folder / "a.txt").write_text("new", encoding="utf-8")
        raise ZeroDivisionError


def test_a_failure_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.txt").write_text("old", encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        write_and_fail(tmp_path / "out")
    assert contents(tmp_path / "out") == {"a.txt": b"old"}
    assert left_over(tmp_path) == ["out"]


def test_an_old_folder_of_the_same_files_is_replaced(tmp_path: Path) -> None:
    for text in ("old", "new"):
        with step.new_folder(tmp_path / "out") as folder:
            (folder / "a.txt").write_text(text, encoding="utf-8")
    assert contents(tmp_path / "out") == {"a.txt": b"new"}


def test_a_folder_with_foreign_files_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years", encoding="utf-8")
    with pytest.raises(step.StepError) as caught, step.new_folder(tmp_path) as folder:
        (folder / "a.txt").write_text("new", encoding="utf-8")
    found = f"{tmp_path} holds 'thesis.tex', which this step does not write"
    assert message(caught) == f"{found}: name another folder, or remove it"
    assert left_over(tmp_path) == ["thesis.tex"]
    assert not list(tmp_path.parent.glob("*.partial-*"))


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(step.StepError) as caught, step.new_folder(tmp_path / "file/out"):
        pass
    assert message(caught) == f"cannot write {tmp_path / 'file/out'}: Not a directory"


def test_metrics_are_added_to(tmp_path: Path) -> None:
    step.log_metrics(tmp_path, {"b": 1, "a": 0.5})
    step.log_metrics(tmp_path, {"c": 2.0})
    expected = '{\n  "a": 0.5,\n  "b": 1.0,\n  "c": 2.0\n}\n'
    assert (tmp_path / "metrics.json").read_bytes() == expected.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_metric_is_finite(tmp_path: Path, value: float) -> None:
    with pytest.raises(step.StepError) as caught:
        step.log_metrics(tmp_path, {"rmse": value})
    assert message(caught) == f"metric rmse is {value}: it must be a finite number"
    assert left_over(tmp_path) == []


def test_broken_json(tmp_path: Path) -> None:
    with pytest.raises(step.StepError) as caught:
        step.read_json(tmp_path / "a.json")
    missing = f"cannot read {tmp_path / 'a.json'}: No such file or directory; rerun the step that writes it"
    assert message(caught) == missing
    (tmp_path / "a.json").write_text("{", encoding="utf-8")
    with pytest.raises(step.StepError, match=r"a.json is not JSON: .*; rerun the step that writes it"):
        step.read_json(tmp_path / "a.json")


def test_a_long_list_is_cut() -> None:
    assert step.listing(range(3)) == "0, 1, 2"
    assert step.listing(range(7)) == "0, 1, 2, 3, 4 and 2 more"
