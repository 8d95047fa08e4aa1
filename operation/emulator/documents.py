"""Azure's documents, made of the shapes in ``documents.yml``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from operation.emulator.state import Document, now


@cache
def _shapes() -> dict[str, Document]:
    text = Path(__file__).with_name("documents.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def shaped(kind: str, /, **values: object) -> Document:
    """Return a document of a kind, with `values` where its shape has their names in braces."""
    return dict(_filled(_shapes()[kind], {"now": now(), **values}))


def _filled(shape: Any, values: Mapping[str, object]) -> Any:
    if isinstance(shape, dict):
        return {name: _filled(one, values) for name, one in shape.items()}
    if isinstance(shape, list):
        return [_filled(one, values) for one in shape]
    if not isinstance(shape, str):
        return shape
    whole = re.fullmatch(r"\{(\w+)\}", shape)
    return values[whole[1]] if whole else shape.format_map(values)
