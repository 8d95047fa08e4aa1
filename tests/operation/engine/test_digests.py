"""Digests: right whatever the memory holds."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operation.engine.digests import Digests


def _age(path: Path) -> None:
    """Put the modification time back, so that the file counts as settled."""
    stat = path.stat()
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns - 10**9))


def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"abc")
    content = Digests(tmp_path / "d.db").of(file)
    assert content.digest == hashlib.sha256(b"abc").hexdigest()
    assert (content.bytes, content.files) == (3, {"a.txt": content.digest})


def test_a_remembered_file_is_not_read_again(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"abc")
    _age(file)
    before = Digests(tmp_path / "d.db").of(file)
    stat = file.stat()
    file.write_bytes(b"xyz")  # the same size, and below the same time: only reading would tell
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert Digests(tmp_path / "d.db").of(file) == before


@pytest.mark.parametrize("change", [b"abd", b"abcd", b""])
def test_a_changed_file_has_another_digest(tmp_path: Path, change: bytes) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"abc")
    _age(file)
    before = Digests(tmp_path / "d.db").of(file).digest
    file.write_bytes(change)
    assert Digests(tmp_path / "d.db").of(file).digest != before


def test_a_file_written_just_now_is_not_remembered(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"abc")
    Digests(tmp_path / "d.db").of(file)
    rows = sqlite3.connect(tmp_path / "d.db").execute("SELECT count(*) FROM files").fetchone()
    assert rows == (0,)


def test_a_damaged_memory_is_no_memory(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"abc")
    (tmp_path / "d.db").write_bytes(b"not a database" * 100)
    assert Digests(tmp_path / "d.db").of(file).digest == hashlib.sha256(b"abc").hexdigest()


def test_a_memory_that_cannot_be_written_is_no_memory(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"abc")
    assert Digests(file / "below-a-file.db").of(file).digest == hashlib.sha256(b"abc").hexdigest()


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), st.binary(max_size=4), min_size=1, max_size=4))
def test_a_folder_has_one_digest_for_one_content(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    folders = [tmp_path_factory.mktemp("folder") for _ in range(2)]
    for folder, names in zip(folders, [sorted(files), sorted(files, reverse=True)], strict=True):
        for name in names:
            (folder / name).write_bytes(files[name])
    first, second = (Digests(folder.parent / "d.db").of(folder).digest for folder in folders)
    assert first == second
    (folders[1] / sorted(files)[0]).write_bytes(b"other")
    assert Digests(folders[1].parent / "d.db").of(folders[1]).digest != first
