"""The champion of an environment: no change without an entry in the ledger.

The ledger is written before the alias: whoever is killed in between leaves an alias that differs from the
ledger, which the next one finds, tells and enters, as it does an alias that somebody changed by hand.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from support import ledger
from support.ledger import Entries, Entry

CHAMPION = "champion"
DECISIONS = ("accepted", "rejected")


class Registry(Protocol):
    """Where the versions of one model are, and which of them is the champion."""

    def champion(self) -> tuple[str | None, str | None]:
        """Return version and digest of the champion; None for what is unknown."""

    def point(self, alias: str, version: str) -> None:
        """Give an alias to a version."""

    def remember(self, head: str) -> None:
        """Keep what `ledger.head` says of the last entry about this model."""


@dataclass(frozen=True)
class Place:
    """A model in one environment, and the ledger of what is decided about it."""

    ledger: Path
    environment: str  # as the ledger names it, like the model
    model: str
    time: str | None = None  # of its entries, ISO 8601 with its zone; by default now

    @property
    def changes(self) -> Path:
        """The file whose lock who changes the champion holds: longer than the ledger's own."""
        return self.ledger.with_name(f"{self.ledger.name}.champion")

    def entries(self) -> Entries:
        """Return the entries of the ledger."""
        return ledger.read(self.ledger)

    def served(self) -> Entry | None:
        """Return the entry that says what serves here."""
        return ledger.served_at(self.entries(), None, self.environment, self.model)

    def append(
        self, event: str, digest: str | None, reason: str, expected: int | None = None, **more: Any
    ) -> Entry:
        """Append an entry about a model here, as `ledger.append` does."""
        about = {"environment": self.environment, "model": self.model, "time": self.time}
        entry = {**about, "event": event, "model_digest": digest, "reason": reason, **more}
        return ledger.append(self.ledger, entry, expected)

    def decision(self, digest: str) -> Entry | None:
        """Return the last entry of this environment's gate about a model; None where it has judged none."""
        return next((entry for entry in reversed(self.entries()) if self._is_decision(entry, digest)), None)

    def _is_decision(self, entry: Entry, digest: str) -> bool:
        where = (entry["environment"], entry["model_digest"])
        return entry["event"] in DECISIONS and where == (self.environment, digest)

    def record_decision(self, digest: str, accepted: bool, reason: str, decision: str | None) -> None:
        """Enter what was decided about a model, unless the last entry about it says the same."""
        event, last = DECISIONS[0 if accepted else 1], self.decision(digest) or {}
        said = [last.get(name) for name in ("event", "decision_digest", "reason")]
        if said != [event, decision, reason]:
            self.append(event, digest, reason, decision_digest=decision)


def settle(place: Place, registry: Registry) -> int:
    """Return the number of the entry that says what serves, 0 where nothing does.

    A champion that no entry speaks of is told on standard error, and entered.
    """
    with ledger.locked(place.changes):
        return _settle(place, registry)


def change(
    place: Place, registry: Registry, event: str, digest: str, *, reason: str, expected: int, **more: Any
) -> Entry:
    """Enter that another model serves, and make its version the champion; return the entry.

    Raises
    ------
    Overtaken
        When something else serves by now than entry `expected`, of `settle`, said.
    """
    with ledger.locked(place.changes):
        _settle(place, registry)
        entry = place.append(event, digest, reason, expected, **more)
        registry.point(CHAMPION, str(entry["version"]))
        registry.remember(ledger.head(entry))
    return entry


def _settle(place: Place, registry: Registry) -> int:
    known, (version, digest) = place.served(), registry.champion()
    told = known and _name(known["model_digest"], known["version"])
    if _name(digest, version) != told:
        says = f"says {told} since entry {known['number']}" if known and told else "names none"
        here = f"is {_name(digest, version)}" if version else "is gone"
        reason = f"the champion {here}, the ledger {says}: changed by hand, or a change was interrupted"
        known = place.append("changed-outside", digest, reason, version=version)
        registry.remember(ledger.head(known))
        print(f"warning: {place.model} in {place.environment}: {reason}", file=sys.stderr)
    return known["number"] if known else 0


def _name(digest: str | None, version: str | None) -> str | None:
    return digest[:12] if digest else version and f"version {version}, which has no digest"
