"""The metrics of a service, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from operation.engine.serving.counters import (
    ANY,
    BUCKETS,
    FIRST_BUCKET,
    LOST,
    PLACE,
    ROWS,
    SECONDS,
    Models,
    Totals,
)
from operation.engine.serving.models import told

KINDS = {
    "request": (400,),
    "key": (401,),
    "method": (405,),
    "late": (408,),
    "large": (413, 431),
    "defect": (500,),
    "log": (503,),
}


def text(folder: Path, models: Models) -> str:
    """Return the metrics of all processes.

    Parameters
    ----------
    folder : Path
        Of the service.
    models : mapping of str to mapping
        name, version and digest of each variant, in the process that answers.
    """
    totals = Totals(folder)
    lines = [*_of_all(totals.all), *_of_variants(totals.of_variant), *_of_errors(totals), *_of_models(models)]
    refused = "Models that were not taken, because they are bad: the one before goes on."
    lines += _head("score_models_refused_total", "counter", refused)
    for variant, number in sorted(told(folder).get("refused", {}).items()):
        lines.append(_line("score_models_refused_total", {"variant": variant}, number))
    return "\n".join(lines) + "\n"


def _of_all(values: list[float]) -> Iterator[str]:
    yield from _head("score_requests_total", "counter", "Requests to /score, by the status of the answer.")
    yield from _statuses("score_requests_total", {}, values)
    yield from _head("score_rows_total", "counter", "Rows that were predicted.")
    yield _line("score_rows_total", {}, values[ROWS])
    yield from _head("score_log_failures_total", "counter", "Requests that could not be logged.")
    yield _line("score_log_failures_total", {}, values[LOST])
    yield from _head("score_seconds", "histogram", "Time from the request's head to its answer.")
    yield from _histogram("score_seconds", {}, values)


def _of_variants(variants: Mapping[tuple[str, str], list[float]]) -> Iterator[str]:
    labelled = [
        ({"variant": name, "model": digest}, values) for (name, digest), values in sorted(variants.items())
    ]
    yield from _head(
        "score_variant_requests_total",
        "counter",
        "What each variant said; in shadow nobody got it, and where a challenger fails the champion answers.",
    )
    for labels, values in labelled:
        yield from _statuses("score_variant_requests_total", labels, values)
    yield from _head("score_variant_rows_total", "counter", "Rows that each variant predicted.")
    for labels, values in labelled:
        yield _line("score_variant_rows_total", labels, values[ROWS])
    yield from _head("score_variant_seconds", "histogram", "Time that each variant took.")
    for labels, values in labelled:
        yield from _histogram("score_variant_seconds", labels, values)


def _of_errors(totals: Totals) -> Iterator[str]:
    yield from _head(
        "score_errors_total",
        "counter",
        "By kind; challenger: it failed, which no client noticed.",
    )
    for kind, statuses in KINDS.items():
        number = sum(totals.all[PLACE[status]] for status in statuses)
        yield _line("score_errors_total", {"kind": kind}, number)
    failed = sum(values[PLACE[500]] for (name, _), values in totals.of_variant.items() if name != "champion")
    yield _line("score_errors_total", {"kind": "challenger"}, failed)


def _of_models(models: Models) -> Iterator[str]:
    yield from _head("score_model_info", "gauge", "The models that answer.")
    for variant, model in models.items():
        told = {name: value or "" for name, value in model.items()}
        yield _line("score_model_info", {"variant": variant, **told}, 1)


def _statuses(name: str, labels: Mapping[str, str], values: list[float]) -> Iterator[str]:
    for status, place in [*((str(one), place) for one, place in PLACE.items()), ("other", ANY)]:
        if values[place] or status in ("200", "400", "500"):
            yield _line(name, {**labels, "status": status}, values[place])


def _histogram(name: str, labels: Mapping[str, str], values: list[float]) -> Iterator[str]:
    below = 0.0
    for bound, number in zip((*map(str, BUCKETS), "+Inf"), values[FIRST_BUCKET:], strict=True):
        below += number
        yield _line(f"{name}_bucket", {**labels, "le": bound}, below)
    yield _line(f"{name}_sum", labels, values[SECONDS])
    yield _line(f"{name}_count", labels, below)


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    inner = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    number = f"{value:.0f}" if value == int(value) else f"{value:.9g}"
    return f"{name}{{{inner}}} {number}" if inner else f"{name} {number}"


def _head(name: str, kind: str, words: str) -> tuple[str, str]:
    return f"# HELP {name} {words}", f"# TYPE {name} {kind}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
