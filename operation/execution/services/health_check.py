"""Whether a service works: it has started, and the right model answers one row."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operation.engine.delivery.serving.openapi import example
from operation.engine.steps.failures import exception_in, location
from operation.execution import failure
from operation.execution.run_log import pause
from operation.execution.services.deployment import DeploymentFailed, ModelDeployment, Service

if TYPE_CHECKING:
    from azureml.core.webservice import Webservice

PATIENCE = 60.0  # seconds in which a router may still lead elsewhere
PASSING = frozenset({0, 502, 503, 504})  # no connection, or a gateway that does not know the service yet
EXCERPT = 300  # characters of an answer
ENDED = frozenset({"Succeeded", "Failed", "Cancelled", "TimedOut"})
_WRAPPER = "UserScriptException"  # what the server makes of what the entry script raises in init()
_WRAPPED = "The above exception was the direct cause of the following exception"
SILENCE = 10.0  # seconds between two lines of progress


def wait(service: Service, webservice: Webservice, name: str) -> None:
    """Wait until the operation on `webservice` has ended."""
    started = last = time.monotonic()
    # private, because the public wait_for_deployment() is silent for minutes and asks every five seconds
    state, error, _ = webservice._get_operation_state()
    while state not in ENDED:
        pause(started)
        if time.monotonic() - last > SILENCE:
            last = time.monotonic()
            service.say(f"  {name}: {state.lower()} for {last - started:.0f} s")
        state, error, _ = webservice._get_operation_state()
    webservice.update_deployment_state()
    if state != "Succeeded":
        reason = str((error or {}).get("message") or "").strip()
        raise failed(service, webservice, name, reason or f"the operation ended as {state}")


def failed(service: Service, webservice: Any, name: str, reason: str) -> DeploymentFailed:
    """Return the failure of a service, with what its log says; the whole log is written to a file."""
    log = webservice.get_logs() or ""
    file = service.layout.runs / "deployments" / f"{name}.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(log, encoding="utf-8")
    own = log.partition(_WRAPPED)[0] if _WRAPPER in log else log
    raised, (script, line) = exception_in(own), location(own, service.layout.src)
    if raised:
        where = f"{script}:{line}: " if script else ""
        reason = f"{where}{raised['type']}: {raised['message']}"
    tail = [f"  | {text}" for text in failure.traceback_in(own).splitlines()[-failure.TAIL :]]
    log_file = f"The whole log: {service.layout.relative(file)}"
    return DeploymentFailed("\n".join([f"service {name}: {reason}", *tail, log_file]))


@dataclass(frozen=True)
class ScoreResponse:
    """What a service answered."""

    status: int  # of HTTP; 0 without a connection
    text: str  # the body, or why there is none

    @property
    def digest(self) -> str | None:
        """The digest of the model that answered, or None."""
        try:
            document = json.loads(self.text)
            return str(document["model"]["digest"]) if document["predictions"] else None
        except (ValueError, KeyError, TypeError):
            return None


def authorization(webservice: Webservice) -> dict[str, str]:
    """Return the header that a service asks for: its key, a token, or none. Never printed."""
    if getattr(webservice, "token_auth_enabled", False):
        return {"Authorization": f"Bearer {webservice.get_access_token().access_token}"}
    return {"Authorization": f"Bearer {webservice.get_keys()[0]}"} if webservice.auth_enabled else {}


def score(address: str, header: Mapping[str, str], rows: list[dict[str, Any]]) -> ScoreResponse:
    """Send rows to a service and return what comes back."""
    headers = {**header, "Content-Type": "application/json"}
    # the address is the service's own, as Azure gives it
    request = urllib.request.Request(address, json.dumps({"data": rows}).encode(), headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            return ScoreResponse(response.status, response.read().decode())
    except urllib.error.HTTPError as error:
        return ScoreResponse(error.code, error.read().decode(errors="replace"))
    except OSError as error:  # no connection, or a certificate that is not the service's
        return ScoreResponse(0, str(getattr(error, "reason", error)))


def check_answer(deployment: ModelDeployment, webservice: Webservice, address: str, name: str) -> None:
    """Send one row, and check that the right model answers it."""
    header, row = authorization(webservice), example(deployment.model.facts)
    until = time.monotonic() + PATIENCE
    response = score(address, header, [row])
    while _may_change(response, deployment.model.digest) and time.monotonic() < until:
        time.sleep(1)
        response = score(address, header, [row])
    if response.digest == deployment.model.digest:
        deployment.say(f"  {name}: answers a row with the model {deployment.model}")
        return
    if response.digest:
        raise DeploymentFailed(
            f"service {name}: it answers with the model {response.digest[:12]}, not with {deployment.model}. "
            "It receives no request."
        )
    status = f"status {response.status}" if response.status else "nothing"
    reason = f"it answers one row with {status}: {response.text[:EXCERPT].strip()}"
    raise failed(deployment, webservice, name, reason)


def _may_change(response: ScoreResponse, wanted: str) -> bool:
    """Tell whether this is what a router answers that still leads to what was there before."""
    other = response.status == 200 and response.digest not in {None, wanted}
    return other or response.status in PASSING
