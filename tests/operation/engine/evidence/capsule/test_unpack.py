"""Files that are no capsules: one message each, nothing written."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from operation import cli
from operation.engine.evidence.capsule.unpack import read_capsule
from operation.engine.foundation.errors import UsageError
from tests.operation.engine.evidence.capsule.conftest import Failed

WHERE = "A failed run leaves one as runs/<run>/capsule.zip."


def _zip(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def test_what_is_missing_or_no_zip_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as missing:
        read_capsule(tmp_path / "no.zip")
    assert str(missing.value) == f"{tmp_path / 'no.zip'}: there is no such file. {WHERE}"
    text = tmp_path / "text.zip"
    text.write_text("hello", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_capsule(text)
    assert str(caught.value) == (
        f"{text} is not a whole zip file (File is not a zip file). Download it again. {WHERE}"
    )
    with pytest.raises(UsageError, match=r"is no capsule: there is no capsule\.json in it"):
        read_capsule(_zip(tmp_path / "other.zip", {"run/manifest.json": "{}"}))


@pytest.mark.parametrize(
    "member", ["../x", "project/../../x", "/etc/x", "C:/x", "project\\..\\x", "elsewhere/x"]
)
def test_members_that_lead_outside_are_refused(tmp_path: Path, member: str) -> None:
    path = _zip(tmp_path / "evil.zip", {"capsule.json": "{}", member: "x"})
    with pytest.raises(UsageError, match="is no capsule: nothing was unpacked, for its member"):
        read_capsule(path)


def test_links_are_refused(tmp_path: Path) -> None:
    information = zipfile.ZipInfo("project/link")
    information.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr(information, "/etc")
    with pytest.raises(UsageError, match="for its member 'project/link'"):
        read_capsule(tmp_path / "evil.zip")


@pytest.mark.parametrize("content", ['{"schema": 99}', "[]", "{}"])
def test_an_unknown_schema_is_told(tmp_path: Path, content: str) -> None:
    path = _zip(tmp_path / "new.zip", {"capsule.json": content})
    schema = json.loads(content).get("schema") if content.startswith("{") else None
    with pytest.raises(UsageError) as caught:
        read_capsule(path)
    assert str(caught.value) == (
        f"{path} has schema {schema}, and this workbench reads 1. Replay it with the checkout that made it."
    )


@given(cut=some.floats(0, 0.999))
def test_a_truncated_capsule_is_told(
    failed: Failed, tmp_path_factory: pytest.TempPathFactory, cut: float
) -> None:
    content = failed.capsule.read_bytes()
    path = tmp_path_factory.getbasetemp() / "cut.zip"
    path.write_bytes(content[: int(len(content) * cut)])
    with pytest.raises(UsageError, match="is not a whole zip file"):
        read_capsule(path)


def test_the_command_says_it_in_one_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["replay", str(tmp_path / "no.zip")]) == 2
    assert capsys.readouterr().err == f"error: {tmp_path / 'no.zip'}: there is no such file. {WHERE}\n"
