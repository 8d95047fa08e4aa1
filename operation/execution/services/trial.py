"""Until a service is there: it has started, and the model that was meant answers one row."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operation.engine.steps.failures import exception_in, location
from operation.execution import failure
from operation.execution.logs import pause
from operation.execution.services.order import DeploymentFailed, Order, Place, log_file

if TYPE_CHECKING:
    from azureml.core.webservice import Webservice

PATIENCE = 60.0  # seconds in which a router may still lead elsewhere
PASSING = frozenset({502, 503, 504})  # of a gateway that does not know the service yet
SHOWN = 300  # characters of an answer
ENDED = frozenset({"Succeeded", "Failed", "Cancelled", "TimedOut"})
_WRAPPER = "UserScriptException"  # what the server makes of what the entry script raises in init()
_WRAPPED = "The above exception was the direct cause of the following exception"
EVERY = 10.0  # seconds between two lines that say that it goes on


def wait(place: Place, service: Webservice, name: str) -> None:
    """Wait until what was asked of `service` is done."""
    started = told = time.monotonic()
    # private, because the public wait_for_deployment() is silent for minutes and asks every five seconds
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
    raised, (script, line) = exception_in(own), location(own, place.layout.src)
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


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int  # of HTTP; 0 where nobody answered
    text: str  # the body, or why there is none

    @property
    def digest(self) -> str | None:
        """The digest of the model that answered, or None."""
        try:
            document = json.loads(self.text)
            return str(document["model"]["digest"]) if document["predictions"] else None
        except (ValueError, KeyError, TypeError):
            return None


def example_row(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row that the model takes: the middle of each range, the first of each column's categories."""
    categories = facts["features"]["categories"]
    return {name: _value(column, categories.get(name, [])) for name, column in facts["schema"].items()}


def _value(column: Mapping[str, Any], categories: list[str]) -> Any:
    if column["kind"] in {"number", "integer"}:
        bounds = [bound for bound in (column["minimum"], column["maximum"]) if bound is not None]
        middle = sum(bounds) / len(bounds) if bounds else 0.0
        return round(middle) if column["kind"] == "integer" else middle
    plain = {"boolean": False, "time": "2020-02-29T12:00:00"}
    return plain.get(column["kind"], categories[0] if categories else None)


def opening(service: Webservice) -> dict[str, str]:
    """Return the header that opens a service: of its key, of a token, or none. Never printed."""
    if getattr(service, "token_auth_enabled", False):
        return {"Authorization": f"Bearer {service.get_access_token().access_token}"}
    return {"Authorization": f"Bearer {service.get_keys()[0]}"} if service.auth_enabled else {}


def ask(address: str, header: Mapping[str, str], rows: list[dict[str, Any]]) -> Answer:
    """Send rows to a service and return what comes back."""
    words = {**header, "Content-Type": "application/json"}
    # the address is the service's own, as Azure gives it
    request = urllib.request.Request(address, json.dumps({"data": rows}).encode(), words)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return Answer(answer.status, answer.read().decode())
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read().decode(errors="replace"))
    except OSError as error:  # nobody there, or nobody who proves to be the one
        return Answer(0, str(getattr(error, "reason", error)))


def attempt(order: Order, service: Webservice, address: str, name: str) -> None:
    """Send one row, and check that the model that was meant answers it."""
    header, row = opening(service), example_row(order.chosen.facts)
    until = time.monotonic() + PATIENCE
    answer = ask(address, header, [row])
    while _may_change(answer, order.chosen.digest) and time.monotonic() < until:
        time.sleep(1)
        answer = ask(address, header, [row])
    if answer.digest == order.chosen.digest:
        order.say(f"  {name}: answers a row with the model {order.chosen}")
        return
    raise _refused(order, service, name, answer)


def _may_change(answer: Answer, wanted: str) -> bool:
    """Tell whether this is what a router answers that still leads to what was there before."""
    other = answer.status == 200 and answer.digest not in {None, wanted}
    return other or answer.status in {0, *PASSING}


def _refused(order: Order, service: Webservice, name: str, answer: Answer) -> DeploymentFailed:
    if answer.digest:
        said = f"it answers with the model {answer.digest[:12]}, not with {order.chosen}"
        return DeploymentFailed(f"service {name}: {said}. It gets no request.")
    what = f"status {answer.status}" if answer.status else "nothing"
    return failed(order, service, name, f"it answers one row with {what}: {answer.text[:SHOWN].strip()}")
