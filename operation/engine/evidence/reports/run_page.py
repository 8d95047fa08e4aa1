"""A run on one page: what it was, what came out, where it stopped, how to do it again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from operation.engine.evidence.reports.cards import cards
from operation.engine.evidence.reports.pages import environment, write_page
from operation.engine.evidence.reports.run_record import Failure, RunRecord, read_run
from operation.engine.evidence.reports.thumbnails import thumbnails

CARDS = 6  # metrics shown as cards; the others fold

_NEXT = {
    "failed": "Fix it, then rerun; completed steps are reused.",
    "rejected": "The run worked, but the gate rejected the model: its message names the value and the limit.",
    "interrupted": "Rerun; completed steps are reused.",
    "unfinished": "The run is still in progress, or it was killed before it could record its end. "
    "If it was killed, rerun; completed steps are reused.",
    "unreadable": "The run's folder holds what is left; rerun for a complete page.",
}
_HEADLINE = {
    "rejected": "The gate rejected the model",
    "interrupted": "The run was interrupted",
    "unfinished": "The run did not finish",
    "unreadable": "The run has no readable manifest",
}


def write_run_page(run_folder: Path) -> Path:
    """Write ``index.html`` of a run from its manifest and return its path.

    A manifest that is broken or missing gives a page that says so.

    Parameters
    ----------
    run_folder : Path
        ``runs/<id>``, with ``manifest.json`` and the executed notebooks.
    """
    run = read_run(run_folder)
    shown = cards(run.measured)
    executed = [run_folder / (book.notebook or f"notebooks/{book.name}.ipynb") for book in run.notebooks]
    html = (
        environment()
        .get_template("run.html.j2")
        .render(
            run=run,
            status=shown_status(run),
            banner=_banner(run),
            cards=shown[:CARDS],
            rest=shown[CARDS:],
            books=list(zip(run.notebooks, thumbnails(executed), strict=True)),
            reports={
                book.name: book.report for book in run.notebooks if _has_report(run_folder, book.report)
            },
            steps_in_words=_steps_in_words(run),
            provenance=_provenance(run),
            longest=max((step.seconds or 0.0 for step in run.steps), default=0.0),
        )
    )
    return write_page(run_folder / "index.html", html)


def shown_status(run: RunRecord) -> str:
    """Return the status for a reader: a page is static, so "running" would stay true for ever."""
    return "unfinished" if run.status == "running" else run.status


def _steps_in_words(run: RunRecord) -> str:
    counts = Counter(step.how for step in run.steps)
    return ", ".join(f"{count} {how}" for how, count in counts.items())


def _provenance(run: RunRecord) -> dict[str, str]:
    facts = {
        "run": run.id,
        "commit": run.commit,
        "configuration": run.configuration_digest,
        "lock file": run.lock_digest,
        "Python": run.python,
        "platform": run.platform,
        "host": run.host,
    }
    return {name: value for name, value in facts.items() if value}


def _has_report(run_folder: Path, report: str) -> bool:
    return bool(report) and (run_folder / report).is_file()


def _banner(run: RunRecord) -> dict[str, object] | None:
    status = shown_status(run)
    if status == "succeeded":
        return None
    failure = run.failure or next((book.failure for book in run.notebooks if book.failure), None)
    failure = failure or next((step.failure for step in run.steps if step.failure), None)
    return {
        "status": status if status in _HEADLINE else "failed",
        "headline": _HEADLINE.get(status) or _headline(failure),
        "failure": failure,
        "problem": run.problem,
        "next": _NEXT.get(status, _NEXT["failed"]),
    }


def _headline(failure: Failure | None) -> str:
    if failure is None:
        return "The run failed"
    where = f"{failure.notebook} failed" if failure.notebook else "The run failed"
    return f"{where} in {failure.where}" if failure.where else where
