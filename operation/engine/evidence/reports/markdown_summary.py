"""A run in Markdown, as both CI systems show it on the page of a pipeline; HTML is in the artifact."""

from collections.abc import Iterator

from operation.engine.evidence.reports import wording
from operation.engine.evidence.reports.cards import cards
from operation.engine.evidence.reports.run_record import RunRecord

_MOST = 8  # metrics; all of them are on the page
_MARKS = {"succeeded": "✅", "rejected": "⚠️"}


def run_summary(run: RunRecord, artifact: str, folder: str) -> str:
    """Return what a person reads first of a run.

    Parameters
    ----------
    run : RunRecord
        A run, or the record of a submission.
    artifact : str
        Name of the pipeline's artifact that holds the run, empty outside of a pipeline.
    folder : str
        Where in the artifact, or on this machine, the run is.
    """
    return "\n".join(_lines(run, artifact, folder)) + "\n"


def no_run_summary() -> str:
    """Return the summary of a job without a run."""
    return "### No run\n\nNo notebook and no step ran in this job: its log says what did.\n"


def _lines(run: RunRecord, artifact: str, folder: str) -> Iterator[str]:
    mark = _MARKS.get(run.status, "❌")
    took = f" in {wording.duration(run.seconds)}" if run.seconds else ""
    yield f"### {mark} {run.use_case} in {run.environment}: {run.status}{took}"
    if run.failure and run.status != "rejected":  # of a rejection, the decision tells more
        failure = run.failure
        where = ", ".join(part for part in (failure.notebook, failure.cell_label) if part)
        location = f" `{failure.location}`" if failure.location else ""
        yield from ("", f"**{where}**{location}: {failure.type}", "", *_quoted(failure.message))
    if run.since_last_good.differences:
        yield from ("", f"Since the last good run, {run.since_last_good.run}:", "")
        yield from (f"- {wording.text(difference)}" for difference in run.since_last_good.differences)
    yield from _metrics(run)
    within = f"artifact **{artifact}**, file" if artifact else "file"
    yield from ("", f"Report: {within} `{folder}/index.html`, commit `{wording.short(run.commit)}`")
    if run.failure and run.status != "rejected":
        yield from ("", "To stand before the failing cell on your machine:", "", "```console")
        yield from (f"python3 -m operation replay {folder}/capsule.zip", "```")


def _metrics(run: RunRecord) -> Iterator[str]:
    shown = cards(run.measured)[:_MOST]
    if shown:
        yield from ("", "| metric | value | |", "|---|---:|---|")
    for card in shown:
        yield f"| {card.full_name} | {wording.number(card.value)} | {card.beside} |"


def _quoted(message: str) -> list[str]:
    """Return a message as a block in which nothing is Markdown."""
    return ["```text", *(line.replace("```", "'''") for line in message.splitlines()[:20]), "```"]
