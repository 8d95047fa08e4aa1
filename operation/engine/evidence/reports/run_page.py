"""The page of a run: what it was, what came out, where it stopped, how to repeat it; and of a certificate."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from operation.engine.evidence.reports.cards import cards
from operation.engine.evidence.reports.decision_page import decisions_of, page_name, write_decision_page
from operation.engine.evidence.reports.pages import render
from operation.engine.evidence.reports.run_record import RunRecord, read_run
from operation.engine.evidence.reports.step_record import Failure
from operation.engine.evidence.reports.thumbnails import thumbnails

CARDS = 6  # metrics shown as cards; the others fold

_FAILED = ("", "Fix it, then rerun; completed steps are reused.")
# status: headline, what to do next
_ENDS = {
    "rejected": (
        "The gate rejected the model",
        "The run worked, but the gate rejected the model: its decision says why.",
    ),
    "interrupted": ("The run was interrupted", "Rerun; completed steps are reused."),
    "unfinished": (
        "The run did not finish",
        "The run is still in progress, or it was killed before it could record its end. "
        "If it was killed, rerun; completed steps are reused.",
    ),
    "unreadable": (
        "The run has no readable manifest",
        "The run's folder holds what is left; rerun for a complete page.",
    ),
}


def write_run_page(run_folder: Path) -> Path:
    """Write ``index.html`` of a run from its manifest; a broken or missing one gives a page that says so.

    Parameters
    ----------
    run_folder : Path
        ``runs/<id>``, with ``manifest.json`` and the executed notebooks.
    """
    run = read_run(run_folder)
    shown = cards(run.measured)
    decisions = decisions_of(run_folder, [{"key": step.key, "outputs": step.outputs} for step in run.steps])
    for key, decision in decisions.items():
        write_decision_page(run_folder / page_name(key), decision)
    executed = [run_folder / (book.notebook or f"notebooks/{book.name}.ipynb") for book in run.notebooks]
    return render(
        "run.html.j2",
        run_folder / "index.html",
        run=run,
        status=page_status(run),
        banner=_banner(run),
        decisions=[(page_name(key), decision) for key, decision in decisions.items()],
        cards=shown[:CARDS],
        rest=shown[CARDS:],
        books=list(zip(run.notebooks, thumbnails(executed), strict=True)),
        reports={
            book.name: book.report
            for book in run.notebooks
            if book.report and (run_folder / book.report).is_file()
        },
        steps_by_status=", ".join(
            f"{count} {how}" for how, count in Counter(step.how for step in run.steps).items()
        ),
        provenance=_provenance(run),
        longest=max((step.seconds or 0.0 for step in run.steps), default=0.0),
    )


def write_certificate(folder: Path, content: Mapping[str, Any]) -> Path:
    """Write ``certificate.html`` beside ``certificate.json``, which holds `content`."""
    return render("certificate.html.j2", folder / "certificate.html", certificate=content)


def page_status(run: RunRecord) -> str:
    """Return the status for a reader: a page is static, so "running" would stay true for ever."""
    return "unfinished" if run.status == "running" else run.status


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


def _banner(run: RunRecord) -> dict[str, object] | None:
    status = page_status(run)
    if status == "succeeded":
        return None
    failures = [run.failure, *(book.failure for book in run.notebooks), *(step.failure for step in run.steps)]
    failure = next((failure for failure in failures if failure), None)
    headline, next_action = _ENDS.get(status, _FAILED)
    return {
        "status": status if status in _ENDS else "failed",
        "headline": headline or _headline(failure),
        "failure": failure,
        "problem": run.problem,
        "next": next_action,
    }


def _headline(failure: Failure | None) -> str:
    subject = f"{failure.notebook} failed" if failure and failure.notebook else "The run failed"
    return f"{subject} in {failure.cell_label}" if failure and failure.cell_label else subject
