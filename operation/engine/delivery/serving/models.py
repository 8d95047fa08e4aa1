"""The models of a service: looked up again where they may have changed; a bad one leaves the previous one."""

import json
import os
import secrets
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from operation.engine.delivery.serving.settings import LOOK, PLAN, ServedModel, Settings
from operation.engine.foundation.errors import WorkbenchError

Find = Callable[[], ServedModel | None]
STATUS, LOADED = "models.json", "loaded"
LOOK_SECONDS = 10.0  # a registry that is written to all the time is not asked more often


class Models:
    """What a service serves.

    Parameters
    ----------
    settings : Settings
        Of the service: `read_status` says what is served in its state folder, and what was refused.
    champion, challenger : callable
        Each returns a model, or raises a WorkbenchError. One that has a method ``signature`` is called again
        when that gives something else.
    on_challenger : callable, optional
        Called with another challenger, before it is served.
    seconds : float
        Between two looks.
    """

    def __init__(
        self,
        settings: Settings,
        champion: Callable[[], ServedModel],
        challenger: Find = lambda: None,
        on_challenger: Callable[[ServedModel], None] = lambda _: None,
        seconds: float = LOOK_SECONDS,
    ) -> None:
        self._settings, self._seconds, self._on_challenger = settings, seconds, on_challenger
        self._finders: dict[str, Find] = {"champion": champion, "challenger": challenger}
        self._wanted: dict[str, ServedModel | None] = {}
        self._answering: dict[str, ServedModel | None] = {}
        self._refused = dict.fromkeys(self._finders, 0)
        self._signatures: dict[str, object] = {}
        self._last_look: dict[str, float] = {}
        self._asked = self._requested_look()
        self._status: dict[str, Any] = {"number": 0}

    @property
    def champion(self) -> ServedModel:
        """The model that answers what is not the challenger's."""
        return cast(ServedModel, self._wanted["champion"])  # its finder returns one, or raises

    def begin(self) -> None:
        """Find both; what goes wrong here is an error."""
        shutil.rmtree(self._settings.state / LOADED, ignore_errors=True)
        (self._settings.state / LOADED).mkdir(parents=True)
        for name in self._finders:
            self._find(name)
        self._publish(None)

    def end(self) -> None:
        """Remove the status: nothing is served any more."""
        with suppress(OSError):
            (self._settings.state / STATUS).unlink()

    def look(self) -> None:
        """Find again what may have changed; whatever has, where that was asked for."""
        if self._asked != (asked := self._requested_look()):
            self._asked = asked
            self.renew()
            return
        now = time.monotonic()
        due = [name for name in self._finders if now - self._last_look[name] >= self._seconds]
        changed = [name for name in due if self._signature(name) != self._signatures[name]]
        if changed:
            self.renew(changed)

    def renew(self, names: Sequence[str] = ("champion", "challenger")) -> None:
        """Find again, whatever has changed.

        A model that cannot be found, or is not the one that was trained, is refused: the previous one stays.
        """
        message = None
        for name in names:
            try:
                self._find(name)
            except WorkbenchError as error:
                message = self._refuse(name, self._wanted[name], str(error))
        self._publish(message)

    def settle(self) -> bool:
        """Read what the processes have loaded; return whether that is what is wanted.

        What they cannot load, though it was verified, is refused too.
        """
        if self._status["settled"]:
            return True
        files = (self._settings.state / LOADED).glob(f"{self._status['number']}-*")
        acknowledged = [file.read_text(encoding="utf-8") for file in files]
        if len(acknowledged) < self._settings.workers:
            return False
        problem = next((text for text in acknowledged if text), None)
        if problem and self._answering and self._answering != self._wanted:
            self._wanted = dict(self._answering)
            self._publish(self._refuse("champion", self._wanted["champion"], problem))
            return False
        self._answering = dict(self._wanted)
        self._write({**self._status, "settled": True})
        return True

    def _refuse(self, name: str, previous: ServedModel | None, problem: str) -> str:
        self._refused[name] += 1
        message = f"Rejected the new {name}; still serving {previous or 'none'}: {problem}"
        print(message, file=sys.stderr, flush=True)
        return message

    def _find(self, name: str) -> None:
        self._signatures[name] = self._signature(name)  # before: what changes meanwhile is found next time
        try:
            model = self._finders[name]()
        finally:
            self._last_look[name] = time.monotonic()
        previous = self._wanted.get(name)
        if name == "challenger" and model and (previous is None or previous.digest != model.digest):
            self._on_challenger(model)
        self._wanted[name] = model

    def _requested_look(self) -> str:
        try:
            return (self._settings.state / LOOK).read_text(encoding="ascii")
        except OSError:
            return ""

    def _signature(self, name: str) -> object:
        signature: Callable[[], object] | None = getattr(self._finders[name], "signature", None)
        return signature() if signature else None

    def _publish(self, message: str | None) -> None:
        """Write what is to be served, for the processes and for whoever asked for another model."""
        arguments = self._arguments()
        is_other = arguments != self._status.get("arguments")
        self._write(
            {
                "number": self._status["number"] + is_other,
                "arguments": arguments,
                "served": {name: str(model) for name, model in self._wanted.items() if model},
                "request": self._signatures["challenger"],
                "looked": self._asked,
                "refused": self._refused,
                "message": message,
                "settled": not is_other and self._status["settled"],
            }
        )

    def _arguments(self) -> list[str]:
        """Return what the scoring script is given."""
        arguments, challenger = self.champion.arguments, self._wanted["challenger"]
        if challenger:
            plan = (self._settings.state / PLAN).resolve()
            arguments += ["--challenger", shlex.join(challenger.arguments), "--plan", str(plan)]
        return [*arguments, *self._settings.arguments]

    def _write(self, status: dict[str, Any]) -> None:
        self._status = status
        write(self._settings.state / STATUS, json.dumps(status))


def read_status(state: Path) -> dict[str, Any]:
    """Return what a service serves, by its state folder; nothing where none runs."""
    try:
        status: dict[str, Any] = json.loads((state / STATUS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return status


def ask_to_look(state: Path) -> str:
    """Let a service look its models up again at once; return what its status says as `looked` then."""
    word = secrets.token_hex(8)
    write(state / LOOK, word)
    return word


def acknowledge(state: Path, number: int, problem: str = "") -> None:
    """Record that this process has loaded the models of that number, or why it cannot."""
    write(state / LOADED / f"{number}-{os.getpid()}", problem)


def write(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)
