"""Entities of pipelines: stored under an id, looked up by it or by name, changed and deleted alike."""

import uuid
from collections.abc import Callable

from operation.emulator.http import WORKSPACE, Call, HttpError, ServiceRoute, known, nothing, route
from operation.emulator.state import Document, State, now

MODULES, SOURCES = "pipeline-modules", "pipeline-data-sources"
GRAPHS, TYPES = "pipeline-graphs", "pipeline-data-types"


def part(methods: str, path: str, answer: Callable[[Call], object]) -> ServiceRoute:
    """Return the route under the pipelines' address."""
    return route(methods, f"/pipelines/v1.0{WORKSPACE}{path}", answer)


def entity(**fields: object) -> Document:
    """Return what every stored entity has, with `fields`."""
    at = now()
    identity = {"Id": str(uuid.uuid4()), "EntityStatus": "0", "Etag": None}
    return {**identity, "CreatedDate": at, "LastModifiedDate": at, **fields}


def load(state: State, kind: str, name: str) -> Document:
    """Return the entity; raise `HttpError` 404 naming what there is none of."""
    return known(state, kind, name, f"There is no pipeline {_what(kind)} {name!r} here", "NotFound")


def store(state: State, kind: str, document: Document) -> Document:
    """Keep an entity under its id."""
    return state.put(kind, document["Id"], document)


def created(kind: str) -> Callable[[Call], Document]:
    """Return the answer that keeps what is sent as a new entity."""
    return lambda call: store(call.state, kind, {**call.json, **entity()})


def by_id(kind: str) -> Callable[[Call], Document]:
    """Return the answer that gives the entity whose id the path has."""
    return lambda call: load(call.state, kind, call.path["id"])


def merged(call: Call, kind: str, **fields: object) -> Document:
    """Return the entity whose id the path has, with what is sent over it."""
    before = load(call.state, kind, call.path["id"])
    return {**before, **call.json, "Id": before["Id"], "LastModifiedDate": now(), **fields}


def changed(kind: str) -> Callable[[Call], Document]:
    """Return the answer that keeps the entity with what is sent over it."""
    return lambda call: store(call.state, kind, merged(call, kind))


def deleted(kind: str) -> Callable[[Call], Document]:
    """Return the answer that forgets the entity."""

    def answer(call: Call) -> Document:
        call.state.delete(kind, load(call.state, kind, call.path["id"])["Id"])
        return nothing(call)

    return answer


def by_name(kind: str) -> Callable[[Call], Document]:
    """Return the answer that gives the newest entity with the name that the query asks for."""

    def answer(call: Call) -> Document:
        name = call.query.get("Name") or call.query.get("name") or ""
        matches = call.state.where(kind, Name=name)
        return matches[-1] if matches else load(call.state, kind, name)

    return answer


def refuse_twice(call: Call, kind: str) -> None:
    """Raise `HttpError` 409 where there is an entity with the name that the call's document gives."""
    name = call.json["Name"]
    if call.state.where(kind, Name=name):
        raise HttpError(f"there is a pipeline {_what(kind)} {name!r} already", "Conflict", 409)


def _what(kind: str) -> str:
    return kind.removeprefix("pipeline-").removesuffix("s").replace("-", " ")


def graph(state: State, nodes: Document, interface: Document | None) -> Document:
    """Keep a graph with its interface, so that runs and publications can refer to it."""
    document = entity(**{name: value for name, value in nodes.items() if value is not None and name != "Id"})
    document["Interface"] = interface or {}
    return store(state, GRAPHS, document)
