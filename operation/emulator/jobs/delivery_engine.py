"""The SDK's native engine at work for the service, as a program: it brings the files of a dataset."""

import argparse
import os
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> None:
    """Download the files of a dataset of the emulator."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workspace", help="resource id")
    parser.add_argument("dataset", help="id")
    parser.add_argument("target", help="folder")
    args = parser.parse_args(argv)
    # the engine would ask the newer SDK for a login first, which takes longer than everything else
    sys.modules["azure.ai.ml"] = None  # type: ignore[assignment]
    from azureml.core import Dataset, Workspace
    from azureml.core.authentication import ServicePrincipalAuthentication

    _, _, subscription, _, group, *_, name = args.workspace.split("/")
    parts = (os.environ[f"AZUREML_SERVICE_PRINCIPAL_{what}"] for what in ("TENANT_ID", "ID", "PASSWORD"))
    workspace = Workspace.get(name, ServicePrincipalAuthentication(*parts), subscription, group)
    Dataset.get_by_id(workspace, args.dataset).download(target_path=args.target, overwrite=True)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(
        0
    )  # the one way out (public in spite of its name) on which the engine sends no telemetry for 3 s
