"""What differs between two executions by any engine, and is therefore not compared.

- Moments and durations: of ``execution`` and ``papermill`` metadata only the names, and which are None.
- Paths of the executed notebook in papermill's metadata.
- The names (``id``) of cells that papermill adds.
- Process numbers in file names of cells (``ipykernel_123``), addresses of objects (``0x7f...``), the names
  that pandas draws for styled tables (``T_1a2b3``).
- Times that ``%time`` measured.
- How many frames fit below the limit of recursion: the engines' own differ by two.
- Where text was cut into outputs, and which of the two streams comes first where text of both follows one
  another: both engines pass text on after a fifth of a second.
- Whether text that did not come from ``print`` (C code, child processes) stands before or after a result
  of the same cell: here always in its place, with the stock engine as its reader's thread came to it. The
  notebooks compared have no such result.
- The frames of ``input`` and ``getpass`` inside the engine: only their error is compared.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

_NUMBERS = (
    (re.compile(r"ipykernel_\d+"), "ipykernel_N"),
    (re.compile(r"0x[0-9a-f]{6,}"), "0xADDRESS"),
    (re.compile(r"\bT_[0-9a-f]{5}\b|\bT_[0-9a-f]{5}(?=_)"), "T_STYLE"),
    (re.compile(r"similar frames: (.*) \(\d+ times\)"), r"similar frames: \1 (N times)"),
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
    """Join the texts between two other outputs: first all of standard output, then all of standard error."""
    joined: list[dict[str, Any]] = []
    for is_text, group in groupby(outputs, lambda one: one["output_type"] == "stream"):
        texts = list(group)
        if not is_text:
            joined += texts
            continue
        for name in sorted({one["name"] for one in texts}, reverse=True):
            text = "".join(
                one["text"] if isinstance(one["text"], str) else "".join(one["text"])
                for one in texts
                if one["name"] == name
            )
            joined.append({"output_type": "stream", "name": name, "text": text})
    return joined
