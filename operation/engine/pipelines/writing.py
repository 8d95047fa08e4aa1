"""The files of both systems, written from the list of stages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from operation.engine.foundation.layout import Layout
from operation.engine.pipelines.source import SourcePipeline, read_source
from operation.engine.pipelines.tree import Findings
from operation.engine.pipelines.writing_azure import azure_pipeline
from operation.engine.pipelines.writing_github import PINS, github_workflow

Writer: TypeAlias = Callable[[SourcePipeline], dict[str, Any]]
_HEADER = """\
# Written by `python3 -m operation pipelines write` from operation/pipelines/pipelines.yml: edit that file.
# The same on this machine: python3 -m operation ci {name} --system {system}
"""


def azure_folder(layout: Layout) -> Path:
    """Return the folder of Azure's pipelines."""
    return layout.root / "operation" / "pipelines" / "azure"


def github_folder(layout: Layout) -> Path:
    """Return the folder of GitHub's workflows."""
    return layout.root / ".github" / "workflows"


def expected_files(layout: Layout, findings: Findings) -> dict[Path, str]:
    """Return the text of every file that the list of stages gives."""
    files: dict[Path, str] = {}
    for pipeline in read_source(layout, findings):
        for system, folder, writer in (
            ("azure", azure_folder(layout), azure_pipeline),
            ("github", github_folder(layout), github_workflow),
        ):
            files[folder / f"{pipeline.name}.yml"] = _text(pipeline, system, writer)
    return files


def _text(pipeline: SourcePipeline, system: str, writer: Writer) -> str:
    body = yaml.dump(writer(pipeline), Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)
    body = body.replace("'on':", "on:", 1)  # a word that YAML 1.1 takes for true; GitHub does not
    for pin, version in PINS.items():  # a comment that updating tools read and write
        body = body.replace(f"uses: {pin}\n", f"uses: {pin} # {version}\n")
    return _HEADER.format(name=pipeline.name, system=system) + body


class _Dumper(yaml.SafeDumper):
    """Lists indented below their key; nothing is abbreviated by anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - its signature
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - its signature
        return True
