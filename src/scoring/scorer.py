"""A model that answers requests: read, make features, predict, answer."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from modelling.models import Model
from scoring import row_schema
from scoring.request_reader import MOST_LISTED, Malformed, Problem, Request, RequestReader, bounded
from scoring.scored_log import ScoredLog
from scoring.served_model import Served

LOG = logging.getLogger("score")


@dataclass(frozen=True)
class Answer:
    """What a client gets.

    Parameters
    ----------
    status : {200, 400, 500, 503}
        As HTTP has it.
    request_id : str
        Also in the log.
    document : dict
        What becomes JSON: predictions, model and warnings, or an error with its problems.
    lost : bool, default False
        Whether the log has no record of it.
    """

    status: int
    request_id: str
    document: dict[str, Any]
    lost: bool = False

    def body(self) -> bytes:
        """Return the document as JSON."""
        return json.dumps({**self.document, "request_id": self.request_id}).encode()

    @classmethod
    def refused(cls, request_id: str, problems: list[Problem], count: int = 1) -> Answer:
        """Return the answer to a request that is wrong; of `count` problems the first are listed."""
        number = "1 problem" if count == 1 else f"{count} problems"
        listed = "" if count == len(problems) else f"; the first {len(problems)} are listed"
        message, told = f"the request has {number}{listed}", [asdict(problem) for problem in problems]
        return cls(400, request_id, {"error": {"message": message, "problems": told}})

    @classmethod
    def unlogged(cls, request_id: str) -> Answer:
        """Return the answer to a request that could be predicted, but not logged."""
        message = "Prediction withheld: the scoring log is unavailable. Retry later."
        return cls(503, request_id, {"error": {"message": message, "problems": []}}, lost=True)

    @classmethod
    def failed(cls, request_id: str) -> Answer:
        """Return the answer to a request that met a defect."""
        message = "an unexpected error; the log of the service tells more under this request_id"
        return cls(500, request_id, {"error": {"message": message, "problems": []}})


class Scorer:
    """Answers requests with one model.

    Parameters
    ----------
    served : Served
        Where the model is from.
    model : Model
        The model, loaded.
    threshold : float
        For two classes, the probability from which on a row is of the positive one.
    most_rows : int
        Rows that one request may have.

    Attributes
    ----------
    log : ScoredLog or None
        Where rows are kept.
    log_is_needed : bool
        Whether a request that cannot be logged is refused.
    observed : callable or None
        Told of each answer: variant (champion, challenger, or shadow), status, seconds, rows, and whether
        the log has lost it.
    """

    def __init__(self, served: Served, model: Model, threshold: float, most_rows: int) -> None:
        self.log: ScoredLog | None = None
        self.log_is_needed = True
        self.observed: Callable[[str, int, float, int, bool], None] | None = None
        self.served, self.model, self.threshold = served, model, threshold
        self.reader = RequestReader(row_schema.from_facts(model.facts, str(served.folder)), most_rows)
        digest = str(model.facts["digest"])
        self.identity = {"name": served.name, "version": served.version or digest[:12], "digest": digest}

    def warm_up(self) -> None:
        """Predict once, so that no client waits for what happens only once."""
        row = dict.fromkeys(self.reader.schema)
        self.model.predict(self.reader.read(json.dumps({"data": [row]})).columns)

    def can_log(self) -> bool:
        """Return whether the log can be written now, or need not be."""
        return self.log is None or not self.log_is_needed or self.log.can_write()

    def answer(self, text: str | bytes, request_id: str, routed: Mapping[str, Any] | None = None) -> Answer:
        """Return the answer to a request; `routed` goes to the log."""
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

    def _answer(self, body: str | bytes, request_id: str, routed: Mapping[str, Any] | None) -> Answer:
        try:
            request = self.reader.read(body)
        except Malformed as error:
            return Answer.refused(request_id, [Problem(None, None, str(error))])
        if request.count:
            return Answer.refused(request_id, request.problems, request.count)
        features = self.model.features.transform(request.columns)
        outputs = self.model.outputs(self.model.predict_features(features), self.threshold)
        values = zip(*(column.tolist() for column in outputs.values()), strict=True)
        predictions = [dict(zip(outputs, row, strict=True)) for row in values]
        raw = body if isinstance(body, bytes) else None
        lost = not self._kept(request_id, request.given, features, predictions, raw=raw, routed=routed)
        if lost and self.log_is_needed:
            return Answer.unlogged(request_id)
        warnings = [asdict(one) for one in (*request.warnings, *self._unknown(request, features))]
        document = {"predictions": predictions, "model": self.identity, "warnings": warnings}
        return Answer(200, request_id, document, lost)

    def _unknown(self, request: Request, features: np.ndarray[Any, Any]) -> list[Problem]:
        unknown = self.model.features.unknown_levels(request.columns, features)
        told = "was not in training: taken as missing"
        listed = [Problem(row, name, f"{level[:60]!r} {told}") for row, name, level in unknown[:MOST_LISTED]]
        return bounded(listed, len(unknown))

    def _kept(self, request_id: str, *record: Any, **details: Any) -> bool:
        """Log the rows, where there is a log; return whether they are kept."""
        if self.log is None:
            return True
        try:
            self.log.add(request_id, self.identity, *record, **details)
        except OSError as error:
            LOG.error("request %s could not be logged: %s", request_id, error.strerror or error)
            return False
        return True
