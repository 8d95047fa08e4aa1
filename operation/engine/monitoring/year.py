"""Past deliveries played one by one: collect, validate, score, join outcomes, compare, decide, train, judge.

All that running leaves is below one folder, and no time but that of the periods counts: played twice, the
same data and code give the same ledger.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from operation.engine.configuration import Configuration
from operation.engine.configuration.models import Monitor
from operation.engine.foundation.layout import Layout
from operation.engine.monitoring import backtest, checks, entries
from operation.engine.monitoring.period import JOIN, Period, at
from operation.engine.monitoring.signals import COLLECT, drift_of, of_script
from operation.engine.monitoring.training import PROMOTED, registering, train
from operation.engine.monitoring.trigger import Check, Signals
from operation.engine.steps.results import Output
from operation.engine.steps.runners import in_process
from operation.engine.steps.session import Session

NOTHING: dict[str, Any] = {"quality": {}, "gain": None, "gate": "", "after": None}
METRICS = ("roc_auc", "accuracy", "rmse")  # the first that evaluate gives is shown
WAITED, TOLERATED = "waited", "tolerated"  # the last is validate's word for what is below its threshold
Record = dict[str, Any]


class Measured(NamedTuple):
    """What evaluate says of a model on a period's rows."""

    metric: str
    value: float
    report: Path


class Model(NamedTuple):
    """A model that was trained in the year."""

    digest: str
    folder: Path


@dataclass
class Year:
    """What is known between two periods."""

    configured: Configuration
    layout: Layout
    past: list[Check] = field(default_factory=list)
    models: dict[str, Model] = field(default_factory=dict)  # by digest
    first: Model | None = None  # the first that served: what would be without retraining
    before: Model | None = None  # what served before the last decision
    metric: str = ""  # that is shown
    candidate: Model | None = None  # trained at the end of the last period, whatever was decided

    def period(self, period: Period) -> Record:
        """Play one period and return its column of the page."""
        session = Session(at(self.configured, period), self.layout, in_process)
        champion = self._champion(period.end)
        record = {**NOTHING, "period": period.name, "time": period.end.isoformat()} | _arrived(
            session, period
        )
        signals = Signals(period.end, record["known"], 0)
        if self.past:  # there are rows before those of the period
            record |= self._quality(session, champion)
            signals = _signals(session, period, champion, record["known"])
            self._train(session)
        record |= {"had_champion": champion is not None, **self._decide(session, signals)}
        self.before = champion
        self.first = self.first or self._champion(period.end)
        return record

    def _champion(self, time: datetime) -> Model | None:
        entry = entries.serving(self.configured, self.layout, time)
        return self.models[entry["model_digest"]] if entry else None

    def _quality(self, session: Session, champion: Model | None) -> Record:
        """Measure, on rows that none of them has seen, what serves and what would serve otherwise."""
        models = {
            "in service": champion,
            "never retrained": self.first,
            "retrained each time": self.candidate,
        }
        found = {way: _measured(session, model) for way, model in models.items() if model}
        self.metric = next((measured.metric for measured in found.values()), self.metric)
        record: Record = {"quality": {way: measured.value for way, measured in found.items()}}
        if self.before and self.candidate:
            reports = [_measured(session, model).report for model in (self.before, self.candidate)]
            record["gain"] = list(backtest.gain(*reports))
        return record

    def _train(self, session: Session) -> None:
        """Train a model on what is known: for the backtest, and for the registry if the trigger says so."""
        step, output = session.configured.reference(registering(session.configured).inputs["model"]) or (
            "",
            "",
        )
        folder = session.step(step).entry.output(output)
        digest = str(Output(folder).json("model")["digest"])
        self.candidate = self.models[digest] = Model(digest, folder)

    def _decide(self, session: Session, signals: Signals) -> Record:
        settings = session.configured.monitor or Monitor()
        record = checks.decided(settings, signals, self.past)
        folder = checks.folder_of(self.layout, session.configured.use_case, session.configured.environment)
        entries.append_decision(session.configured, self.layout, record, checks.write(folder, record))
        shown: Record = {"reasons": record["reasons"], "decision": record["reason"], "outcome": WAITED}
        shown |= {"drift": signals.drift, "changed": list(signals.changed), "decay": signals.decay}
        if record["train"]:
            outcome = train(session)
            shown |= {"outcome": outcome.outcome, "gate": outcome.text}
            if outcome.outcome == PROMOTED and self.candidate:
                entry = entries.serving(session.configured, self.layout, signals.time) or {}
                shown |= {"gate": entry["reason"], "after": _measured(session, self.candidate).value}
        minutes = settings.play_cpu_minutes  # what it took differs each time, and would change the ledger
        self.past.append(Check(signals.time, signals.rows, signals.seen, record["train"], minutes))
        return shown


def _arrived(session: Session, period: Period) -> Record:
    """Collect the period's rows and validate them."""
    known = session.step(COLLECT).metrics["rows"]
    ingest, validate = (of_script(session.configured, f"{name}.py").name for name in ("ingest", "validate"))
    arrived = session.step(ingest, {"period-from": period.begin.isoformat()})
    done = session.step(validate, {"table": arrived.entry.output("table")})
    found = Output(done.entry.output("report")).json("checks")
    counts = {"rows": int(arrived.metrics["rows"]), "known": int(known)}
    counts |= {"left_out": int(done.metrics["quarantined_rows"])}
    counts["tolerated"] = sum(check["verdict"] == TOLERATED for check in found)
    return {**counts, "findings": [_finding(check) for check in found if check["verdict"] != TOLERATED]}


def _finding(check: Mapping[str, Any]) -> str:
    return f"{check['column'] or 'table'}: {check['check']}, {check['rows']} rows, {check['verdict']}"


def _signals(session: Session, period: Period, champion: Model | None, known: int) -> Signals:
    configured = session.configured
    rows = int(session.step(of_script(configured, "prepare.py").name).metrics["training_rows"])
    signals = Signals(period.end, known, rows)
    if champion is None:
        return signals
    entry = entries.serving(configured, session.layout, period.end)
    since = datetime.fromisoformat(entry["time"]) if entry else None
    joined = _outcomes(session, period, champion)
    step = of_script(configured, "detect_drift.py").name
    done = session.step(step, {"model": champion.folder, "rows": joined})
    return Signals(period.end, known, rows, champion.digest, since, **drift_of(done))


def _outcomes(session: Session, period: Period, champion: Model) -> Path:
    """Score the period's rows as a service logs them, then join the labels that have arrived since."""
    holdout = session.step(of_script(session.configured, "prepare.py").name).entry.output("holdout")
    given = {"model": champion.folder, "table": holdout, "log": True}
    log = (
        session.step(of_script(session.configured, "batch_score.py").name, given).entry.output("scores")
        / "log"
    )
    labels = session.layout.runs / "labels" / f"{period.name}.parquet"
    labels.parent.mkdir(exist_ok=True)
    _labels(log, holdout, Output(champion.folder).json("model")["classes"]).to_parquet(labels)
    return session.step(JOIN, {"log": log, "labels": labels}).entry.output("joined")


def _labels(log: Path, holdout: Path, classes: list[str]) -> Any:
    """Return the label of each scored row, as a system that knows what happened later would deliver it."""
    scored, target = Output(log).table("table"), Output(holdout).table("table")["target"]
    label = target.map(lambda code: classes[int(code)]) if classes else target
    return scored[["request_id", "row"]].assign(label=label.to_numpy())


def _measured(session: Session, model: Model) -> Measured:
    """Measure a model on the period's rows."""
    done = session.step(of_script(session.configured, "evaluate.py").name, {"model": model.folder})
    metric = next(name for name in METRICS if name in done.metrics)
    return Measured(metric, float(done.metrics[metric]), done.entry.output("report"))
