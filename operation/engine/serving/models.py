"""The models of a service: looked up again where they may have changed; a bad one leaves the one before."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from operation.engine.errors import WorkbenchError
from operation.engine.serving.settings import ServedModel

Find = Callable[[], ServedModel | None]
TOLD = "models.json"
LOOK_SECONDS = 10.0  # a registry that is written to all the time is not asked more often


class Models:
    """What a service serves.

    Parameters
    ----------
    state : Path
        The service's folder: `told` there says what is served, and what was refused.
    champion, challenger : callable
        Each returns a model, or raises a WorkbenchError. One that has a method ``signature`` is called again
        when that gives something else.
    renewed : callable, optional
        Called with another challenger, before it is served.
    seconds : float
        Between two looks.
    """

    def __init__(
        self,
        state: Path,
        champion: Callable[[], ServedModel],
        challenger: Find = lambda: None,
        renewed: Callable[[ServedModel], None] = lambda _: None,
        seconds: float = LOOK_SECONDS,
    ) -> None:
        self._file, self._seconds, self._renewed = state / TOLD, seconds, renewed
        self._finders: dict[str, Find] = {"champion": champion, "challenger": challenger}
        self._found: dict[str, ServedModel | None] = {}
        self._refused = dict.fromkeys(self._finders, 0)
        self._signatures: dict[str, object] = {}
        self._looked: dict[str, float] = {}
        self._document: dict[str, Any] = {}
        self.was_refused = False

    @property
    def champion(self) -> ServedModel:
        """The model that answers what is not the challenger's."""
        return cast(ServedModel, self._found["champion"])  # its finder returns one, or raises

    @property
    def challenger(self) -> ServedModel | None:
        """The second model, where there is one."""
        return self._found["challenger"]

    def begin(self) -> None:
        """Find both; what goes wrong here is an error."""
        for name in self._finders:
            self._find(name)
        self._tell(None)

    def look(self) -> bool:
        """Find again what may have changed; return whether something else is to be served."""
        now = time.monotonic()
        due = [name for name in self._finders if now - self._looked[name] >= self._seconds]
        changed = [name for name in due if self._signature(name) != self._signatures[name]]
        return self.renew(changed) if changed else False

    def renew(self, names: Sequence[str] = ("champion", "challenger")) -> bool:
        """Find again, whatever has changed; return whether something else is to be served.

        A model that cannot be found, or is not the one that was trained, is refused: the one before goes on.
        """
        before, said = dict(self._found), None
        for name in names:
            try:
                self._find(name)
            except WorkbenchError as error:
                self._refused[name] += 1
                said = f"{name} refused, {self._found[name] or 'none'} goes on: {error}"
                print(said, file=sys.stderr, flush=True)
        self.was_refused = said is not None
        self._tell(said)
        if self.was_refused and before == self._found:
            self.settled()
        return before != self._found

    def settled(self) -> None:
        """Tell that what is told is what answers."""
        self._write({**self._document, "settled": True})

    def _find(self, name: str) -> None:
        self._signatures[name] = self._signature(name)  # before: what changes meanwhile is found next time
        try:
            found = self._finders[name]()
        finally:
            self._looked[name] = time.monotonic()
        known = self._found.get(name)
        if name == "challenger" and found and (known is None or known.digest != found.digest):
            self._renewed(found)
        self._found[name] = found

    def _signature(self, name: str) -> object:
        signature: Callable[[], object] | None = getattr(self._finders[name], "signature", None)
        return signature() if signature else None

    def _tell(self, refused: str | None) -> None:
        """Write what is served: whoever asked for another model reads it, and so do the metrics."""
        document = {
            "served": {name: str(model) for name, model in self._found.items() if model},
            "seen": self._signatures["challenger"],
            "refused": self._refused,
            "said": refused,
            "settled": False,
        }
        self._write(document)

    def _write(self, document: dict[str, Any]) -> None:
        self._document = document
        self._file.parent.mkdir(parents=True, exist_ok=True)
        partial = self._file.with_suffix(".partial")
        partial.write_text(json.dumps(document), encoding="utf-8")
        partial.replace(self._file)


def told(state: Path) -> dict[str, Any]:
    """Return what a service says of its models; nothing where none runs."""
    try:
        found: dict[str, Any] = json.loads((state / TOLD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found
