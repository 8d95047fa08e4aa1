"""Results that a call takes instead of the use case's own: ``core.evaluate(using=trained)``."""

from collections.abc import Iterator, Mapping, Sequence

from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.nearest import listed
from operation.engine.identity.contract import read_contract
from operation.engine.identity.store import Entry
from operation.engine.steps.results import Result
from operation.engine.steps.session import Session

Using = Result | Sequence[Result] | Mapping[str, Result] | None


def read_stand_ins(
    session: Session, name: str, sources: Mapping[str, object], using: Using
) -> dict[str, Entry]:
    """Return step -> the result that stands in for it, behind the `sources` of the step `name`.

    Raises
    ------
    UsageError
        For what is no result, lacks an output of the step, or would not be read.
    """
    results = dict[str, Result]()
    for step, result in _pairs(using):
        if not isinstance(result, Result):
            expected = "expected the whole result of a step, as core.train() returns it"
            raise UsageError(f"using: {expected}, not {type(result).__name__}.")
        if step in results:
            raise UsageError(f"using: two results stand in for '{step}'. Leave one out.")
        _check_outputs(session, step, result)
        results[step] = result
    _check_read(session, name, sources, results)
    return {step: result.entry for step, result in results.items()}


def _pairs(using: Using) -> Iterator[tuple[str, Result]]:
    if isinstance(using, Mapping):
        yield from using.items()
    elif using is not None:
        results = using if isinstance(using, list | tuple) else [using]
        yield from ((getattr(result, "step", ""), result) for result in results)


def _check_outputs(session: Session, step: str, result: Result) -> None:
    needed = read_contract(session.configured.step(step).script).outputs
    if missing := [output for output in needed if not result.entry.output(output).is_dir()]:
        problem = f"cannot stand in for '{step}': it has no {listed(missing, 'and')}"
        raise UsageError(f"using: the result of '{result.step}' {problem}.")


def _check_read(
    session: Session, name: str, sources: Mapping[str, object], results: Mapping[str, Result]
) -> None:
    """Refuse a stand-in that the step would silently not read."""
    read = session.configured.upstream(sources.values(), results)
    known = [step for step in session.configured.steps if step in read] or ["no step"]
    for step, result in results.items():
        if step not in read:
            raise UsageError(
                f"using: '{name}' does not read '{step}', only {listed(known, 'and')}. To compare, name the "
                f"step that the result of '{result.step}' stands in for: using={{'{known[-1]}': ...}}."
            )
