"""The log of a run, printed while it runs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azureml.core import Run

Say = Callable[[str], None]
ENDED = frozenset({"Completed", "Failed", "Canceled", "NotResponding"})
SHORTEST, LONGEST = 0.2, 5.0  # seconds between two requests
# what the script prints; other logs tell of images, mounts and processes
_OF_SCRIPT = re.compile(
    r"(azureml-logs/70_driver_log[\w-]*|user_logs/std_log[\w-]*|logs/.*driver_stdout)(\.txt)?$"
)


class Log:
    """The log of one run as far as it was printed."""

    def __init__(self, run: Run, say: Say) -> None:
        self.run = run
        self.say = say
        self.text = ""
        self._printed = 0

    def update(self) -> Mapping[str, Any]:
        """Print what is new and return the run's details."""
        from azureml.core import Run

        # the method of a pipeline's step also fetches three more logs, which hold the same
        details: Mapping[str, Any] = Run.get_details_with_logs(self.run)
        self.text = "\n".join(_texts(details.get("logFiles") or {}))
        ended = details["status"] in ENDED
        lines = self.text.splitlines()[: None if ended else self.text.count("\n")]
        for line in lines[self._printed :]:
            self.say(line)
        self._printed = max(self._printed, len(lines))
        return details


def follow(run: Run, say: Say) -> tuple[Mapping[str, Any], str]:
    """Wait until `run` has ended, printing its log; return its details and the whole log."""
    log, started = Log(run, say), time.monotonic()
    while (details := log.update())["status"] not in ENDED:
        pause(started)
    return details, log.text


def pause(started: float) -> None:
    """Wait between two requests: a twentieth of the time since `started`."""
    time.sleep(min(LONGEST, max(SHORTEST, (time.monotonic() - started) / 20)))


def _texts(files: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(files):
        if _OF_SCRIPT.search(name):
            yield files[name] or ""
