"""What steps tell their CI system: lines of their output, and files that GitHub names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from operation.engine.pipelines.results import Result

_AZURE = re.compile(r"##vso\[([\w.]+)\s*([^\]]*)\](.*)")
_GITHUB = re.compile(r"::([\w-]+)(?:\s+([^:]*))?::(.*)")
_ESCAPES = {"%0D": "\r", "%0A": "\n", "%3B": ";", "%5D": "]", "%AZP25": "%", "%25": "%"}
_IGNORED = {"group", "endgroup", "debug", "notice", "task.debug", "task.setprogress", "build.addbuildtag"}


@dataclass
class Told:
    """What one step told."""

    outputs: dict[str, str] = field(default_factory=dict)  # for later steps and jobs
    variables: dict[str, str] = field(default_factory=dict)  # for later steps of the job
    warnings: list[str] = field(default_factory=list)
    summaries: list[str] = field(default_factory=list)  # Markdown
    claim: str = ""  # of the step itself: Succeeded, SucceededWithIssues, Failed

    def result(self, code: int) -> Result:
        """Return how a step ended that ended with this exit code."""
        if (code and not self.claim.endswith("Issues")) or self.claim == "Failed":
            return Result.FAILED
        return Result.ISSUES if self.warnings or self.claim.endswith("Issues") else Result.SUCCEEDED

    def read(self, files: Sequence[Path]) -> None:
        """Take in what a step wrote to GitHub's files: outputs, variables, summary."""
        outputs, variables, summary = files
        self.outputs |= dict(_assignments(outputs))
        self.variables |= dict(_assignments(variables))
        text = summary.read_text(encoding="utf-8") if summary.is_file() else ""
        if text.strip():
            self.summaries.append(text)


def hear(line: str, told: Told) -> str | None:
    """Take in a line of a step; return what a person is to see of it, None for nothing."""
    azure, github = _AZURE.match(line), _GITHUB.match(line)
    if azure:
        return _azure(azure[1].lower(), dict(_properties(azure[2])), _decoded(azure[3]), told)
    if github:
        return _github(github[1].lower(), _decoded(github[3]), told)
    return line


def _azure(command: str, properties: dict[str, str], data: str, told: Told) -> str | None:
    if command == "task.setvariable":
        target = told.outputs if properties.get("isoutput", "").lower() == "true" else told.variables
        target[properties.get("variable", "")] = data
        return None
    if command == "task.logissue":
        if properties.get("type") == "warning":
            told.warnings.append(data)
        return f"{properties.get('type', 'error')}: {data}"
    if command == "task.complete":
        told.claim = properties.get("result", "")
        return data or None
    if command == "task.uploadsummary":
        file = Path(data)
        if file.is_file():
            told.summaries.append(file.read_text(encoding="utf-8"))
        return None
    return None if command in _IGNORED else f"(not covered by a local run: {command})"


def _github(command: str, data: str, told: Told) -> str | None:
    if command in {"warning", "error"}:
        if command == "warning":
            told.warnings.append(data)
        return f"{command}: {data}"
    return None if command in {*_IGNORED, "add-mask"} else f"(not covered by a local run: {command})"


def _properties(text: str) -> Iterator[tuple[str, str]]:
    for part in filter(None, map(str.strip, text.split(";"))):
        name, _, value = part.partition("=")
        yield name.strip().lower(), _decoded(value)


def _assignments(file: Path) -> Iterator[tuple[str, str]]:
    """Yield ``name=value`` and ``name<<END`` of a file."""
    lines = iter(file.read_text(encoding="utf-8").splitlines() if file.is_file() else [])
    for line in lines:
        name, sign, end = line.partition("<<")
        if sign and "=" not in name:
            value = []
            for more in lines:
                if more == end:
                    break
                value.append(more)
            yield name, "\n".join(value)
        elif "=" in line:
            name, _, text = line.partition("=")
            yield name, text


def _decoded(text: str) -> str:
    for code, sign in _ESCAPES.items():
        text = text.replace(code, sign)
    return text
