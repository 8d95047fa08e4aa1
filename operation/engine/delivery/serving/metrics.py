"""The metrics of a service, counted by prometheus-client in files that all its processes share.

A process that is killed leaves what it has counted: a counter never falls. Beside all requests together,
each variant has metrics of its own: the champion, the challenger, and the challenger in shadow.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from operation.engine.delivery.serving.models import read_status

BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
KINDS = {400: "request", 401: "key", 405: "method", 408: "late", 413: "large", 500: "defect", 503: "log"}
VARIANT = ["variant", "model"]
Scorers = Mapping[str, Any]  # the script's, by variant


class Metrics:
    """What one process counts, and what all of them have counted.

    Parameters
    ----------
    state : Path
        The service's folder: its models are told too.
    """

    content_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self, state: Path) -> None:
        self._state = state
        self._scorers: Scorers = {}
        registry = CollectorRegistry()
        counter = partial(Counter, registry=registry)
        histogram = partial(Histogram, registry=registry, buckets=BUCKETS)
        self._requests = counter("score_requests", "Requests to /score, by status code.", ["status"])
        self._rows = counter("score_rows", "Rows predicted.")
        self._lost = counter("score_log_failures", "Requests that could not be logged.")
        self._seconds = histogram("score_seconds", "Time from the request's head to its response.")
        self._errors = counter(
            "score_errors",
            "Errors by kind; challenger: it failed, and the champion's response was sent.",
            ["kind"],
        )
        self._variant_requests = counter(
            "score_variant_requests",
            "Responses of each variant; those in shadow, or of a variant that failed, were not sent.",
            [*VARIANT, "status"],
        )
        self._variant_rows = counter("score_variant_rows", "Rows predicted by each variant.", VARIANT)
        self._without_features = counter(
            "score_rows_without_features", "Rows that a feature table had nothing for.", ["feature_table"]
        )
        pooled = "Rows predicted by the model of all groups: theirs is unknown, or has no model of its own."
        self._pooled = counter("score_rows_pooled", pooled)
        self._variant_seconds = histogram("score_variant_seconds", "Time taken by each variant.", VARIANT)
        for status in ("200", "400", "500"):  # present from the beginning, as 0
            self._requests.labels(status)
        for kind in (*KINDS.values(), "challenger"):
            self._errors.labels(kind)

    def observe(self, scorers: Scorers) -> None:
        """Count the answers of these models from now on."""
        self._scorers = scorers
        for scorer in scorers.values():
            scorer.observed = partial(self._count_variant, str(scorer.identity["digest"]))
            scorer.without_features = self._count_without_features
            scorer.pooled = self._pooled.inc

    def count(self, status: int, seconds: float, rows: int = 0, *, lost: bool = False) -> None:
        """Add one request to /score; `lost`: the log of scored rows could not be written."""
        self._requests.labels(str(status)).inc()
        self._seconds.observe(seconds)
        self._rows.inc(rows)
        self._lost.inc(lost)
        if status in KINDS:
            self._errors.labels(KINDS[status]).inc()

    def _count_variant(self, digest: str, variant: str, *answer: Any) -> None:
        """Add what a variant answered to a request, and how long it took."""
        status, seconds, rows, _ = answer
        self._variant_requests.labels(variant, digest, str(status)).inc()
        self._variant_rows.labels(variant, digest).inc(rows)
        self._variant_seconds.labels(variant, digest).observe(seconds)
        if status == 500 and variant != "champion":
            self._errors.labels("challenger").inc()

    def _count_without_features(self, feature_table: str, rows: int) -> None:
        self._without_features.labels(feature_table).inc(rows)

    def text(self) -> bytes:
        """Return what all processes have counted, in the text format of Prometheus."""
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        registry.register(_ModelInfo(self._state, self._scorers))
        return generate_latest(registry)


class _ModelInfo(Collector):
    """Which models answer, and how many were refused: what is no counter of one process."""

    def __init__(self, state: Path, scorers: Scorers) -> None:
        self._state, self._scorers = state, scorers

    def collect(self) -> Iterable[Metric]:
        labels = ["variant", "name", "version", "digest"]
        info = GaugeMetricFamily("score_model_info", "The models being served.", labels=labels)
        for variant, scorer in self._scorers.items():
            info.add_metric([variant, *(scorer.identity[name] or "" for name in labels[1:])], 1)
        yield info
        text = "Models rejected as unusable; the previous one stays in service."
        refused = CounterMetricFamily("score_models_refused", text, labels=["variant"])
        for variant, number in read_status(self._state).get("refused", {}).items():
            refused.add_metric([variant], number)
        yield refused
