"""A model that answers requests: read, make features, predict, answer."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

import row_schema
from models import Model
from outputs import named
from row_features import RowFeatures
from row_reading import Malformed, Problem, Read, Row, RowReader
from scored_log import ScoredLog
from served_model import Served
from single_row import single_row

LOG = logging.getLogger("score")
FEW = 200  # rows: from here on a table is faster than rows one by one


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
    def refused(cls, request_id: str, problems: list[Problem]) -> Answer:
        """Return the answer to a request that is wrong."""
        number = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        error = {"message": f"the request has {number}", "problems": [asdict(one) for one in problems]}
        return cls(400, request_id, {"error": error})

    @classmethod
    def unlogged(cls, request_id: str) -> Answer:
        """Return the answer to a request that could be predicted, but not logged."""
        message = "the log cannot be written: nothing is answered that is not logged; try again later"
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
        schema = row_schema.from_facts(model.facts, str(served.folder))
        self.reader = RowReader(schema, most_rows)
        self.features = RowFeatures(model.features, schema)
        self._single = single_row(model.estimator) if self.features.exact else None
        digest = str(model.facts["digest"])
        self.identity = {"name": served.name, "version": served.version or digest[:12], "digest": digest}

    def warm_up(self) -> None:
        """Predict once in each way, so that no client waits for what happens only once."""
        row: Row = [None] * len(self.reader.schema)
        self.predict([row], [self.features.vector(row)[0]])
        self.model.predict(self.features.frame([row]))

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

    def _answer(self, text: str | bytes, request_id: str, routed: Mapping[str, Any] | None) -> Answer:
        try:
            read = self.reader.read(text)
        except Malformed as error:
            return Answer.refused(request_id, [Problem(None, None, str(error))])
        if read.problems:
            return Answer.refused(request_id, read.problems)
        return self._predicted(read, request_id, routed)

    def _predicted(self, read: Read, request_id: str, routed: Mapping[str, Any] | None) -> Answer:
        made = [self.features.vector(row) for row in read.rows]
        predicted = self.predict(read.rows, [vector for vector, _ in made])
        outputs = named(predicted, self.model.classes, self.threshold)
        columns = {name: values.tolist() for name, values in outputs.items()}
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        lost = not self._kept(request_id, read, [vector for vector, _ in made], rows, routed)
        if lost and self.log_is_needed:
            return Answer.unlogged(request_id)
        warnings = [
            Problem(row, name, f"{level[:60]!r} was not in training: taken as missing")
            for row, (_, unknown) in enumerate(made)
            for name, level in unknown
        ]
        noted = [asdict(one) for one in (*read.warnings, *warnings)]
        document = {"predictions": rows, "model": self.identity, "warnings": noted}
        return Answer(200, request_id, document, lost)

    def predict(self, rows: list[Row], vectors: list[list[float]]) -> np.ndarray[Any, Any]:
        """Return the predictions for rows and their features.

        Returns
        -------
        ndarray of shape (rows,) or (rows, classes)
            The same bits whichever way is taken.
        """
        if self._single is None or len(rows) > FEW:
            return self.model.predict(self.features.frame(rows))
        predicted = [self._single.predict(vector) for vector in vectors]
        whole = predicted[0] if len(predicted) == 1 else np.concatenate(predicted)
        return self.model.with_all_classes(whole)

    def _kept(
        self,
        request_id: str,
        read: Read,
        vectors: list[list[float]],
        outputs: list[dict[str, Any]],
        routed: Mapping[str, Any] | None,
    ) -> bool:
        """Log the rows, where there is a log; return whether they are kept."""
        if self.log is None:
            return True
        try:
            self.log.add(request_id, self.identity, read.given, vectors, outputs, raw=read.raw, routed=routed)
        except OSError as error:
            LOG.error("request %s could not be logged: %s", request_id, error.strerror or error)
            return False
        return True
