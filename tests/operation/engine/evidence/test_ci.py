"""What a pipeline is told of a decision, and the exit code that keeps it green."""

from __future__ import annotations

from pathlib import Path

import pytest

from operation.engine.evidence.ci import Outcome, conclude, rejection

YES = Outcome("accepted", "it is certainly better", "## flights: accepted\n")
NO = rejection("flights", "roc_auc>=0.8 does not hold")


def test_a_rejection_is_told_to_azure_and_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TF_BUILD", "True")
    assert conclude("auto", 3, [YES, NO], tmp_path / "new") == 0
    file = tmp_path / "new" / "decision.md"
    assert capsys.readouterr().out.splitlines() == [
        "##vso[task.logissue type=warning]The gate rejected the model: roc_auc>=0.8 does not hold",
        "##vso[task.setvariable variable=decision;isOutput=true]rejected",
        f"##vso[task.uploadsummary]{file}",
    ]
    assert file.read_text(encoding="utf-8").splitlines()[0] == "## flights: accepted"


def test_an_acceptance_is_told_to_github(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.setenv(name, str(tmp_path / name))
    assert conclude("github", 0, [YES], tmp_path) == 0
    assert "\naccepted\n" in (tmp_path / "GITHUB_OUTPUT").read_text(encoding="utf-8")
    assert (tmp_path / "GITHUB_STEP_SUMMARY").read_text(encoding="utf-8").startswith("## flights: accepted")
    assert "::warning" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("choice", "code", "outcomes"),
    [("none", 3, [NO]), ("auto", 3, [NO]), ("azure", 1, [NO]), ("azure", 2, [NO]), ("azure", 0, [])],
)
def test_otherwise_the_exit_code_stays(
    choice: str, code: int, outcomes: list[Outcome], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert conclude(choice, code, outcomes, tmp_path) == code
    assert capsys.readouterr().out == ""
