"""What a script is made of, and that what runs is what stands on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operation.engine.layout import Layout
from operation.engine.source import _meaning, dependencies, load_module, source_digests


def test_dependencies_are_found_transitively_and_without_executing(tiny: Layout) -> None:
    words = tiny.src / "words.py"
    words.write_text("def letters(text, skip):\n    import deeper\n    return deeper\n")
    (tiny.src / "deeper.py").write_text("raise SystemExit('executed')\n")
    found = dependencies(tiny.src / "count.py")
    assert [path.name for path in found] == ["count.py", "deeper.py", "utils.py", "words.py"]


@pytest.mark.parametrize("edit", ["# a comment\n{}", "{}\n\n\n", "{}    # behind\n"])
def test_comments_and_blank_lines_do_not_change_the_digest(tiny: Layout, edit: str) -> None:
    before = source_digests(tiny.src / "count.py")
    words = tiny.src / "words.py"
    words.write_text(edit.format(words.read_text()))
    assert source_digests(tiny.src / "count.py") == before


def test_a_changed_token_of_an_imported_module_changes_its_digest_only(tiny: Layout) -> None:
    before = source_digests(tiny.src / "count.py")
    words = tiny.src / "words.py"
    words.write_text(words.read_text().replace("sum(1", "sum(2"))
    after = source_digests(tiny.src / "count.py")
    changed = {
        (file, name) for file in after for name in after[file] if after[file][name] != before[file].get(name)
    }
    assert changed == {("words.py", "letters")}


@settings(max_examples=50)
@given(st.integers(), st.integers())
def test_two_constants_share_a_digest_only_when_they_are_equal(a: int, b: int) -> None:
    digests = [_meaning(Path("x.py"), f"x = {one}\n".encode()) for one in (a, b)]
    assert (digests[0] == digests[1]) == (a == b)


def test_a_module_that_changed_on_disk_is_what_runs(tiny: Layout) -> None:
    words = tiny.src / "words.py"
    assert load_module(tiny.src / "count.py").letters("ab", []) == 2
    words.write_text(words.read_text().replace("sum(1", "sum(5"))
    assert load_module(tiny.src / "count.py").letters("ab", []) == 10


def test_an_unchanged_module_is_not_loaded_again(tiny: Layout) -> None:
    assert load_module(tiny.src / "words.py") is load_module(tiny.src / "words.py")
