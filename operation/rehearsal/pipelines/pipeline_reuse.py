"""Whether an earlier execution of a step can stand for this one."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from operation.rehearsal.assets import datastores
from operation.rehearsal.history import blobs
from operation.rehearsal.history.naming import storage_account
from operation.rehearsal.jobs.snapshots import CONTAINER
from operation.rehearsal.pipelines.pipelines import found

if TYPE_CHECKING:
    from operation.rehearsal.pipelines.pipeline_step import Step
    from operation.rehearsal.service import Service
    from operation.rehearsal.state import Document, State

REUSE = "pipeline-reuse"


def key(service: Service, state: State, step: Step) -> str:
    """Return the digest of all that decides about the outputs: snapshot, words, inputs, environment."""
    decides = {"snapshot": _snapshot(service, state, step.snapshot), **step.identity()}
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def earlier(service: Service, state: State, step: Step) -> Document | None:
    """Return what completed under the step's key, where its outputs are still there."""
    known = state.get(REUSE, key(service, state, step))
    if known and all(_there(service, state, place) for place in known["Outputs"]):
        return known
    return None


def remember(service: Service, state: State, step: Step, pipeline: str) -> None:
    """Keep a completed execution for later ones."""
    places = [[place.datastore, place.path] for place in step.outputs.values()]
    made = {"PipelineRunId": pipeline, "NodeId": step.node, "RunId": step.run_id, "Outputs": places}
    state.put(REUSE, key(service, state, step), made)


def _there(service: Service, state: State, place: list[str]) -> bool:
    folder = datastores.folder(service, state, place[0])
    return folder is not None and (folder / place[1]).exists()


def _snapshot(service: Service, state: State, snapshot: str) -> str:
    """Return the digest of a snapshot's files: the same content is sent under many ids."""
    whole = hashlib.sha256()
    for path, blob in sorted(found(state, "snapshots", snapshot)["files"].items()):
        content = blobs.file(service, storage_account(state.name), CONTAINER, blob).read_bytes()
        whole.update(f"{path}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest()
