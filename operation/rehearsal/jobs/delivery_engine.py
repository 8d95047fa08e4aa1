"""The SDK's native engine at work for the service, as a program: it brings data and registers tables."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from azureml.core import Workspace


def main(argv: Sequence[str] | None = None) -> None:
    """Do one thing with the data of a workspace of the rehearsal."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workspace", help="resource id")
    commands = parser.add_subparsers(dest="command", required=True)
    fetching = commands.add_parser("fetch")
    fetching.add_argument("identity")
    fetching.add_argument("target", type=Path)
    commands.add_parser("register").add_argument("given", type=json.loads)
    args = parser.parse_args(argv)
    # the engine would ask the newer SDK for a login first, which takes longer than everything else
    sys.modules["azure.ai.ml"] = None  # type: ignore[assignment]
    workspace = _workspace(args.workspace)
    if args.command == "fetch":
        fetch(workspace, args.identity, args.target)
    else:
        register(workspace, args.given)


def fetch(workspace: Workspace, identity: str, target: Path) -> None:
    """Download the files of a dataset into `target`."""
    from azureml.core import Dataset

    Dataset.get_by_id(workspace, identity).download(target_path=str(target), overwrite=True)


def register(workspace: Workspace, given: dict[str, Any]) -> None:
    """Register what a job wrote after the steps that its output was given, as the SDK does in Azure.

    Parameters
    ----------
    workspace : Workspace
        Where.
    given : dict
        ``name``, ``description``, ``tags``, ``store``, ``path``, and ``steps`` as JSON.
    """
    from azureml.core import Dataset, Datastore
    from azureml.data import FileDataset, TabularDataset
    from azureml.data._dataprep_helper import _convert_dataflow_stub_to_engineless, dataprep_stub

    store = Datastore.get(workspace, given["store"])
    files = Dataset.File.from_files((store, given["path"]), validate=False)
    steps = dataprep_stub().DataflowStub.from_json(given["steps"])
    flow = files._dataflow + _convert_dataflow_stub_to_engineless(steps)
    kind = TabularDataset if dataprep_stub().is_tabular(steps) else FileDataset
    made = kind._create(flow)
    made.register(
        workspace, given["name"], given.get("description"), given.get("tags"), create_new_version=True
    )


def _workspace(identity: str) -> Workspace:
    from azureml.core import Workspace
    from azureml.core.authentication import ServicePrincipalAuthentication

    _, _, subscription, _, group, *_, name = identity.split("/")
    parts = (os.environ[f"AZUREML_SERVICE_PRINCIPAL_{what}"] for what in ("TENANT_ID", "ID", "PASSWORD"))
    return Workspace.get(name, ServicePrincipalAuthentication(*parts), subscription, group)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # an engine that ends in order waits three seconds for telemetry
