"""Whether an earlier execution of a step can stand for this one."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from operation.rehearsal import blobs
from operation.rehearsal.naming import storage_account
from operation.rehearsal.pipelines import found
from operation.rehearsal.snapshots import CONTAINER

if TYPE_CHECKING:
    from operation.rehearsal.pipeline_step import Step
    from operation.rehearsal.service import Service
    from operation.rehearsal.state import Document, State

REUSE = "pipeline-reuse"


def key(service: Service, state: State, step: Step) -> str:
    """Return the digest of all that decides about the outputs: snapshot, words, inputs, environment."""
    decides = {"snapshot": _snapshot(service, state, step.snapshot), **step.identity()}
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def earlier(state: State, wanted: str) -> Document | None:
    """Return what completed under the same key."""
    return state.get(REUSE, wanted)


def remember(state: State, wanted: str, pipeline: str, step: Step) -> None:
    """Keep a completed execution for later ones."""
    state.put(REUSE, wanted, {"PipelineRunId": pipeline, "NodeId": step.node, "RunId": step.run_id})


def _snapshot(service: Service, state: State, snapshot: str) -> str:
    """Return the digest of a snapshot's files: the same content is sent under many ids."""
    whole = hashlib.sha256()
    for path, blob in sorted(found(state, "snapshots", snapshot)["files"].items()):
        content = blobs.file(service, storage_account(state.name), CONTAINER, blob).read_bytes()
        whole.update(f"{path}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest()
