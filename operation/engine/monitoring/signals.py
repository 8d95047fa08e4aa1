"""Signals: what the steps of a use case say of its data and of its champion."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from operation.engine.configuration import Configuration, Step
from operation.engine.foundation.errors import StepFailed, UsageError
from operation.engine.foundation.layout import Layout
from operation.engine.monitoring.trigger import DRIFT, Signals
from operation.engine.steps.results import Output
from operation.engine.steps.session import Session
from operation.engine.steps.step import Done

COLLECT = "collect"
LOSS = "label loss"  # as detect_drift names the losses


def of_script(configured: Configuration, script: str) -> Step:
    """Return the step that executes a Core Script, of several the one with its name, else the first."""
    steps = {step.name: step for step in configured.steps.values() if step.script.name == script}
    if steps:
        return steps.get(script.removesuffix(".py"), next(iter(steps.values())))
    raise UsageError(f"the use case '{configured.use_case}' has no step that executes src/{script}. Add one.")


def with_collect(configured: Configuration) -> Configuration:
    """Return the configuration with its deliveries as a step ``collect``, where it has some."""
    step = configured.deliveries
    return replace(configured, steps={**configured.steps, COLLECT: step}) if step else configured


def look(session: Session, time: datetime, champion: Mapping[str, Any] | None) -> Signals:
    """Collect what has arrived, compare what the champion scored, and return what is known.

    Parameters
    ----------
    session : Session
        Of the use case.
    time : datetime
        When.
    champion : mapping, optional
        The ledger's entry of the model that serves.
    """
    rows = known_rows(session)
    if champion is None:
        return Signals(time, rows, rows)
    digest, since = champion["model_digest"], datetime.fromisoformat(champion["time"])
    signals = Signals(time, rows, rows, digest, since)
    folder = model_folder(session.layout, digest)
    if folder is None:
        return replace(signals, note=f"the folder of model {digest[:12]} is not on this machine")
    given = {"model": folder, **_scored(session.layout)}
    try:
        done = session.step(of_script(session.configured, "detect_drift.py").name, given)
    except StepFailed as error:
        return replace(signals, note=str(error).splitlines()[0])
    return replace(signals, **drift_of(done))


def known_rows(session: Session) -> int:
    """Return how many rows are known: in the raw table after collecting, else those that are ingested."""
    if COLLECT in session.configured.steps:
        return int(session.step(COLLECT).metrics["rows"])
    return int(session.step(of_script(session.configured, "ingest.py").name).metrics["rows"])


def model_folder(layout: Layout, digest: str) -> Path | None:
    """Return the folder in the store of the model with this digest."""
    files = layout.store.glob("*/*/model.json")
    return next((file.parent for file in files if _digest(file) == digest), None)


def _digest(file: Path) -> object:
    return json.loads(file.read_text(encoding="utf-8")).get("digest")


def _scored(layout: Layout) -> dict[str, Path]:
    """Return the rows that a service scored, with their labels where there are some; none: as configured."""
    log = layout.runs / "scored"
    folder = log / "joined" if (log / "joined").is_dir() else log
    return {"rows": folder} if folder.is_dir() else {}


def drift_of(done: Done) -> dict[str, Any]:
    """Return the fields of `Signals` that detect_drift gives; losses are apart: they are decay."""
    report = Output(done.entry.output("report"))
    verdict, table = report.json("verdict"), report.table("comparisons")
    changed = tuple(name for name in verdict["drifted"] if name != LOSS)
    calm = "no drift" if verdict["verdict"] == DRIFT else verdict["verdict"]
    losses = table[table["part"].eq("label") & table["name"].eq("loss") & table["slice"].eq("")]
    fields = {"drift": DRIFT if changed else calm, "changed": changed}
    if losses.empty:
        return fields
    row = losses.iloc[0]
    return {**fields, "decay": str(row["verdict"]), "loss": (float(row["before"]), float(row["after"]))}
