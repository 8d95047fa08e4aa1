from __future__ import annotations

from pathlib import Path

import pytest

from operation.engine.evidence.reports.latest import latest_run, point_latest


def test_the_pointer_follows_the_last_run(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        point_latest(tmp_path, tmp_path / name)
    assert latest_run(tmp_path) == tmp_path / "two"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest", "one", "two"]


def test_without_symlinks_a_file_holds_the_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("A required privilege is not held by the client")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    (tmp_path / "one").mkdir()
    point_latest(tmp_path, tmp_path / "one")
    assert (tmp_path / "latest").read_text(encoding="utf-8") == "one\n"
    assert latest_run(tmp_path) == tmp_path / "one"


@pytest.mark.parametrize("content", [None, "", "gone\n", "../elsewhere", "."])
def test_a_pointer_to_nothing_is_none(tmp_path: Path, content: str | None) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    (tmp_path / "elsewhere").mkdir()
    if content is not None:
        (runs / "latest").write_text(content, encoding="utf-8")
    assert latest_run(runs) is None
