"""A run as the pages of CI systems show it, and what a pipeline publishes of its jobs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from operation import cli
from operation.engine.evidence.reports.markdown_summary import run_summary
from operation.engine.evidence.reports.run_record import run_record

MANIFEST: dict[str, Any] = {
    "id": "r1",
    "status": "failed",
    "use_case": "flights",
    "environment": "TEST",
    "commit": "0123456789abcdef",
    "started": "2026-01-02T00:00:00.000+00:00",
    "seconds": 12.0,
    "metrics": {"evaluate.roc_auc": 0.7, "evaluate.baseline_roc_auc": 0.5},
    "error": {
        "type": "StepError",
        "message": "no row | `left`\n```",
        "file": "src/prepare.py",
        "line": 111,
        "notebook": "03-train-model",
        "execution_count": 4,
    },
    "since_last_good": {"run": "r0", "differences": ["HOLDOUTFROM was 2013 and is 2014"]},
}


def test_a_failure_says_where_why_and_what_to_type() -> None:
    assert run_summary(run_record(MANIFEST), "promote_TEST", "r1").splitlines() == [
        "### ❌ flights in TEST: failed in 12 s",
        "",
        "**03-train-model, cell In [4]** `src/prepare.py:111`: StepError",
        "",
        "```text",
        "no row | `left`",
        "'''",
        "```",
        "",
        "Since the last good run, r0:",
        "",
        "- HOLDOUTFROM was 2013 and is 2014",
        "",
        "| metric | value | |",
        "|---|---:|---|",
        "| evaluate.roc_auc | 0.7000 | baseline 0.5000 |",
        "",
        "Report: artifact **promote_TEST**, file `r1/index.html`, commit `0123456789`",
        "",
        "To stand before the failing cell on your machine:",
        "",
        "```console",
        "python3 -m operation replay r1/capsule.zip",
        "```",
    ]


def test_a_rejection_needs_no_replay() -> None:
    text = run_summary(run_record({**MANIFEST, "status": "rejected"}), "", "r1")
    assert text.startswith("### ⚠️ flights in TEST: rejected")
    assert "replay" not in text
    assert "StepError" not in text


@pytest.mark.parametrize(
    ("started", "published"), [("2026-01-01", ["new", "old"]), ("2026-01-02", ["new"]), ("2027", [])]
)
def test_a_job_publishes_its_own_runs(
    started: str, published: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, day in (("old", "2026-01-01T09"), ("new", "2026-01-02T09")):
        (tmp_path / "runs" / name).mkdir(parents=True)
        text = json.dumps({**MANIFEST, "id": name, "started": day})
        (tmp_path / "runs" / name / "manifest.json").write_text(text, encoding="utf-8")
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    monkeypatch.setenv("WORKBENCH_JOB_STARTED", started)
    target = tmp_path / "published"
    assert cli.main(["report", "--publish", str(target)]) == 0
    assert sorted(path.name for path in target.iterdir() if path.is_dir()) == published
    assert (tmp_path / "summary").exists() == bool(published)
