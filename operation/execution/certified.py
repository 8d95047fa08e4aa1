"""Azure ML as one more way that a certificate compares."""

from __future__ import annotations

from collections.abc import Sequence

from operation.engine.certificate.ways import Way
from operation.engine.configuration import Configuration
from operation.engine.configuration.compute_file import Compute
from operation.engine.layout import Layout
from operation.execution.opening import opened
from operation.execution.remote import Remote, RemoteSession, Submit


def _silent(line: str) -> None:
    del line


def azure_ml(compute: Compute, submit: Submit) -> Way:
    """Return the way that executes each step as a run on `compute`, afresh in a store of its own."""

    def way(layout: Layout, configured: Configuration, steps: Sequence[str]) -> None:
        workspace = opened(configured.environment)
        remote = Remote(layout, configured, workspace, compute, submit=submit, say=_silent, afresh=True)
        session = RemoteSession(configured, layout, remote, keep_all=True)
        for step in steps:
            session.step(step)

    return way
