"""The page of the ledger: what serves, what no gate accepted, and every decision."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from operation.engine.evidence.reports.pages import render

MOST_ENTRIES = 500  # the newest: a browser has to show them
BEHIND_THE_GATE = ("overridden", "changed-outside")
# event -> how a status of that kind looks
STYLES = {
    **dict.fromkeys(BEHIND_THE_GATE, "failed"),
    **dict.fromkeys(("accepted", "promoted"), "succeeded"),
    **dict.fromkeys(("rejected", "rolled-back"), "rejected"),
}


def write_ledger_page(
    folder: Path,
    entries: Sequence[Mapping[str, Any]],
    serving: Sequence[Mapping[str, Any]],
    problems: Sequence[str],
) -> Path:
    """Write ``index.html`` of a ledger: the newest entries, and every change that no gate accepted."""
    return render(
        "ledger.html.j2",
        folder / "index.html",
        entries=list(reversed(entries[-MOST_ENTRIES:])),
        total=len(entries),
        serving=sorted(serving, key=lambda entry: (entry["environment"], entry["model"])),
        behind=[entry for entry in entries if entry["event"] in BEHIND_THE_GATE],
        problems=problems,
        styles=STYLES,
    )
