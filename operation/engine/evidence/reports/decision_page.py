"""The page of a decision between champion and challenger, in fixed sections, and its summary for CI."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from operation.engine.evidence.ci import REJECTED, Outcome, conclude, rejection
from operation.engine.evidence.reports.pages import render
from operation.engine.evidence.reports.wording import number, short
from operation.engine.foundation import manifest
from operation.engine.foundation.layout import Layout

OUTPUT, FILE, SCHEMA = "decision", "decision.json", 1  # of the step that decides
_ROOM = 0.06  # left empty at both ends of the intervals' axis, as a share of its range
Decision = Mapping[str, Any]


class Interval(NamedTuple):
    """Where a difference and its interval stand on a common axis, in percent of its width."""

    low: float
    value: float
    high: float
    margin: float
    zero: float


def read_decision(folder: Path) -> dict[str, Any] | None:
    """Return what the step that decides wrote to `folder`; None where there is nothing of this version."""
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) and content.get("schema") == SCHEMA else None


def decisions_of(run_folder: Path, steps: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return key -> decision of each step of a run, by the records of its manifest."""
    found = {}
    for step in steps:
        outputs = step.get("outputs")
        output = outputs.get(OUTPUT) if isinstance(outputs, Mapping) else None
        path = output.get("path") if isinstance(output, Mapping) else None
        if isinstance(path, str) and (decision := read_decision(run_folder / path)):
            found[str(step.get("key"))] = decision
    return found


def conclude_run(layout: Layout, choice: str, exit_code: int, run_folder: Path) -> int:
    """Tell CI of the decisions of a run, by its manifest, and return the exit code; see `ci.conclude`."""
    content = manifest.read(run_folder / "manifest.json") or {}
    decided = outcomes(layout, run_folder, content.get("steps", []))
    if exit_code == REJECTED and all(outcome.decision == "accepted" for outcome in decided):
        message = (content.get("error") or {}).get("message", "")
        decided.append(rejection(run_folder.name, str(message)))  # by a script of one's own
    return conclude(choice, exit_code, decided, run_folder)


def outcomes(layout: Layout, run_folder: Path, steps: Iterable[Mapping[str, Any]]) -> list[Outcome]:
    """Return what CI is told of the decisions of a run."""
    return [
        outcome(decision, layout.relative(run_folder / page_name(key)))
        for key, decision in decisions_of(run_folder, steps).items()
    ]


def outcome(decision: Decision, page: str) -> Outcome:
    """Return what CI is told of a decision."""
    return Outcome(str(decision["decision"]), str(decision["reason"]), markdown(decision, page))


def page_name(key: str) -> str:
    """Return the name of the page of the decision that the step with this key made."""
    return f"decision-{key[:10]}.html"


def write_decision_page(target: Path, decision: Decision) -> Path:
    """Write the page of a decision and return its path."""
    difference = [decision["difference"]] if decision["difference"] else []
    return render(
        "decision.html.j2",
        target,
        decision=decision,
        accepted=decision["decision"] == "accepted",
        intervals=intervals([*difference, *decision["slices"]]),
        cost=intervals([decision["cost"]])[0] if decision["cost"] else None,
    )


def intervals(sections: Sequence[Mapping[str, Any]]) -> list[Interval]:
    """Return where the interval of each section stands, on one axis that holds 0 and all margins."""
    names = ("low", "value", "high", "margin")
    values: list[float] = [0.0, *(section[name] for section in sections for name in names)]
    span = (max(values) - min(values)) or 1.0
    start, width = min(values) - _ROOM * span, span * (1 + 2 * _ROOM)

    def at(value: float) -> float:
        return round(100 * (value - start) / width, 2)

    return [Interval(**{name: at(section[name]) for name in names}, zero=at(0.0)) for section in sections]


def markdown(decision: Decision, page: str) -> str:
    """Return a decision as Markdown, for the summary of a run of CI; `page` says where the whole page is."""
    champion = short(decision["champion"]) if decision["champion"] else "none"
    rows = [
        ("challenger", f"`{short(decision['challenger'])}`"),
        ("champion", f"`{champion}`"),
        ("holdout", f"{decision['holdout']['rows']:,} rows, `{short(decision['holdout']['digest'])}`"),
        *((f"condition `{entry['condition']}`", _passed(entry)) for entry in decision["conditions"]),
    ]
    if decision["difference"]:
        rows.append((f"{decision['metric']} loss, challenger - champion", _interval(decision["difference"])))
    worse = [f"{entry['column']} {entry['category']}" for entry in decision["slices"] if not entry["passed"]]
    if decision["slices"]:
        rows.append(
            (f"{len(decision['slices'])} slices", f"worse: {', '.join(worse)}" if worse else "none worse")
        )
    if groups := decision.get("groups"):
        found = f"{groups['worse']} of {groups['count']} got worse, {groups['certain']} certainly"
        certain = [entry["group"] for entry in groups["listed"] if entry["certain"]]
        rows.append(("groups", found + (f": {', '.join(certain[:10])}" if certain else "")))
    if look := decision["looks"]:
        rows.append(("look at this holdout", f"{look['number']} of {look['planned']}"))
    table = "\n".join(f"| {_escaped(name)} | {_escaped(value)} |" for name, value in rows)
    head = f"## {decision['model']}: {decision['decision']}\n\n{_escaped(decision['reason'])}\n"
    return (
        f"{head}\n| | |\n|---|---|\n{table}\n\nThe whole decision: `{page}`, in the artifact of this run.\n"
    )


def _interval(section: Mapping[str, Any]) -> str:
    return f"{section['value']:+.4g} ({section['low']:+.4g} to {section['high']:+.4g})"


def _passed(entry: Mapping[str, Any]) -> str:
    return f"{'holds' if entry['passed'] else 'does not hold'}: {number(entry['value'])}"


def _escaped(text: str) -> str:
    """Return `text` as a cell of a table; what stands between backticks is shown as it is."""
    parts = text.replace("|", "\\|").replace("\n", " ").split("`")
    parts[::2] = [part.replace("<", "&lt;") for part in parts[::2]]
    return "`".join(parts)
