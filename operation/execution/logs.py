"""What a run prints, passed on while it runs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azureml.core import Run

Say = Callable[[str], None]
ENDED = frozenset({"Completed", "Failed", "Canceled", "NotResponding"})
SHORTEST, LONGEST = 0.2, 5.0  # seconds between two looks
# what the script prints; beside it the service tells of images, mounts and processes
_OF_SCRIPT = re.compile(
    r"(azureml-logs/70_driver_log[\w-]*|user_logs/std_log[\w-]*|logs/.*driver_stdout)(\.txt)?$"
)


class Log:
    """The log of one run as far as it was passed on."""

    def __init__(self, run: Run, say: Say) -> None:
        self.run = run
        self.say = say
        self.text = ""
        self._told = 0

    def look(self) -> Mapping[str, Any]:
        """Pass on what is new and return the run's details."""
        from azureml.core import Run

        # a step of a pipeline would also ask for three more logs, which hold the same
        details: Mapping[str, Any] = Run.get_details_with_logs(self.run)
        self.text = "\n".join(_texts(details.get("logFiles") or {}))
        ended = details["status"] in ENDED
        lines = self.text.splitlines()[: None if ended else self.text.count("\n")]
        for line in lines[self._told :]:
            self.say(line)
        self._told = max(self._told, len(lines))
        return details


def follow(run: Run, say: Say) -> tuple[Mapping[str, Any], str]:
    """Wait until `run` has ended, passing its log on; return its details and the whole log."""
    log, started = Log(run, say), time.monotonic()
    while (details := log.look())["status"] not in ENDED:
        pause(started)
    return details, log.text


def pause(started: float) -> None:
    """Wait between two looks, the longer the more time has gone since `started`: a twentieth of it."""
    time.sleep(min(LONGEST, max(SHORTEST, (time.monotonic() - started) / 20)))


def _texts(files: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(files):
        if _OF_SCRIPT.search(name):
            yield files[name] or ""
