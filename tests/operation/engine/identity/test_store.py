"""The store: nothing incomplete or damaged is ever found."""

from __future__ import annotations

from pathlib import Path

import pytest

from operation.engine.identity.digests import Digests
from operation.engine.identity.store import Entry, Store

KEY = "k" * 64


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", Digests(tmp_path / "digests.db"))


def _fill(store: Store, text: str = "abc") -> Entry:
    with store.writing(KEY) as folder:
        (folder / "table").mkdir()
        (folder / "table" / "a.txt").write_text(text)
        return store.commit(KEY, folder, {"key": KEY, "outputs": ["table"]})


def test_a_complete_entry_is_found_with_its_outputs(store: Store) -> None:
    assert store.find(KEY) is None
    _fill(store)
    found = store.find(KEY)
    assert found is not None
    assert (found.output("table") / "a.txt").read_text() == "abc"
    assert found.manifest["outputs"]["table"]["bytes"] == 3


def test_a_failure_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.writing(KEY) as folder:
            (folder / "table").mkdir()
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert store.find(KEY) is None
    assert not list((store.folder / ".partial").iterdir())


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "add", "manifest"])
def test_a_damaged_entry_is_not_found_and_is_replaced(store: Store, damage: str) -> None:
    file = _fill(store).output("table") / "a.txt"
    if damage == "flip":
        file.write_text("abd")
    elif damage == "truncate":
        file.write_text("ab")
    elif damage == "remove":
        file.unlink()
    elif damage == "add":
        file.with_name("b.txt").write_text("")
    else:
        (store.folder / KEY / "manifest.json").write_text('{"key": ')
    assert store.find(KEY) is None
    _fill(store)
    assert store.find(KEY) is not None
    assert file.read_text() == "abc"


def test_the_first_of_two_writers_is_kept(store: Store) -> None:
    with store.writing(KEY) as slow:
        (slow / "table").mkdir()
        (slow / "table" / "a.txt").write_text("abc")
        first = _fill(store)
        second = store.commit(KEY, slow, {"key": KEY, "outputs": ["table"]})
    assert second.manifest == first.manifest
    assert store.find(KEY) is not None
