"""The command ``models``, before it asks a workspace."""

from __future__ import annotations

import pytest

from operation import cli


@pytest.mark.parametrize("digest", ["", "3", "3f2a9c", "0" * 63, "0" * 65, "x" * 64])
def test_a_digest_is_whole_or_wrong_usage(digest: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "promote", "churn", "--to", "TEST", "--digest", digest]) == 2
    said = f"argument --digest: expected a whole SHA-256, 64 hexadecimal digits, got {digest!r}"
    assert said in capsys.readouterr().err
