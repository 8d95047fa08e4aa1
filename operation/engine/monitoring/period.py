"""One period of a use case's past, as configuration: what was known at its end, and judged on its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from operation.engine.configuration import Configuration, Step
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.identity.contract import read_contract
from operation.engine.monitoring.signals import COLLECT, of_script

if TYPE_CHECKING:
    import pandas as pd

SOURCE = "source"  # the step that reads what is cut into deliveries
JOIN = "join_outcomes"
# what a step writes to beside its outputs: while the past is played, below ``runs``, wherever that is then
OWN = {
    **{"raw-table": "runs/raw", "ledger": "runs/ledger.jsonl"},
    **{"tracking-uri": "sqlite:///runs/mlflow.db"},
}
_SOURCES = ("sample", "data", "remote", "until", "delivery-time")
_PANDAS = {"day": "D", "month": "M", "year": "Y"}


@dataclass(frozen=True)
class Period:
    """A day, a month or a year."""

    name: str  # 2013-07
    begin: date
    end: datetime  # the first moment after it


def periods(times: pd.Series, length: str, until: str | None) -> Iterator[Period]:
    """Yield the periods in which the rows lie, oldest first, up to the one named `until`."""
    for found in sorted(times.dt.to_period(_PANDAS[length]).dropna().unique()):
        if until is None or str(found) <= until:
            end = (found + 1).start_time.to_pydatetime().replace(tzinfo=UTC)
            yield Period(str(found), found.start_time.date(), end)


def playable(configured: Configuration) -> Step:
    """Return the step that collects; raise UsageError where nothing says how to cut the past."""
    step = configured.deliveries
    if step is None or "period" not in step.arguments or configured.monitor is None:
        file = f"configuration/configuration-{configured.use_case}.yml"
        raise UsageError(
            f"{file}: play needs `deliveries:` with key, event-time and period, and `monitor:`. Add them."
        )
    return step


def isolated(configured: Configuration, layout: Layout) -> Configuration:
    """Return the configuration with what steps write elsewhere below ``runs``, and with a step ``source``.

    That step reads what is ingested as configured, a raw table where that one is.
    """
    ingest, steps = of_script(configured, "ingest.py"), configured.steps
    source = {name: value for name, value in ingest.arguments.items() if name != "as-of"}
    table = str(source.get("raw-table", "blob:"))
    if not table.startswith("blob:"):
        source["raw-table"] = str(layout.absolute().root / layout.in_runs(table))
    join = Step(JOIN, ingest.script.with_name(f"{JOIN}.py"), {}, {})
    own = {name: _own(step) for name, step in steps.items()}
    own |= {SOURCE: replace(ingest, name=SOURCE, arguments=source), JOIN: join}
    return replace(configured, steps=own, deliveries=_own(playable(configured)))


def _own(step: Step) -> Step:
    return replace(step, arguments={name: OWN.get(name, value) for name, value in step.arguments.items()})


def at(configured: Configuration, period: Period) -> Configuration:
    """Return the isolated configuration at the end of a period.

    What ``source`` reads is cut into deliveries; ``ingest`` reads those that are known. The rows of the
    period are the holdout, all older ones are trained on. Settings of ``play`` hold.
    """
    collect, ingest = playable(configured), of_script(configured, "ingest.py")
    prepare = of_script(configured, "prepare.py")
    event_time = {"time-column": collect.arguments["event-time"]}
    arguments = {name: value for name, value in collect.arguments.items() if name not in _SOURCES}
    inputs = {**collect.inputs, "data": f"{SOURCE}.table"}
    split = {**event_time, "split": "time", "holdout-from": period.begin.isoformat()}
    known = {"raw-table": OWN["raw-table"], "as-of": period.name, **event_time}
    changed = [
        replace(collect, name=COLLECT, inputs=inputs, arguments={**arguments, "until": period.name}),
        replace(ingest, inputs={}, arguments=known),
        replace(prepare, arguments={**prepare.arguments, **split}),
    ]
    steps = {**configured.steps, **{step.name: step for step in changed}}
    return replace(
        configured, steps={name: _played(configured, step, period) for name, step in steps.items()}
    )


def _played(configured: Configuration, step: Step, period: Period) -> Step:
    """Return a step with the settings of ``play``, and the period's end as the time of its entries."""
    play: dict[str, dict[str, Any]] = configured.monitor.play if configured.monitor else {}
    arguments = {**step.arguments, **play.get(step.name, {})}
    if "ledger" in arguments and "time" in read_contract(step.script).values:
        arguments["time"] = period.end.isoformat()
    return replace(step, arguments=arguments)
