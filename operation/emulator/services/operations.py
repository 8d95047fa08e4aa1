"""Long-running operations of model management: what the SDK polls until it has ended."""

import uuid

from operation.emulator.http import WORKSPACE, Call, Reply, known, route
from operation.emulator.state import Document, State, now

MANAGEMENT = f"/modelmanagement/v1.0{WORKSPACE}"
KIND = "operations"


def opened(state: State, kind: str, log: str, **fields: object) -> Document:
    """Keep a new operation that runs."""
    identity = uuid.uuid4().hex
    operation: Document = {"id": identity, "operationType": kind, "state": "Running", "operationLog": log}
    operation |= {"createdTime": now(), "endTime": None, "error": None, "resourceLocation": None, **fields}
    return state.put(KIND, identity, operation)


def ended(state: State, identity: str, error: Document | None = None, **fields: object) -> None:
    """Write down how an operation ended."""
    with state.change(KIND, identity) as operation:
        operation |= {"state": "Failed" if error else "Succeeded", "endTime": now(), "error": error, **fields}


def accepted(call: Call, identity: str, content: object = None) -> Reply:
    """Return the answer that leads the SDK to the operation."""
    address = f"{call.service.url}/modelmanagement/operations/{identity}"
    return Reply(content, 202, {"Operation-Location": address})


def failure(message: str, code: str = "UserError") -> Document:
    """Return the error of an operation."""
    return {"code": code, "statusCode": 400, "message": message, "details": []}


def _get(call: Call) -> Document:
    identity = call.path["id"]
    return known(call.state, KIND, identity, f"there is no operation {identity}", "OperationNotFound")


ROUTES = [route("GET", f"{MANAGEMENT}/operations/{{id}}", _get)]
