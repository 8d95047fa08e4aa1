"""What differs between two executions by any engine, and is therefore not compared.

- Moments and durations: of ``execution`` and ``papermill`` metadata only the names, and which are None.
- Paths of the executed notebook in papermill's metadata.
- The names (``id``) of cells that papermill adds.
- Process numbers in file names of cells (``ipykernel_123``) and addresses of objects (``0x7f...``).
- Times that ``%time`` measured.
- Where the text of one stream was cut into outputs: neighbours are joined.
- Whether text that did not come from ``print`` (C code, child processes) stands before or after a result
  of the same cell: here always in its place, with the stock engine as its reader's thread came to it. The
  notebooks compared have no such result.
- The frames of ``input`` and ``getpass`` inside the engine: only their error is compared.
"""

from __future__ import annotations

import re
from typing import Any

_NUMBERS = (
    (re.compile(r"ipykernel_\d+"), "ipykernel_N"),
    (re.compile(r"0x[0-9a-f]{6,}"), "0xADDRESS"),
    (re.compile(r"(CPU times|Wall time): [^\n]*"), r"\1: measured"),
)


def comparable(document: dict[str, Any]) -> dict[str, Any]:
    """Return an executed notebook as nbformat reads it, without what is volatile."""
    return {
        "cells": [_cell(one) for one in document["cells"]],
        "metadata": {**document["metadata"], "papermill": _known(document["metadata"]["papermill"])},
        "nbformat": [document["nbformat"], document["nbformat_minor"]],
    }


def _known(papermill: dict[str, Any]) -> dict[str, Any]:
    volatile = ("start_time", "end_time", "duration", "input_path", "output_path")
    return {key: value is None if key in volatile else value for key, value in papermill.items()}


def _cell(cell: dict[str, Any]) -> dict[str, Any]:
    metadata = dict(cell["metadata"])
    added = {"papermill-error-cell-tag", "injected-parameters"} & set(metadata.get("tags", []))
    if "papermill" in metadata:
        metadata["papermill"] = _known(metadata["papermill"])
    if "execution" in metadata:
        metadata["execution"] = sorted(metadata["execution"])
    rest = {key: value for key, value in cell.items() if key not in ("metadata", "outputs")}
    if added:
        rest["id"] = "drawn by chance"
    if "outputs" in cell:
        rest["outputs"] = _joined([_output(one) for one in cell["outputs"]])
    return {**rest, "metadata": metadata}


def _output(output: dict[str, Any]) -> dict[str, Any]:
    if output.get("ename") == "StdinNotImplementedError":
        output = {**output, "traceback": []}
    clean: dict[str, Any] = _plain(output)
    return clean


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, str):
        for pattern, replacement in _NUMBERS:
            value = pattern.sub(replacement, value)
    return value


def _joined(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    joined: list[dict[str, Any]] = []
    for output in outputs:
        last = joined[-1] if joined else {}
        if output["output_type"] == "stream" and last.get("name") == output["name"]:
            last["text"] += output["text"]
        else:
            joined.append(dict(output))
    return joined
