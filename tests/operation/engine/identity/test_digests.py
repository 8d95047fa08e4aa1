"""Digests: right whatever the memory holds."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operation.engine.identity.digests import Digests


def _settle() -> None:
    """Wait until a file that was written before counts as settled."""
    time.sleep(0.12)


def test_a_file_has_the_digest_of_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"abc")
    content = Digests(tmp_path / "d.db").of(file)
    assert content.digest == hashlib.sha256(b"abc").hexdigest()
    assert (content.bytes, content.files) == (3, {"a.txt": content.digest})


def test_a_remembered_file_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"abc")
    _settle()
    before = Digests(tmp_path / "d.db").of(file)
    monkeypatch.setattr("operation.engine.identity.digests.file_digest", lambda path: f"read {path}")
    assert Digests(tmp_path / "d.db").of(file) == before


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no time of change")
def test_who_sets_the_time_back_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"abc")
    _settle()
    before, stat = Digests(tmp_path / "d.db").of(file), file.stat()
    file.write_bytes(b"xyz")  # the same size, inode and time of modification, as rsync --inplace leaves it
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert Digests(tmp_path / "d.db").of(file) != before


@pytest.mark.parametrize("ahead", [-3600, 3600])
def test_a_clock_that_was_set_makes_no_digest_old(tmp_path: Path, ahead: int) -> None:
    file = tmp_path / "a.txt"
    for text in (b"abc", b"abd"):
        file.write_bytes(text)
        os.utime(file, (time.time() + ahead, time.time() + ahead))
        assert Digests(tmp_path / "d.db").of(file).digest == hashlib.sha256(text).hexdigest()


@pytest.mark.parametrize("change", [b"abd", b"abcd", b""])
def test_a_changed_file_has_another_digest(tmp_path: Path, change: bytes) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"abc")
    _settle()
    before = Digests(tmp_path / "d.db").of(file).digest
    file.write_bytes(change)
    assert Digests(tmp_path / "d.db").of(file).digest != before


def test_a_file_written_just_now_is_not_remembered(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"abc")
    Digests(tmp_path / "d.db").of(file)
    rows = sqlite3.connect(tmp_path / "d.db").execute("SELECT count(*) FROM known").fetchone()
    assert rows == (0,)


def test_a_damaged_memory_is_no_memory(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"abc")
    (tmp_path / "d.db").write_bytes(b"not a database" * 100)
    assert Digests(tmp_path / "d.db").of(file).digest == hashlib.sha256(b"abc").hexdigest()
    rows = sqlite3.connect(tmp_path / "d.db").execute("SELECT count(*) FROM known").fetchone()
    assert rows == (0,)  # made anew


def test_what_tools_litter_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_bytes(b"abc")
    before = Digests(tmp_path / "d.db").of(tmp_path / "in")
    (tmp_path / "in" / "__pycache__").mkdir()
    for name in (".DS_Store", "Thumbs.db", "__pycache__/a.pyc"):
        (tmp_path / "in" / name).write_bytes(b"x")
    assert Digests(tmp_path / "d.db").of(tmp_path / "in") == before
    (tmp_path / "in" / ".hidden.csv").write_bytes(b"x")  # a script may read it
    assert Digests(tmp_path / "d.db").of(tmp_path / "in") != before


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_content_behind_links_counts(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.txt").write_bytes(b"abc")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(outside)
    (outside / "loop").symlink_to(tmp_path / "in")
    before = Digests(tmp_path / "d.db").of(tmp_path / "in")
    assert "link/a.txt" in before.files
    (outside / "a.txt").write_bytes(b"abd")
    assert Digests(tmp_path / "d.db").of(tmp_path / "in") != before


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX alone")
def test_a_name_that_is_no_text_is_only_a_name(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt")).write_bytes(b"abc")
    assert len(Digests(tmp_path / "d.db").of(tmp_path).files) == 1


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
