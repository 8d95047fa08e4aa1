"""Documents are on disk when they are said to be, and read as they were."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operation.emulator.state import State


def test_a_document_is_a_file_that_another_state_reads(tmp_path: Path) -> None:
    state = State(tmp_path / "ws")
    state.put("models", "flights:1", {"name": "flights", "tags": {"a": "ü"}})
    assert json.loads((tmp_path / "ws" / "models" / "flights%3A1.json").read_text(encoding="utf-8"))[
        "document"
    ]
    assert State(tmp_path / "ws").get("models", "flights:1") == {"name": "flights", "tags": {"a": "ü"}}


def test_what_is_read_is_a_copy(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.put("runs", "one", {"tags": {}})
    found = state.get("runs", "one")
    assert found is not None
    found["tags"]["more"] = "1"
    state.all("runs")[0]["tags"]["more"] = "1"
    assert state.get("runs", "one") == {"tags": {}}


def test_documents_stand_in_the_order_they_were_made_in(tmp_path: Path) -> None:
    state = State(tmp_path)
    for name in ("b", "c", "a"):
        state.put("runs", name, {"name": name})
    state.put("runs", "c", {"name": "changed"})
    for each in (state, State(tmp_path)):
        assert [one["name"] for one in each.all("runs")] == ["b", "changed", "a"]


def test_a_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.put("runs", "one", {"n": 1})

    def fail() -> None:
        with state.change("runs", "one") as run:
            run["n"] = 2
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert state.get("runs", "one") == {"n": 1}


def test_changes_of_many_threads_all_count(tmp_path: Path) -> None:
    state = State(tmp_path)

    def add() -> None:
        for _ in range(20):
            with state.change("counts", "one") as count:
                count["n"] = count.get("n", 0) + 1

    threads = [threading.Thread(target=add) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert State(tmp_path).get("counts", "one") == {"n": 100}


def test_what_is_deleted_is_gone(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.put("runs", "one", {})
    assert (state.delete("runs", "one"), state.delete("runs", "one")) == (True, False)
    assert State(tmp_path).all("runs") == []


@given(name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=300))
def test_any_name_will_do(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.mktemp("state")
    State(folder).put("runs", name, {"name": name})
    assert State(folder).get("runs", name) == {"name": name}
