"""Experiments: names under which runs stand together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operation.rehearsal.clock import now
from operation.rehearsal.history.filters import names, page
from operation.rehearsal.history.runs import experiment, experiment_of
from operation.rehearsal.http import WORKSPACE, Call, Refused, route

if TYPE_CHECKING:
    from operation.rehearsal.state import Document


def _made(call: Call) -> Document:
    return experiment(call.state, call.path["experiment"])


def _shown(call: Call) -> Document:
    if call.method == "PATCH":
        return _changed(call)
    name = experiment_of(call)
    found = call.state.get("experiments", name)
    if found is None:
        raise Refused(404, "UserError", f"Experiment {name} was not found")
    return found


def _changed(call: Call) -> Document:
    wanted = call.json or {}
    with call.state.change("experiments", experiment_of(call)) as known:
        known["tags"].update(wanted.get("tags") or {})
        known["description"] = wanted.get("description") or known["description"]
        if wanted.get("archive") is not None:
            known["archivedTime"] = now() if wanted["archive"] else None
        return dict(known)


def _deleted(call: Call) -> Document:
    return {"deleted": call.state.delete("experiments", experiment_of(call))}


def _listed(call: Call) -> Document:
    wanted = (call.json or {}).get("viewType") if call.method == "POST" else call.query.get("viewType")
    archived = {"ActiveOnly": (False,), "ArchivedOnly": (True,)}.get(str(wanted), (False, True))
    return page(call, [one for one in call.state.all("experiments") if bool(one["archivedTime"]) in archived])


def _untagged(call: Call) -> Document:
    with call.state.change("experiments", experiment_of(call)) as known:
        for name in names(call.json):
            known["tags"].pop(name, None)
    return {"errors": {}}


_HISTORY = f"/history/v1.0{WORKSPACE}"
_BY_ID = f"{_HISTORY}/experimentids/{{experiment_id}}"

ROUTES = [
    route("GET POST", f"{_HISTORY}/experiments:query", _listed),
    route("GET", f"{_HISTORY}/experiments", _listed),
    route("POST", f"{_HISTORY}/experiments/{{experiment}}", _made),
    route("GET PATCH", f"{_HISTORY}/experiments/{{experiment}}", _shown),
    route("GET PATCH", _BY_ID, _shown),
    route("DELETE", _BY_ID, _deleted),
    route("POST", f"{_BY_ID}/tags:delete", _untagged),
]
