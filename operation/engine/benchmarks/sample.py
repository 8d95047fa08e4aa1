"""An executed notebook of a wanted size, put together from real ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SIZE = 50_000  # bytes
_MOST = 15_000  # bytes of one cell: larger pictures are left out


def write_sample(executed: Sequence[Path], target: Path, size: int = SIZE) -> Path:
    """Write the cells of `executed` in order, without the largest outputs, again and again up to `size`.

    Parameters
    ----------
    executed : sequence of Path
        Executed notebooks, at least one.
    target : Path
        Where it goes.
    size : int, default=50_000
        Bytes of the file, reached to within one cell.

    Returns
    -------
    Path
        `target`.
    """
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in executed]
    cells = [_light(cell) for document in documents for cell in document["cells"]]
    chosen: list[dict[str, Any]] = []
    sample = {**documents[0], "cells": chosen}
    while len(_written(sample)) < size:
        chosen.append({**cells[len(chosen) % len(cells)], "id": f"c{len(chosen)}"})
    target.write_bytes(_written(sample))
    return target


def _light(cell: dict[str, Any]) -> dict[str, Any]:
    outputs = [one for one in cell.get("outputs", []) if len(json.dumps(one)) < _MOST]
    return {**cell, "outputs": outputs} if "outputs" in cell else cell


def _written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1, ensure_ascii=False).encode("utf-8")
