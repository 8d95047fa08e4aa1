"""The picture that stands for a notebook: its largest figure, small enough for a page of many."""

import base64
import io
import json
from functools import cache
from pathlib import Path

SMALL = 30_000  # bytes; a larger figure is scaled down
CARD = (560, 480)  # pixels that a figure is scaled down to, enough for a card on a sharp screen
COLOURS = 96  # of a figure that was scaled down
BUDGET = 320_000  # bytes of all thumbnails of one page


def thumbnails(notebooks: list[Path]) -> list[str]:
    """Return a ``data:`` address for each executed notebook.

    It is empty where the notebook is missing or broken, has no figure, or the page's budget is spent.
    """
    addresses, spent = [], 0
    for notebook in notebooks:
        modified = notebook.stat().st_mtime_ns if notebook.is_file() else 0
        picture = base64.b64encode(_thumbnail(notebook, modified)).decode("ascii")
        address = f"data:image/png;base64,{picture}" if picture else ""
        if spent + len(address) > BUDGET:
            address = ""
        spent += len(address)
        addresses.append(address)
    return addresses


@cache
def _thumbnail(notebook: Path, _: int) -> bytes:
    """Return the largest figure among those that fill a card, or else the largest, as a small PNG."""
    picture = max(_pictures(notebook), key=lambda picture: _fit(*_size(picture)), default=b"")
    return picture if len(picture) <= SMALL else _scaled(picture)


def _fit(width: int, height: int) -> tuple[bool, int]:
    return 1.2 * height <= width <= 2.4 * height, width * height


def _pictures(notebook: Path) -> list[bytes]:
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        data = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
        pictures = [base64.b64decode("".join(one["image/png"])) for one in data if "image/png" in one]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    return [picture for picture in pictures if picture.startswith(b"\x89PNG\r\n\x1a\n")]


def _size(picture: bytes) -> tuple[int, int]:
    """Read width and height where every PNG has them: in its first chunk."""
    return int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")


def _scaled(picture: bytes) -> bytes:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(picture)) as image:
            opaque = Image.new("RGB", image.size, "white")
            drawn = image.convert("RGBA")
            opaque.paste(drawn, mask=drawn)
    except (OSError, SyntaxError, ValueError):  # Pillow's errors for a broken PNG
        return b""
    opaque.thumbnail(CARD, Image.Resampling.LANCZOS)
    small = io.BytesIO()
    opaque.quantize(COLOURS).save(small, "PNG", optimize=True)
    return small.getvalue()
