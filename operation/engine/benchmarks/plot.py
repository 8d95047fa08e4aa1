"""A picture of a comparison: the median of each contender, and from the least to the most."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from operation.engine.benchmarks.rounds import several

_OURS, _OTHERS, _REFERENCE = "#17656e", "#b98a2f", "#5f6570"


def write_plots(folder: Path, comparison: Mapping[str, Any]) -> Path:
    """Write ``<name>.svg`` and ``<name>.png`` into `folder`; return the former."""
    from matplotlib.figure import Figure

    rows = list(reversed(comparison["rows"]))
    factor, unit = (1000, "ms") if max(row["median"] for row in rows) < 1 else (1, "s")
    figure = Figure(figsize=(8.5, 0.9 + 0.42 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    for place, row in enumerate(rows):
        colour = _colour(row["name"], comparison["reference"])
        axes.plot([row["least"] * factor, row["most"] * factor], [place, place], color=colour, linewidth=2)
        axes.plot(row["median"] * factor, place, "o", color=colour, markersize=7)
        words = f"  {row['median'] * factor:.4g} {unit}, x {row['ratio']:.2f}"
        axes.text(row["most"] * factor, place, words, va="center", fontsize=9, color=colour)
    axes.set_yticks(range(len(rows)), [row["name"] for row in rows])
    axes.set_xlim(0, 1.35 * factor * max(row["most"] for row in rows))
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlabel(
        f"{unit}: median, least to most of {several(comparison['rounds'], 'round')}; x: of the median of "
        f"{comparison['reference']}"
    )
    axes.spines[["top", "right"]].set_visible(False)
    target = folder / f"{comparison['name']}.svg"
    figure.savefig(target, metadata={"Date": None})
    figure.savefig(target.with_suffix(".png"), dpi=120)
    return target


def _colour(name: str, reference: str) -> str:
    if "workbench" in name:
        return _OURS
    return _REFERENCE if name == reference else _OTHERS
