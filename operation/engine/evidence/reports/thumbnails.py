"""The picture that stands for a notebook: its largest figure, small enough for a page of many."""

from __future__ import annotations

import base64
import binascii
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

SMALL = 30_000  # bytes; a larger figure is scaled down
WIDE = 560  # pixels that a figure is scaled down to, enough for a card on a sharp screen
HIGH = 480
COLOURS = 96  # of a figure that was scaled down
BUDGET = 320_000  # bytes of all thumbnails of one page


def thumbnails(notebooks: list[Path]) -> list[str]:
    """Return one ``data:`` address a notebook, empty where it has no figure or the budget is spent.

    Parameters
    ----------
    notebooks : list of Path
        Executed notebooks; missing ones and broken ones have no figure.
    """
    addresses, spent = [], 0
    for notebook in notebooks:
        picture = _thumbnail(notebook, _state(notebook))
        address = f"data:image/png;base64,{base64.b64encode(picture).decode('ascii')}" if picture else ""
        if spent + len(address) > BUDGET:
            address = ""
        spent += len(address)
        addresses.append(address)
    return addresses


@cache
def _thumbnail(notebook: Path, _: object) -> bytes:
    return _small(_best(notebook))


def _state(notebook: Path) -> object:
    """Tell one content of the file from another."""
    try:
        stat = notebook.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _best(notebook: Path) -> bytes:
    """Return the largest figure among those that fill a card; without one of those, the largest."""
    return max(_pictures(notebook), key=lambda picture: (_fills(picture), _pixels(picture)), default=b"")


def _fills(picture: bytes) -> bool:
    width, height = _size(picture)
    return 1.2 * height <= width <= 2.4 * height


def _pictures(notebook: Path) -> list[bytes]:
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        found = [
            output["data"]["image/png"]
            for cell in cells
            for output in cell.get("outputs", [])
            if "image/png" in output.get("data", {})
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    return [picture for source in found if (picture := _decoded(source))]


def _decoded(source: Any) -> bytes:
    try:
        picture = base64.b64decode("".join(source))
    except (binascii.Error, TypeError, ValueError):
        return b""
    return picture if picture.startswith(b"\x89PNG\r\n\x1a\n") and len(picture) > 24 else b""


def _pixels(picture: bytes) -> int:
    width, height = _size(picture)
    return width * height


def _size(picture: bytes) -> tuple[int, int]:
    """Read width and height where every PNG has them: in its first chunk."""
    return int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")


def _small(picture: bytes) -> bytes:
    if len(picture) <= SMALL:
        return picture
    from PIL import Image

    try:
        with Image.open(io.BytesIO(picture)) as image:
            opaque = Image.new("RGB", image.size, "white")
            drawn = image.convert("RGBA")
            opaque.paste(drawn, mask=drawn)
    except (OSError, SyntaxError, ValueError):  # Pillow's words for a broken PNG
        return b""
    opaque.thumbnail((WIDE, HIGH), Image.Resampling.LANCZOS)
    small = io.BytesIO()
    opaque.quantize(COLOURS).save(small, "PNG", optimize=True)
    return small.getvalue()
