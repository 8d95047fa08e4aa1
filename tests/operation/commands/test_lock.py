"""``lock`` resolves environment.yml, and says when the lock no longer fits it."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from operation import cli
from operation.engine.foundation.layout import project

ENVIRONMENT = "name: x\ndependencies:\n  - python=3.11\n  - pip\n  - pip:\n      - tiny=={version}\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one dependency, ``tiny``, which needs ``other``; two versions of each can be had."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for version in ("1.0", "2.0"):
        wheel(wheels, "tiny", version, "Requires-Dist: other\n")
        wheel(wheels, "other", version, "")
    monkeypatch.setenv("WORKBENCH_ROOT", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    pin(tmp_path, "1.0")
    return tmp_path


def wheel(folder: Path, name: str, version: str, requires: str) -> None:
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}"
        archive.writestr(zipfile.ZipInfo(f"{info}/METADATA"), metadata)
        archive.writestr(
            zipfile.ZipInfo(f"{info}/WHEEL"), "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD"), "")


def pin(root: Path, version: str) -> None:
    (root / "environment.yml").write_text(ENVIRONMENT.format(version=version), encoding="utf-8")


def write_lock(root: Path, *entries: str) -> None:
    (root / "requirements.lock").write_text("".join(entries), encoding="utf-8")


def locked(root: Path) -> str:
    return (root / "requirements.lock").read_text(encoding="utf-8")


def hashed(root: Path, name: str, version: str) -> str:
    content = (root / "wheels" / f"{name}-{version}-py3-none-any.whl").read_bytes()
    via = {"tiny": "-r environment.in", "other": "tiny"}[name]
    return f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(content).hexdigest()}\n    # via {via}\n"


def test_what_pyproject_says_of_a_package_counts_instead_of_its_own_words(root: Path) -> None:
    metadata = '[[tool.uv.dependency-metadata]]\nname = "tiny"\nrequires-dist = []\n'
    (root / "pyproject.toml").write_text(metadata, encoding="utf-8")
    assert cli.main(["lock"]) == 0
    assert locked(root) == hashed(root, "tiny", "1.0")


def test_lock_is_resolved_with_hashes_and_keeps_what_fits(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["lock"]) == 0
    assert locked(root) == hashed(root, "other", "2.0") + hashed(root, "tiny", "1.0")
    assert capsys.readouterr().out == (
        "  other: none -> 2.0\n  tiny: none -> 1.0\nrequirements.lock: 2 packages, 2 changed\n"
    )

    write_lock(root, hashed(root, "other", "1.0"), hashed(root, "tiny", "1.0"))
    pin(root, "2.0")
    assert cli.main(["lock"]) == 0
    assert locked(root) == hashed(root, "other", "1.0") + hashed(root, "tiny", "2.0")
    assert capsys.readouterr().out == "  tiny: 1.0 -> 2.0\nrequirements.lock: 2 packages, 1 changed\n"

    assert cli.main(["lock", "--upgrade"]) == 0
    assert locked(root) == hashed(root, "other", "2.0") + hashed(root, "tiny", "2.0")


def test_check_says_what_does_not_fit(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_lock(root, hashed(root, "other", "1.0"), "bare==1.0\n", hashed(root, "tiny", "1.0"))
    pin(root, "2.0")
    assert cli.main(["lock", "--check"]) == 1
    assert capsys.readouterr().err == (
        "error: environment.yml pins tiny 2.0; requirements.lock has 1.0\n"
        "requirements.lock: bare==1.0 has no hash\n"
        "Fix it with `python3 -m operation lock`.\n"
    )


def test_check_says_what_is_named_by_environment_yml_now(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_lock(
        root, hashed(root, "other", "1.0"), hashed(root, "tiny", "1.0").replace("-r environment.in", "other")
    )
    assert cli.main(["lock", "--check"]) == 1
    assert capsys.readouterr().err == (
        "error: requirements.lock does not say that environment.yml names tiny\n"
        "Fix it with `python3 -m operation lock`.\n"
    )


def test_what_cannot_be_resolved_leaves_the_lock_alone(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_lock(root, hashed(root, "tiny", "1.0"))
    pin(root, "3.0")
    assert cli.main(["lock"]) == 1
    assert capsys.readouterr().err.startswith("error: environment.yml cannot be resolved:\n")
    assert locked(root) == hashed(root, "tiny", "1.0")


def test_lock_of_this_project_fits(capsys: pytest.CaptureFixture[str]) -> None:
    assert project().lock.is_file()
    assert cli.main(["lock", "--check"]) == 0
    assert capsys.readouterr().out == "requirements.lock fits environment.yml\n"
