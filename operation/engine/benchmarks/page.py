"""The page of a measurement, in the look of the reports."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from operation.engine.reports import pages

TEMPLATES = Path(__file__).with_name("templates")


class Column(NamedTuple):
    """A column that only some comparisons have figures for."""

    name: str
    title: str
    unit: str
    digits: int


_COLUMNS = (
    Column("cpu", "Processor time", "s", 2),
    Column("cells", "In cells", "s", 2),
    Column("rest", "Beside", "s", 2),
    Column("kilobytes", "HTML", "kB", 0),
)


def write_benchmark(folder: Path, record: Mapping[str, Any]) -> Path:
    """Write ``index.html`` into `folder`, with the pictures that are there; return it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    jinja = Environment(  # noqa: S701 - `furnish` turns escaping on
        loader=FileSystemLoader([TEMPLATES, pages.TEMPLATES]), undefined=StrictUndefined
    )
    pages.furnish(jinja)
    jinja.filters["measured"] = measured
    pictures = {one["name"]: _picture(folder / f"{one['name']}.png") for one in record["comparisons"]}
    html = jinja.get_template("benchmark.html.j2").render(record=record, pictures=pictures, columns=_columns)
    return pages.write_page(folder / "index.html", html)


def measured(seconds: float) -> str:
    """Return a time with three digits: ``41.3 ms``, ``12.3 s``."""
    return f"{seconds * 1000:.3g} ms" if seconds < 0.9995 else f"{seconds:.3g} s"


def _columns(comparison: Mapping[str, Any]) -> list[Column]:
    return [one for one in _COLUMNS if any(row[one.name] is not None for row in comparison["rows"])]


def _picture(path: Path) -> str:
    return b64encode(path.read_bytes()).decode("ascii") if path.is_file() else ""
