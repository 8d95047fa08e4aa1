"""The models of a service: looked up again where they may have changed; a bad one leaves the one before."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from operation.engine.delivery.serving.settings import PLAN, ServedModel, Settings
from operation.engine.foundation.errors import WorkbenchError

Find = Callable[[], ServedModel | None]
TOLD, LOADED = "models.json", "loaded"
LOOK_SECONDS = 10.0  # a registry that is written to all the time is not asked more often


class Models:
    """What a service serves.

    Parameters
    ----------
    settings : Settings
        Of the service: `told` says what is served in its state folder, and what was refused.
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
        settings: Settings,
        champion: Callable[[], ServedModel],
        challenger: Find = lambda: None,
        renewed: Callable[[ServedModel], None] = lambda _: None,
        seconds: float = LOOK_SECONDS,
    ) -> None:
        self._settings, self._seconds, self._renewed = settings, seconds, renewed
        self._finders: dict[str, Find] = {"champion": champion, "challenger": challenger}
        self._found: dict[str, ServedModel | None] = {}
        self._answering: dict[str, ServedModel | None] = {}
        self._refused = dict.fromkeys(self._finders, 0)
        self._signatures: dict[str, object] = {}
        self._looked: dict[str, float] = {}
        self._document: dict[str, Any] = {"number": 0}

    @property
    def champion(self) -> ServedModel:
        """The model that answers what is not the challenger's."""
        return cast(ServedModel, self._found["champion"])  # its finder returns one, or raises

    def begin(self) -> None:
        """Find both; what goes wrong here is an error."""
        shutil.rmtree(self._settings.state / LOADED, ignore_errors=True)
        (self._settings.state / LOADED).mkdir(parents=True)
        for name in self._finders:
            self._find(name)
        self._tell(None)

    def end(self) -> None:
        """Tell nothing any more."""
        with suppress(OSError):
            (self._settings.state / TOLD).unlink()

    def look(self) -> None:
        """Find again what may have changed."""
        now = time.monotonic()
        due = [name for name in self._finders if now - self._looked[name] >= self._seconds]
        changed = [name for name in due if self._signature(name) != self._signatures[name]]
        if changed:
            self.renew(changed)

    def renew(self, names: Sequence[str] = ("champion", "challenger")) -> None:
        """Find again, whatever has changed.

        A model that cannot be found, or is not the one that was trained, is refused: the one before goes on.
        """
        said = None
        for name in names:
            try:
                self._find(name)
            except WorkbenchError as error:
                said = self._refuse(name, self._found[name], str(error))
        self._tell(said)

    def settle(self) -> bool:
        """Hear what the processes say; return whether what is told is what answers.

        What they cannot load, though it was verified, is refused too.
        """
        if self._document["settled"]:
            return True
        files = (self._settings.state / LOADED).glob(f"{self._document['number']}-*")
        said = [file.read_text(encoding="utf-8") for file in files]
        if len(said) < self._settings.workers:
            return False
        problems = [one for one in said if one]
        if problems and self._answering and self._answering != self._found:
            self._found = dict(self._answering)
            self._tell(self._refuse("champion", self._found["champion"], problems[0]))
            return False
        self._answering = dict(self._found)
        self._write({**self._document, "settled": True})
        return True

    def _refuse(self, name: str, goes_on: ServedModel | None, problem: str) -> str:
        self._refused[name] += 1
        said = f"Rejected the new {name}; still serving {goes_on or 'none'}: {problem}"
        print(said, file=sys.stderr, flush=True)
        return said

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
        """Write what is to be served: the processes read it, and whoever asked for another model."""
        arguments = self._arguments()
        is_other = arguments != self._document.get("arguments")
        document = {
            "number": self._document["number"] + is_other,
            "arguments": arguments,
            "served": {name: str(model) for name, model in self._found.items() if model},
            "seen": self._signatures["challenger"],
            "refused": self._refused,
            "said": refused,
            "settled": not is_other and self._document["settled"],
        }
        self._write(document)

    def _arguments(self) -> list[str]:
        """Return what the scoring script is given."""
        words, challenger = self.champion.words, self._found["challenger"]
        if challenger:
            plan = (self._settings.state / PLAN).resolve()
            words += ["--challenger", shlex.join(challenger.words), "--plan", str(plan)]
        return [*words, *self._settings.words]

    def _write(self, document: dict[str, Any]) -> None:
        self._document = document
        write(self._settings.state / TOLD, json.dumps(document))


def told(state: Path) -> dict[str, Any]:
    """Return what a service says of its models; nothing where none runs."""
    try:
        found: dict[str, Any] = json.loads((state / TOLD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return found


def acknowledge(state: Path, number: int, problem: str = "") -> None:
    """Say that this process has loaded what was told, or why it cannot."""
    write(state / LOADED / f"{number}-{os.getpid()}", problem)


def write(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)
