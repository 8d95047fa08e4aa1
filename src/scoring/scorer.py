"""A model that answers requests: read, build features, predict, answer."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from modelling.models import Model
from scoring import row_schema
from scoring.online_features import OnlineFeatures
from scoring.request_reader import MAX_LISTED, MalformedRequest, Problem, Request, RequestReader, bounded
from scoring.row_rules import RowRules
from scoring.scored_log import ScoredLog
from scoring.served_model import Served

LOG = logging.getLogger("score")


@dataclass(frozen=True)
class ScoreResponse:
    """The response to a client."""

    status: int  # of HTTP: 200, 400, 500 or 503
    request_id: str  # also in the log
    document: dict[str, Any]  # to become JSON: predictions, model and warnings, or an error with its problems
    lost: bool = False  # whether the log has no record of it

    def body(self) -> bytes:
        """Return the document as JSON."""
        return json.dumps({**self.document, "request_id": self.request_id}).encode()

    @classmethod
    def rejected(cls, request_id: str, problems: list[Problem], count: int = 1) -> ScoreResponse:
        """Return the response to an invalid request; of `count` problems the first are listed."""
        number = "1 problem" if count == 1 else f"{count} problems"
        listed = "" if count == len(problems) else f"; the first {len(problems)} are listed"
        message = f"the request has {number}{listed}"
        return cls._error(400, request_id, message, [asdict(problem) for problem in problems])

    @classmethod
    def unlogged(cls, request_id: str) -> ScoreResponse:
        """Return the response to a request that was predicted, but could not be logged."""
        message = "Prediction withheld: the scoring log is unavailable. Retry later."
        return replace(cls._error(503, request_id, message), lost=True)

    @classmethod
    def failed(cls, request_id: str) -> ScoreResponse:
        """Return the response to a request that met a defect."""
        return cls._error(500, request_id, "Unexpected error. Search the service's log for this request_id.")

    @classmethod
    def _error(
        cls, status: int, request_id: str, message: str, problems: Sequence[object] = ()
    ) -> ScoreResponse:
        return cls(status, request_id, {"error": {"message": message, "problems": list(problems)}})


class Scorer:
    """Answers requests with one model.

    Parameters
    ----------
    served : Served
        Where the model comes from.
    model : Model
        The model, loaded.
    threshold : float
        For two classes, the probability from which on the positive one is predicted, from 0 to 1.
    most_rows : int
        Rows that one request may have.

    Attributes
    ----------
    log : ScoredLog or None
        Where rows are logged.
    log_is_needed : bool
        Whether a request that cannot be logged is refused.
    without_features : callable or None
        Called with the name of a feature table and the number of rows that it had nothing for.
    pooled : callable or None
        Called with the number of rows that were predicted by the model of all groups.
    observed : callable or None
        Called after each answer with variant (champion, challenger, or shadow), status, seconds, rows, and
        whether the log has lost it.
    """

    def __init__(
        self,
        served: Served,
        model: Model,
        threshold: float,
        most_rows: int,
        feature_tables: Path | None = None,
    ) -> None:
        self.log: ScoredLog | None = None
        self.log_is_needed = True
        self.observed: Callable[[str, int, float, int, bool], None] | None = None
        self.served, self.model, self.threshold = served, model, threshold
        self.without_features: Callable[[str, int], None] | None = None
        self.pooled: Callable[[int], None] | None = None
        recorded = model.facts.get("feature_tables")
        online = OnlineFeatures(feature_tables, recorded) if feature_tables and recorded else None
        schema, keys = (
            row_schema.from_facts(model.facts, str(served.folder), part)
            for part in ("schema", "lookup_schema")
        )
        self.reader = RequestReader(schema, most_rows, RowRules(model.facts), online, keys)
        digest = str(model.facts["digest"])
        self.identity = {"name": served.name, "version": served.version or digest[:12], "digest": digest}

    def warm_up(self) -> None:
        """Predict once, so that no client waits for one-time work."""
        row = dict.fromkeys(self.reader.schema)
        self.model.predict(self.reader.read(json.dumps({"data": [row]})).columns)

    def can_log(self) -> bool:
        """Return whether the log can be written now, or is not needed."""
        return self.log is None or not self.log_is_needed or self.log.can_write()

    def answer(
        self, text: str | bytes, request_id: str, routed: Mapping[str, Any] | None = None
    ) -> ScoreResponse:
        """Return the response to a request; `routed` goes to the log."""
        if self.observed is None:
            return self._answer(text, request_id, routed)
        started, status, rows, lost = time.perf_counter(), 500, 0, False
        try:
            answer = self._answer(text, request_id, routed)
            status, rows, lost = answer.status, len(answer.document.get("predictions", ())), answer.lost
            return answer
        finally:
            variant = "champion" if routed is None else "shadow" if routed["shadow"] else routed["variant"]
            self.observed(variant, status, time.perf_counter() - started, rows, lost)

    def _answer(self, body: str | bytes, request_id: str, routed: Mapping[str, Any] | None) -> ScoreResponse:
        try:
            request = self.reader.read(body)
        except MalformedRequest as error:
            return ScoreResponse.rejected(request_id, [Problem(None, None, str(error))])
        if request.count:
            return ScoreResponse.rejected(request_id, request.problems, request.count)
        if self.without_features:
            for name, rows in request.unknown.items():
                self.without_features(name, rows)
        features = self.model.features.transform(request.columns)
        outputs = self.model.scores(features, self.threshold)
        if self.pooled and (pooled := int(np.count_nonzero(outputs.get("source") == "pooled"))):
            self.pooled(pooled)
        values = zip(*map(_as_json, outputs.values()), strict=True)
        predictions = [dict(zip(outputs, row, strict=True)) for row in values]
        raw = body if isinstance(body, bytes) else None
        lost = not self._log(request_id, request.records, features, predictions, raw=raw, routed=routed)
        if lost and self.log_is_needed:
            return ScoreResponse.unlogged(request_id)
        warnings = [asdict(warning) for warning in (*request.warnings, *self._unknown(request, features))]
        document = {"predictions": predictions, "model": self.identity, "warnings": warnings}
        return ScoreResponse(200, request_id, document, lost)

    def _unknown(self, request: Request, features: np.ndarray[Any, Any]) -> list[Problem]:
        unknown = self.model.features.unknown_categories(request.columns, features)
        listed = [
            Problem(row, name, f"{category[:60]!r} was not in training: taken as missing")
            for row, name, category in unknown[:MAX_LISTED]
        ]
        return bounded(listed, len(unknown))

    def _log(self, request_id: str, *record: Any, **details: Any) -> bool:
        """Log the rows, where there is a log; return whether that succeeded."""
        if self.log is None:
            return True
        try:
            self.log.add(request_id, self.identity, *record, **details)
        except OSError as error:
            LOG.error("request %s could not be logged: %s", request_id, error.strerror or error)
            return False
        return True


def _as_json(column: np.ndarray[Any, Any]) -> list[Any]:
    """Return the values of an output; what is not known, such as the end of an interval, is None."""
    values: list[Any] = column.tolist()
    if column.dtype.kind == "f" and np.isnan(column).any():
        return [None if math.isnan(value) else value for value in values]
    return values
