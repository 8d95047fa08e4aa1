"""Until a service is there: progress while it starts, and what its log says where it does not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from operation.execution import failure
from operation.execution.logs import pause
from operation.execution.services.order import DeploymentFailed, Place, log_file

if TYPE_CHECKING:
    from azureml.core.webservice import Webservice

ENDED = frozenset({"Succeeded", "Failed", "Cancelled", "TimedOut"})
_WRAPPER = "UserScriptException"  # what the server makes of what the entry script raises in init()
_WRAPPED = "The above exception was the direct cause of the following exception"
EVERY = 10.0  # seconds between two lines that say that it goes on


def wait(place: Place, service: Webservice, name: str) -> None:
    """Wait until what was asked of `service` is done.

    Parameters
    ----------
    name : str
        What is started, in what is said: the service, or a version of it.

    Raises
    ------
    DeploymentFailed
        When it does not start: why, the place in ``src/``, the end of its log.
    """
    started = told = time.monotonic()
    # wait_for_deployment() asks the same, but only every five seconds, and shows dots
    state, error, _ = service._get_operation_state()
    while state not in ENDED:
        pause(started)
        if time.monotonic() - told > EVERY:
            told = time.monotonic()
            place.say(f"  {name}: {state.lower()} for {told - started:.0f} s")
        state, error, _ = service._get_operation_state()
    service.update_deployment_state()
    if state != "Succeeded":
        raise failed(place, service, name, _sentence(error) or f"the operation ended as {state}")


def failed(place: Place, service: Any, name: str, said: str) -> DeploymentFailed:
    """Return the failure of a service, with what its log says; the whole log is kept."""
    log = service.get_logs() or ""
    file = log_file(place.layout, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(log, encoding="utf-8")
    own = log.partition(_WRAPPED)[0] if _WRAPPER in log else log
    raised, (script, line) = failure.raised(own), failure.place(own, place.layout.src)
    if raised:
        where = f"{script}:{line}: " if script else ""
        said = f"{where}{raised['type']}: {raised['message']}"
    tail = failure.traceback_in(own)
    shown = "\n".join(f"  | {text}" for text in tail.splitlines()[-failure.TAIL :])
    kept = f"The whole log: {place.layout.relative(file)}"
    return DeploymentFailed("\n".join(filter(None, [f"service {name}: {said}", shown, kept])))


def _sentence(error: Any) -> str:
    """Return what the service says of a failed operation."""
    return str((error or {}).get("message") or "").strip()
