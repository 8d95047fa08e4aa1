"""Credentials: the Azure ML workspace, opened by the first of three ways that is available."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from support import azure
from support.azure import PRINCIPAL
from support.step import StepError, listing

if TYPE_CHECKING:
    from azureml.core import Workspace
    from azureml.core.authentication import AbstractAuthentication

CONFIG = Path(__file__).resolve().parents[1] / "config.json"


class _Lacking(Exception):
    """A way to the workspace is not available; ``str(error)`` says what it lacks."""


def workspace(
    config: Path | None = None,
    name: str | None = None,
    group: str | None = None,
    subscription: str | None = None,
) -> Workspace:
    """Open the Azure ML workspace by the first of three ways that is available.

    1. ``config.json``: a developer's machine. The login is the service principal where its variables are
       set, else the machine's managed identity, else that of ``az login``, else, at a terminal only, the
       browser's: a process without a terminal never waits for a person.
    2. The run context: remote compute.
    3. CI: a service principal in the variables AZUREML_SERVICE_PRINCIPAL_TENANT_ID, _ID and _PASSWORD; or,
       where AZUREML_LOGIN is ``az``, what the pipeline has logged in to the Azure CLI, without a secret.

    When an available way fails, no other is tried: it might open another workspace.

    Parameters
    ----------
    config : Path, optional
        By default ``config.json`` beside ``src``.
    name, group, subscription : str, optional
        The workspace, its resource group and its subscription, for the third way; without a
        subscription, the only one that the service principal sees.

    Raises
    ------
    StepError
        When no way is available, or the first available one fails: what each of them lacked.
    """
    ways: dict[str, Callable[[], Workspace]] = {
        "config.json": lambda: _from_config(config or CONFIG),
        "run context": _from_run_context,
        "service principal": lambda: _from_principal(name, group, subscription),
    }
    lacks, failed = [], ""
    for number, (way, connect) in enumerate(ways.items(), start=1):
        try:
            if not failed:
                return connect()
            lack = f"not tried, because {failed} is available and comes first"
        except _Lacking as error:
            lack = str(error)
        except StepError as error:
            lack, failed = str(error), way
        lacks.append(f"  {number}. {way}: {lack}")
    raise StepError("cannot open the Azure ML workspace\n" + "\n".join(lacks))


def _from_config(config: Path) -> Workspace:
    if not config.is_file():
        raise _Lacking(f"there is no {config}; download it from the workspace's page at ml.azure.com")
    try:
        content = json.loads(config.read_text(encoding="utf-8"))
        keys = ("workspace_name", "resource_group", "subscription_id")
        name, group, subscription = (content[key] for key in keys)
    except (ValueError, KeyError, TypeError) as error:
        raise StepError(
            f"{config} names no workspace; download it from the workspace's page at ml.azure.com"
        ) from error
    return _opened(name, group, subscription, _login)


def _from_run_context() -> Workspace:
    run = os.environ.get("AZUREML_RUN_ID")
    if not run:
        raise _Lacking("not an Azure ML run: AZUREML_RUN_ID is not set")
    return azure.ask(lambda: azure.run().experiment.workspace, f"run {run}")


def _from_principal(name: str | None, group: str | None, subscription: str | None) -> Workspace:
    without_secret = os.environ.get("AZUREML_LOGIN") == "az" and shutil.which("az")
    needed = () if without_secret else PRINCIPAL
    missing = [variable for variable in needed if not os.environ.get(variable)]
    missing += [what for what, value in (("workspace", name), ("resource group", group)) if not value]
    if missing:
        raise _Lacking(f"not set: {listing(missing)}")
    return _opened(name, group, subscription, _login if without_secret else _principal)


def _opened(
    name: str | None, group: str | None, subscription: str | None, login: Callable[[], AbstractAuthentication]
) -> Workspace:
    def ask() -> Workspace:
        from azureml.core import Workspace

        credential = login()
        return Workspace.get(name, credential, subscription or _only_subscription(credential), group)

    return azure.ask(ask, f"workspace {name} in resource group {group}")


def _only_subscription(login: AbstractAuthentication) -> str:
    """Return the only subscription of `login`; without one, the SDK asks Azure for one called None."""
    # private: azure-mgmt-resource's public list does not know the login's own cloud, national or emulated
    visible, _ = login._get_all_subscription_ids()
    if len(visible) != 1:
        names = [
            f"{subscription.subscription_id} ({subscription.subscription_name})" for subscription in visible
        ]
        raise StepError(
            f"set SUBSCRIPTION_ID: the login sees {len(visible)} subscriptions: {listing(names) or 'none'}"
        )
    return str(visible[0].subscription_id)


def _principal() -> AbstractAuthentication:
    from azureml.core.authentication import ServicePrincipalAuthentication

    missing = [variable for variable in PRINCIPAL if not os.environ.get(variable)]
    if missing:
        raise StepError(f"the service principal is incomplete, not set: {listing(missing)}")
    return ServicePrincipalAuthentication(*(os.environ[variable] for variable in PRINCIPAL))


def _login() -> AbstractAuthentication:
    """Return the login that goes with ``config.json``; a person is asked at a terminal only."""
    from azure.identity import AzureCliCredential
    from azureml.core import authentication

    if any(os.environ.get(variable) for variable in PRINCIPAL):
        return _principal()
    if os.environ.get("MSI_ENDPOINT"):
        return authentication.MsiAuthentication()
    if shutil.which("az"):  # azureml-core's own class would want the CLI installed in this environment
        return authentication.TokenAuthentication(lambda scope: AzureCliCredential().get_token(scope).token)
    if sys.stdin and sys.stdin.isatty():
        return authentication.InteractiveLoginAuthentication()
    raise StepError(f"no login: set {listing(PRINCIPAL)}, or `az login`, or call this at a terminal")
