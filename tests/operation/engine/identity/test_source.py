"""What a script is made of, and that what runs is what stands on disk."""

from __future__ import annotations

import os
import py_compile
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.identity.bytecode import refresh_bytecode
from operation.engine.identity.loading import load_module
from operation.engine.identity.meaning import read_code
from operation.engine.identity.source import dependencies, source_digests
from tests.operation.engine.conftest import write


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
    digests = [read_code(Path("x.py"), f"x = {one}\n".encode(), frozenset()).parts for one in (a, b)]
    assert (digests[0] == digests[1]) == (a == b)


def test_a_module_that_changed_on_disk_is_what_runs(tiny: Layout) -> None:
    words = tiny.src / "words.py"
    assert load_module(tiny.src / "count.py").letters("ab", []) == 2
    words.write_text(words.read_text().replace("sum(1", "sum(5"))
    assert load_module(tiny.src / "count.py").letters("ab", []) == 10


def test_an_unchanged_module_is_not_loaded_again(tiny: Layout) -> None:
    assert load_module(tiny.src / "words.py") is load_module(tiny.src / "words.py")


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("from deeper import *\n", {"deeper.py": "x = 1\n"}),
        ("import importlib\nimportlib.import_module('dee' + 'per')\n", {"deeper.py": "x = 1\n"}),
        ("__import__('deeper')\n", {"deeper.py": "x = 1\n"}),
        ("import sub.inner\n", {"sub/__init__.py": "", "sub/inner.py": "x = 1\n"}),
        ("from sub import inner\n", {"sub/inner.py": "x = 1\n"}),
        ("from sub import *\n", {"sub/__init__.py": "__all__ = ['inner']\n", "sub/inner.py": "x = 1\n"}),
        ("from sub.inner import x\n", {"sub/inner.py": "from sub.deep import x\n", "sub/deep.py": "x = 1\n"}),
        ("from sub import inner\n", {"sub/inner.py": "from . import deep\n", "sub/deep.py": "x = 1\n"}),
        ("import sub.inner\n", {"sub/inner.py": "from .deep import x\n", "sub/deep.py": "x = 1\n"}),
        ("import sub.a.b\n", {"sub/a/b.py": "from ..deep import x\n", "sub/deep.py": "x = 1\n"}),
        ("import sub\n", {"sub/__init__.py": "", "sub/words.txt": "x = 1\n"}),
        ("open(__file__ + '/../words.txt')\n", {"words.txt": "x = 1\n"}),
        ("from importlib import resources\n", {"data/words.csv": "x = 1\n"}),
        ("import numbers\n", {"random.py": "x = 1\n"}),  # what libraries would import instead of Python's
    ],
)
def test_all_that_a_script_can_come_to_read_counts(tmp_path: Path, text: str, files: dict[str, str]) -> None:
    layout = Layout(tmp_path)
    script = write(layout, "src/script.py", text)
    for name, content in files.items():
        write(layout, f"src/{name}", content)
    before = source_digests(script)
    write(layout, f"src/{list(files)[-1]}", "x = 2\n")
    assert source_digests(script) != before


def test_a_module_of_a_package_that_is_not_imported_does_not_count(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    script = write(layout, "src/script.py", "from sub import inner\nimport sub.other.deep\n")
    for name in ("__init__", "inner", "other/__init__", "other/deep", "unused", "other/unused"):
        write(layout, f"src/sub/{name}.py", "x = 1\n")
    found = [path.relative_to(layout.src).as_posix() for path in dependencies(script)]
    used = ["__init__", "inner", "other/__init__", "other/deep"]
    assert found == ["script.py", *(f"sub/{name}.py" for name in used)]


def test_a_module_of_a_package_that_changed_on_disk_is_what_runs(tiny: Layout) -> None:
    write(tiny, "src/sub/__init__.py", "")
    inner = write(tiny, "src/sub/inner.py", "x = 1\n")
    write(tiny, "src/words.py", "from sub.inner import x\n")
    assert load_module(tiny.src / "words.py").x == 1
    inner.write_text("x = 2\n")
    assert load_module(tiny.src / "words.py").x == 2


def test_line_ends_of_another_platform_do_not_count(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    digests = []
    for end in ("\n", "\r\n"):
        script.write_bytes(b'"""One.\n\nTwo."""\nx = 1\n'.replace(b"\n", end.encode()))
        digests.append(source_digests(script))
    assert digests[0] == digests[1]


def test_a_module_that_is_not_python_is_named_with_its_line(tiny: Layout) -> None:
    (tiny.src / "words.py").write_text("x = 1\ndef letters(:\n")
    with pytest.raises(UsageError, match=r"words\.py:2: not valid Python: invalid syntax\.$"):
        source_digests(tiny.src / "count.py")


@pytest.mark.parametrize("lazily", [False, True])
def test_an_edit_that_keeps_size_and_time_is_what_runs(tiny: Layout, lazily: bool) -> None:
    write(tiny, "src/deeper.py", "x = 1\n")
    lines = ("import deeper", "def answer():", "    import deeper", "    return deeper.x")
    write(tiny, "src/words.py", "\n".join(lines[lazily:]))
    assert load_module(tiny.src / "words.py").answer() == 1
    deeper = tiny.src / "deeper.py"
    stat = deeper.stat()
    deeper.write_text("x = 2\n")
    os.utime(deeper, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert load_module(tiny.src / "words.py").answer() == 2
    code = "import sys; sys.path.insert(0, sys.argv[1]); import words; print(words.answer())"
    command = [sys.executable, "-c", code, str(tiny.src)]
    assert subprocess.run(command, capture_output=True, check=True).stdout.strip() == b"2"


def test_bytecode_of_another_source_is_replaced(tiny: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    words = write(tiny, "src/words.py", "x = 1\n")
    py_compile.compile(str(words))
    stat = words.stat()
    words.write_text("x = 2\n")
    os.utime(words, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    refresh_bytecode(tiny.src)
    code = "import sys; sys.path.insert(0, sys.argv[1]); import words; print(words.x)"
    command = [sys.executable, "-c", code, str(tiny.src)]
    assert subprocess.run(command, capture_output=True, check=True).stdout.strip() == b"2"


@pytest.mark.parametrize(
    ("text", "is_open"),
    [
        ("eval('1')", True),
        ("exec('import a')", True),
        ("import builtins as b\nb.eval('1')", True),
        ("__builtins__['exec']('1')", True),
        ("table.eval('a > 1')", False),
        ("eval(rule, {'__builtins__': {}}, values)", False),
        ("eval(rule, {'__builtins__': builtins}, values)", True),
        ("model.eval()", False),
    ],
)
def test_what_executes_text_may_import_any_module_and_a_method_of_that_name_does_not(
    text: str, is_open: bool
) -> None:
    code = read_code(Path("a.py"), text.encode(), frozenset())
    assert ("any module" in code.traits) is is_open
