"""Promotion: what may become the champion of the next environment, and what was the champion before."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from support import champion, ledger
from support.champion import Place, Registry
from support.errors import StepError
from support.ledger import Entry

__all__ = ["CHANGED", "Model", "before", "champion", "ledger", "promote", "refusals", "roll_back"]
CHANGED = " with changes"  # behind a commit: not all of the code was committed


class Model(NamedTuple):
    """What is promoted: its digest, and as far as known its commit and packages (`refusals`)."""

    digest: str
    lineage: Mapping[str, str]


def refusals(source: Place, digest: str, lineage: Mapping[str, str], lock: str | None) -> list[str]:
    """Return why a model may not leave an environment for the next; nothing where it may.

    Parameters
    ----------
    source : Place
        Where it is.
    digest : str
        Of the model.
    lineage : mapping of str to str
        Its commit, the digest of the packages that it was trained with (lock), and where a registry keeps it,
        the environment whose gate accepted it: agents of CI may share no ledger.
    lock : str, optional
        Digest of the packages that are locked here; None compares none.
    """
    problems = (
        _not_accepted(source.decision(digest), source.environment, lineage.get("accepted")),
        _not_committed(lineage.get("commit", "")),
        _other_lock(lineage.get("lock", ""), lock),
    )
    return [problem for problem in problems if problem]


def _not_accepted(judged: Entry | None, environment: str, accepted: str | None) -> str:
    if judged is None and accepted == environment:
        return ""
    if judged is None:
        return f"no gate accepted it in {environment}: python3 -m operation models judge"
    if judged["event"] == "rejected":
        return f"the gate of {environment} rejected it (entry {judged['number']}: {judged['reason']})"
    return ""


def _not_committed(commit: str) -> str:
    again = "commit, then run with --fresh"
    if not commit:
        return f"it is unknown from which commit it was trained: {again}"
    if commit.endswith(CHANGED):
        name = commit.removesuffix(CHANGED)[:12]
        return f"it was trained from a checkout with changes that commit {name} lacks: {again}"
    return ""


def _other_lock(trained: str, lock: str | None) -> str:
    if lock is None or trained == lock:
        return ""
    if not trained:
        return "it is unknown with which lock file it was trained: run the step that trains it again"
    return (
        f"it was trained with another lock file (packages {trained[:12]}, here {lock[:12]}): train it again"
    )


def before(place: Place) -> Entry | None:
    """Return the entry of the last accepted model before the one that serves; None where there is none.

    What was rolled back does not count, nor what became champion without an accepted decision.
    """
    accepted, current = dict[str, Entry](), None  # by digest, the newest last
    for entry in place.entries():
        if entry["event"] not in ledger.CHANGES:
            continue
        if (entry["environment"], entry["model"]) != (place.environment, place.model):
            continue
        current = entry["model_digest"]
        if entry["event"] == "rolled-back":
            while accepted and next(reversed(accepted)) != current:
                accepted.popitem()
        elif entry["event"] == "promoted":
            accepted.pop(current, None)
            accepted[current] = entry
    accepted.pop(str(current), None)
    return next(reversed(accepted.values()), None)


def promote(
    source: Place,
    target: Place,
    registry: Registry,
    model: Model,
    copy: Callable[[], str],
    *,
    lock: str | None = None,
    override: str | None = None,
) -> Entry:
    """Make a model of one environment the champion of the next; return the new entry of the ledger.

    Parameters
    ----------
    source, target : Place
        Where it is, and where it goes.
    registry : Registry
        Of the target.
    model : Model
        What is promoted.
    copy : callable
        Copies its bytes, verifies them and returns the version that they are in the target.
    lock : str, optional
        As for `refusals`.
    override : str, optional
        Why it is promoted in spite of a refusal.

    Raises
    ------
    StepError
        When it is refused.
    Overtaken
        When another change of the target was faster.
    """
    expected = champion.settle(target, registry)
    problems = "; ".join(refusals(source, model.digest, model.lineage, lock))
    if problems and not override:
        way = f"from {source.environment} to {target.environment}"
        raise StepError(
            f"{target.model} {model.digest[:12]} is not promoted {way}: {problems}. "
            "Fix that, or say why not: --override REASON, which the ledger keeps"
        )
    version, judged = copy(), source.decision(model.digest) or {}
    more: dict[str, Any] = {"from": source.environment, "version": version}
    more |= {"overridden": problems or None, "decision_digest": judged.get("decision_digest")}
    event = "overridden" if problems else "promoted"
    accepted = f"accepted in {source.environment}: {judged.get('reason', 'as its registry says')}"
    reason = override if problems and override else accepted
    return champion.change(target, registry, event, model.digest, reason=reason, expected=expected, **more)


def roll_back(
    place: Place, registry: Registry, verified: Callable[[str], str], reason: str | None = None
) -> Entry:
    """Make the last accepted model before the champion the champion again; return the new entry.

    Parameters
    ----------
    place, registry : Place, Registry
        The environment.
    verified : callable
        Returns the version that has a digest, once its bytes are verified.
    reason : str, optional
        Why.

    Raises
    ------
    StepError
        When there is none.
    Overtaken
        When another change was faster.
    """
    expected, last = champion.settle(place, registry), before(place)
    if last is None:
        raise StepError(
            f"{place.environment} has no accepted model of {place.model} before the one that serves: "
            "see python3 -m operation ledger, and promote one"
        )
    digest = str(last["model_digest"])
    more = {"version": verified(digest), "decision_digest": last["decision_digest"]}
    reason = reason or f"back to entry {last['number']}"
    return champion.change(place, registry, "rolled-back", digest, reason=reason, expected=expected, **more)
