"""What the SDK tells its makers of its use ends here: nothing leaves the machine, nobody waits for it."""

from __future__ import annotations

import json
from typing import Any

from operation.rehearsal.http import Call, route


def _taken(call: Call) -> dict[str, Any]:
    """Answer as if all of it had been kept: what is refused is sent again, and the process waits."""
    try:
        count = len(json.loads(call.body))
    except ValueError:  # sent compressed, or a line for each item
        count = 1
    return {"itemsReceived": count, "itemsAccepted": count, "errors": []}


ROUTES = [
    route("POST", "/v2/track", _taken, public=True),
    route("POST", "/v2.1/track", _taken, public=True),
]
