"""The command ``models``, before it asks a workspace."""

from __future__ import annotations

import pytest

from operation import cli
from operation.commands import models
from operation.engine.foundation.errors import GateRejected
from operation.engine.foundation.layout import Layout


@pytest.mark.parametrize("digest", ["", "3", "3f2a9c", "0" * 63, "0" * 65, "x" * 64])
def test_a_digest_is_whole_or_wrong_usage(digest: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "promote", "churn", "--to", "TEST", "--digest", digest]) == 2
    said = f"argument --digest: expected a whole SHA-256, 64 hexadecimal digits, got {digest!r}"
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("ci", "code", "decision"), [("azure", 0, "rejected"), ("none", 3, ""), ("azure", 0, "accepted")]
)
def test_a_pipeline_is_told_of_what_judge_decides(
    ci: str,
    code: int,
    decision: str,
    good_project: Layout,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def judge(_: object) -> tuple[list[object], list[str]]:
        if decision != "accepted":
            raise GateRejected("too slow")
        return [], ["accepted in TEST"]

    monkeypatch.setitem(models._ACTIONS, "judge", judge)
    assert cli.main(["models", "judge", "flights", "--environment", "TEST", "--ci", ci]) == code
    told = f"##vso[task.setvariable variable=decision;isOutput=true]{decision}"
    assert (told in capsys.readouterr().out) == bool(decision)
