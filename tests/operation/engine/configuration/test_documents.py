"""The YAML reader: never a traceback, always a place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from operation.engine.configuration.documents import parse_document, read_document, scalar

KEYS = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,8}", fullmatch=True)
TEXTS = st.text(st.characters(blacklist_categories=["Cc", "Cs", "Co", "Cn", "Zl", "Zp"]), max_size=12)
VALUES = st.recursive(
    TEXTS | st.integers(-(10**17), 10**17) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    document, problems = parse_document(text, "f.yml")
    assert document is not None or problems
    assert all(problem.line >= 1 and problem.file == "f.yml" for problem in problems)


@given(st.text(alphabet="ab:- \n\t'\"[]{}#&*!|>?%@,~0."))
def test_any_yaml_like_text_is_read_or_refused(text: str) -> None:
    document, problems = parse_document(text, "f.yml")
    assert document is not None or problems


@given(st.binary())
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.yml"
    path.write_bytes(content)
    document, problems = read_document(path, "f.yml")
    assert document is not None or problems


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4))
def test_what_json_writes_is_what_is_read(data: dict[str, object]) -> None:
    document, problems = parse_document(json.dumps(data, ensure_ascii=False, indent=1), "f.yml")
    assert not problems
    assert document
    assert document.data == data


@given(st.dictionaries(KEYS, TEXTS, min_size=1, max_size=5))
def test_quoted_text_of_pyyaml_is_what_is_read(data: dict[str, str]) -> None:
    text = yaml.safe_dump(data, default_style="'", allow_unicode=True, width=10_000)
    document, problems = parse_document(text, "f.yml")
    assert not problems
    assert document
    assert document.data == data


@given(st.lists(KEYS, unique=True, min_size=1), st.data())
def test_lines_are_those_of_the_keys(keys: list[str], data: st.DataObject) -> None:
    gaps = data.draw(st.lists(st.integers(0, 3), min_size=len(keys), max_size=len(keys)))
    text = "".join("# gap\n" * gap + f"{key}: 1\n" for key, gap in zip(keys, gaps, strict=True))
    document, _ = parse_document(text, "f.yml")
    assert document
    lines = text.splitlines()
    assert all(lines[document.line((key,)) - 1] == f"{key}: 1" for key in keys)


@given(st.lists(KEYS, unique=True, min_size=1), st.data())
def test_a_key_that_stands_twice_is_found(keys: list[str], data: st.DataObject) -> None:
    twice = data.draw(st.sampled_from(keys))
    text = "".join(f"{key}: {number}\n" for number, key in enumerate([*keys, twice]))
    document, problems = parse_document(text, "f.yml")
    first, last = keys.index(twice) + 1, len(keys) + 1
    message = f"'{twice}' repeats line {first}. Keep one of them."
    assert [str(problem) for problem in problems] == [f"f.yml:{last}: {message}"]
    assert document
    assert document.data[twice] == first - 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-5", -5),
        ("007", "007"),
        ("1.10", 1.1),
        (".5", 0.5),
        ("1e-3", 0.001),
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("NO", "NO"),
        ("~", None),
        ("null", None),
        ("", None),
        ("2013-01-01", "2013-01-01"),
        ("12:30", "12:30"),
        ("0x10", "0x10"),
        (".inf", ".inf"),
        ("1_000", "1_000"),
    ],
)
def test_unquoted_words(text: str, value: object) -> None:
    found = scalar(text)
    assert found == value
    assert type(found) is type(value)


def test_texts_keep_what_stands_in_the_file() -> None:
    document, _ = parse_document("version: 1.10\nquoted: '1.10'\n", "f.yml")
    assert document
    assert document.data == {"version": 1.1, "quoted": "1.10"}
    assert document.texts[("version",)] == "1.10"


def test_the_place_of_something_missing_is_that_of_what_is_around_it() -> None:
    document, _ = parse_document("a: 1\nsteps:\n  train:\n    inputs: {}\n", "f.yml")
    assert document
    assert document.line(("steps", "train", "arguments", "rate")) == 3
    assert document.line(("nothing",)) == 1


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "bom.yml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    document, problems = read_document(path, "f.yml")
    assert document
    assert document.data == {"a": 1, "b": 2}
    assert not problems


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1\n", "f.yml:1: not valid YAML at column 4: expected ',' or ']', but got '<stream end>' "
         "(often: a '[' that is never closed)."),
        ("a: 1\n---\nb: 2\n", "f.yml:2: not valid YAML at column 1: but found another document "
         "(often: remove the line '---' and what follows, or make it a file of its own)."),
        ("a: 1\nb: *a\n", "f.yml:2: not valid YAML at column 4: '*a': anchors and aliases are not supported. "
         "Write the value out."),
        ("a: !!python/name:os.system x\n", "f.yml:1: not valid YAML at column 4: tags such as "
         "'tag:yaml.org,2002:python/name:os.system' are not supported. Remove it."),
        ("[a]: 1\n", "f.yml:1: a list or mapping cannot be a key. Use text."),
        ("a: \x01\n", "f.yml:1: contains the control character '\\x01': remove it."),
        ("a: [" * 2000, "f.yml:1: is nested too deeply to be a configuration."),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, message: str) -> None:
    assert [str(problem) for problem in parse_document(text, "f.yml")[1]] == [message]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    document, problems = read_document(tmp_path / "none.yml", "f.yml")
    assert document is None
    assert str(problems[0]) == "f.yml:1: cannot be read: No such file or directory."
