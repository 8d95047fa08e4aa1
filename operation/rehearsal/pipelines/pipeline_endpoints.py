"""Endpoints of pipelines: one address, many versions, one of them the default."""

from __future__ import annotations

from operation.rehearsal.clock import now
from operation.rehearsal.http import Call, Refused
from operation.rehearsal.pipelines.pipelines import entity, found, kept, named, part, refuse_twice
from operation.rehearsal.pipelines.published import (
    PUBLISHED,
    address,
    is_active,
    listed,
    pascal,
    set_status,
    submit,
)
from operation.rehearsal.state import Document, State

ENDPOINTS = "pipeline-endpoints"


def pipeline_of(state: State, endpoint: str, version: str | None) -> str:
    """Return the id of the published pipeline behind a version; of the default one where None is given.

    Raises
    ------
    Refused
        404 for an unknown endpoint or version, 400 for an endpoint that is not active.
    """
    document = found(state, ENDPOINTS, endpoint)
    if not is_active(document):
        raise Refused(400, "BadRequest", f"pipeline endpoint {document['Name']} is not active")
    wanted = version or document["DefaultVersion"]
    versions = {one["Version"]: one["PipelineId"] for one in document["PipelineVersionList"]}
    if wanted not in versions:
        said = f"endpoint {document['Name']} has no version {wanted!r}; it has: {', '.join(versions)}"
        raise Refused(404, "NotFound", said)
    return str(versions[wanted])


def _create(call: Call) -> Document:
    wanted = call.json
    refuse_twice(call, ENDPOINTS)
    found(call.state, PUBLISHED, wanted["PipelineId"])
    made = entity(**{name: wanted.get(name) for name in ("Name", "Description", "Properties")})
    made["DefaultVersion"] = "0"
    made["PipelineVersionList"] = [{"Version": "0", "PipelineId": wanted["PipelineId"]}]
    made["Url"] = address(call, f"/PipelineRuns/PipelineEndpointSubmit/Id/{made['Id']}")
    made["SwaggerUrl"] = None
    return kept(call.state, ENDPOINTS, made)


def _by_id(call: Call) -> Document:
    return found(call.state, ENDPOINTS, call.path["id"])


def _by_name(call: Call) -> Document:
    return named(call, ENDPOINTS)


def _update(call: Call) -> Document:
    known = found(call.state, ENDPOINTS, call.path["id"])
    wanted = {**known, **call.json, "Id": known["Id"], "Url": known["Url"], "LastModifiedDate": now()}
    for version in wanted["PipelineVersionList"]:
        found(call.state, PUBLISHED, version["PipelineId"])
    kept(call.state, ENDPOINTS, wanted)
    return set_status(call.state, ENDPOINTS, known["Id"], str(wanted["EntityStatus"]))


def _list(call: Call) -> list[Document]:
    return listed(call, ENDPOINTS)[: int(call.headers.get("batchsize", 100))]


def _pipelines(call: Call) -> list[Document]:
    versions = found(call.state, ENDPOINTS, call.path["id"])["PipelineVersionList"]
    wanted = {one["PipelineId"] for one in versions}
    return [one for one in listed(call, PUBLISHED) if one["Id"] in wanted]


def _submit(call: Call) -> Document:
    version = call.path.get("version") or call.query.get("pipelineVersion")
    pipeline = pipeline_of(call.state, call.path["id"], version)
    return submit(call.service, call.state, pipeline, pascal(call.json), call.query.get("parentRunId"))


ROUTES = [
    part("POST", "/PipelineEndpoints/Create", _create),
    part("GET", "/PipelineEndpoints/Name", _by_name),
    part("GET", "/PipelineEndpoints/Id/{id}", _by_id),
    part("PUT", "/PipelineEndpoints/{id}", _update),
    part("GET", "/PipelineEndpoints", _list),
    part("GET", "/PipelineEndpoints/{id}/pipelines", _pipelines),
    part("POST", "/PipelineRuns/PipelineEndpointSubmit/Id/{id}", _submit),
    part("POST", "/PipelineRuns/PipelineEndpointSubmit/Id/{id}/{version}", _submit),
]
