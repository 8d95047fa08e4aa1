"""The metrics of a service, counted by prometheus-client in files that all its processes share.

A process that is killed leaves what it has counted: a counter never falls. Beside all requests together,
each variant has metrics of its own: the champion, the challenger, and the challenger in shadow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from operation.engine.delivery.serving.models import told as told_models

BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
KINDS = {400: "request", 401: "key", 405: "method", 408: "late", 413: "large", 500: "defect", 503: "log"}
HELP = {
    "requests": "Requests to /score, by the status of the answer.",
    "rows": "Rows that were predicted.",
    "lost": "Requests that could not be logged.",
    "seconds": "Time from the request's head to its answer.",
    "errors": "By kind; challenger: it failed, which no client noticed.",
    "variant requests": "What each variant said; nobody got what was said in shadow, or by one that failed.",
    "variant rows": "Rows that each variant predicted.",
    "variant seconds": "Time that each variant took.",
}
VARIANT = ["variant", "model"]
Scorers = Mapping[str, Any]  # the script's, by variant


class Metrics:
    """What one process counts, and what all of them have counted.

    Parameters
    ----------
    state : Path
        Of the service; what it says of its models is told too.
    """

    content_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self, state: Path) -> None:
        self._state = state
        self._scorers: Scorers = {}
        own: Any = {"registry": CollectorRegistry()}
        timed: Any = {**own, "buckets": BUCKETS}
        self._requests = Counter("score_requests", HELP["requests"], ["status"], **own)
        self._rows = Counter("score_rows", HELP["rows"], **own)
        self._lost = Counter("score_log_failures", HELP["lost"], **own)
        self._seconds = Histogram("score_seconds", HELP["seconds"], **timed)
        self._errors = Counter("score_errors", HELP["errors"], ["kind"], **own)
        self._variant_requests = Counter(
            "score_variant_requests", HELP["variant requests"], [*VARIANT, "status"], **own
        )
        self._variant_rows = Counter("score_variant_rows", HELP["variant rows"], VARIANT, **own)
        self._variant_seconds = Histogram("score_variant_seconds", HELP["variant seconds"], VARIANT, **timed)
        for status in ("200", "400", "500"):  # told from the beginning, as 0
            self._requests.labels(status)
        for kind in (*KINDS.values(), "challenger"):
            self._errors.labels(kind)

    def observe(self, scorers: Scorers) -> None:
        """Count the answers of these models from now on."""
        self._scorers = scorers
        for scorer in scorers.values():
            scorer.observed = partial(self._count_variant, str(scorer.identity["digest"]))

    def count(self, status: int, seconds: float, rows: int = 0, *, lost: bool = False) -> None:
        """Add one request to /score; `lost` says that the log of scored rows could not be written."""
        self._requests.labels(str(status)).inc()
        self._seconds.observe(seconds)
        if rows:
            self._rows.inc(rows)
        if lost:
            self._lost.inc()
        if status in KINDS:
            self._errors.labels(KINDS[status]).inc()

    def _count_variant(self, digest: str, variant: str, *answered: Any) -> None:
        """Add what a variant said to a request, and how long it took."""
        status, seconds, rows, _ = answered
        self._variant_requests.labels(variant, digest, str(status)).inc()
        self._variant_rows.labels(variant, digest).inc(rows)
        self._variant_seconds.labels(variant, digest).observe(seconds)
        if status == 500 and variant != "champion":
            self._errors.labels("challenger").inc()

    def text(self) -> bytes:
        """Return what all processes have counted, in the text format of Prometheus."""
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        registry.register(_Models(self._state, self._scorers))
        return generate_latest(registry)


class _Models(Collector):
    """Which models answer, and how many were refused: what is no counter of one process."""

    def __init__(self, state: Path, scorers: Scorers) -> None:
        self._state, self._scorers = state, scorers

    def collect(self) -> Iterable[Metric]:
        """Yield both."""
        labels = ["variant", "name", "version", "digest"]
        info = GaugeMetricFamily("score_model_info", "The models that answer.", labels=labels)
        for variant, scorer in self._scorers.items():
            info.add_metric([variant, *(scorer.identity[name] or "" for name in labels[1:])], 1)
        yield info
        told = "Models that were not taken, because they are bad: the one before goes on."
        refused = CounterMetricFamily("score_models_refused", told, labels=["variant"])
        for variant, number in told_models(self._state).get("refused", {}).items():
            refused.add_metric([variant], number)
        yield refused
