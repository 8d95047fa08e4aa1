"""What is told to the CI systems, in the form that each of them reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from operation.engine.foundation import ci_system


@pytest.fixture(autouse=True)
def no_system(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TF_BUILD", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(("sign", "system"), [("TF_BUILD", "azure"), ("GITHUB_ACTIONS", "github")])
def test_a_system_is_recognised(sign: str, system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ci_system.recognised() is None
    monkeypatch.setenv(sign, "true")
    assert ci_system.recognised() == system


def test_azure_reads_commands_from_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ci_system.set_output("azure", "decision", "rejected")
    ci_system.warn("azure", "100 % of\nthem")
    ci_system.add_summary("azure", tmp_path / "summary.md")
    assert capsys.readouterr().out.splitlines() == [
        "##vso[task.setvariable variable=decision;isOutput=true]rejected",
        "##vso[task.logissue type=warning]100 %AZP25 of%0Athem",
        f"##vso[task.uploadsummary]{tmp_path / 'summary.md'}",
    ]


def test_github_reads_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs, summary = tmp_path / "outputs", tmp_path / "summary"
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    (tmp_path / "page.md").write_text("# Rejected", encoding="utf-8")
    ci_system.set_output("github", "decision", "a\nb")
    ci_system.warn("github", "look")
    ci_system.add_summary("github", tmp_path / "page.md")
    name, first, second, end = outputs.read_text(encoding="utf-8").splitlines()
    assert (name, first, second) == (f"decision<<{end}", "a", "b")
    assert summary.read_text(encoding="utf-8") == "# Rejected\n"
    assert capsys.readouterr().out == "::warning::look\n"


def test_without_a_system_nothing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ci_system.set_output(None, "decision", "accepted")
    ci_system.warn(None, "look")
    ci_system.add_summary(None, tmp_path / "missing.md")
    assert capsys.readouterr().out == ""
