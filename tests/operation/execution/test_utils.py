"""Every way to a workspace, and every failure of each, through the real SDK."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

import utils
from operation.execution.utils import workspace
from support import azure, step

ROOT = Path(__file__).resolve().parents[3]
FROM_PAGE = "download it from the workspace's page at ml.azure.com"
NO_FILE = "there is no {folder}/nowhere.json; " + FROM_PAGE
NO_RUN = "not an Azure ML run: AZUREML_RUN_ID is not set"
NO_PRINCIPAL = (
    "not set: AZUREML_SERVICE_PRINCIPAL_TENANT_ID, AZUREML_SERVICE_PRINCIPAL_ID, "
    "AZUREML_SERVICE_PRINCIPAL_PASSWORD"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("credentials")


@pytest.fixture(scope="module")
def outcomes(run_with_emulator: Callable[..., str], folder: Path) -> dict[str, str]:
    """Return what became of each attempt in tests/operation/execution/credentials.py."""
    script, paths = Path(__file__).with_name("credentials.py"), [str(ROOT), str(ROOT / "src")]
    code = f"""import runpy, sys
sys.path[:0], sys.argv = {paths!r}, ['', {str(folder)!r}]
runpy.run_path({str(script)!r}, run_name='__main__')"""
    found: dict[str, str] = json.loads(run_with_emulator(code).splitlines()[-1])
    return found


def told(config: str, run: str = "", principal: str = "", error: str = "StepError") -> str:
    """Return the whole error; a way without words was not tried, because the one before it was there."""
    tried = "config.json" if not run else "run context"
    skipped = f"not tried, because {tried} is available and comes first"
    return (
        f"{error}: cannot open the Azure ML workspace\n  1. config.json: {config}\n"
        f"  2. run context: {run or skipped}\n  3. service principal: {principal or skipped}"
    )


OPENED = {
    "config.json with a service principal": "amltest in rg-test by ServicePrincipalAuthentication",
    "config.json with a managed identity": "amltest in rg-test by MsiAuthentication",
    "config.json with the Azure CLI": "amltest in rg-test by TokenAuthentication",
    "service principal": "amldev in rg-dev by ServicePrincipalAuthentication",
    "service principal with its subscription": "amldev in rg-dev by ServicePrincipalAuthentication",
    "ops: config.json": "amltest in rg-test by ServicePrincipalAuthentication",
    "ops: service principal": "amlworkbenchprod in rg-workbenchprod by ServicePrincipalAuthentication",
    "run context": "Completed: amltest in rg-test by AzureMLTokenAuthentication "
    "{'rows': 3.0, 'roc_auc': 0.75}",
}
# a config.json that is there decides
OF_CONFIG = {
    "with the Azure CLI logged out": "workspace amltest in resource group rg-test: Please run 'az login' "
    "to set up an account",
    "without a login": f"no login: set {NO_PRINCIPAL.removeprefix('not set: ')}, or `az login`, "
    "or call this at a terminal",
    "with half a service principal": "the service principal is incomplete, not set: "
    "AZUREML_SERVICE_PRINCIPAL_TENANT_ID",
    "of a missing workspace": "workspace missing in resource group rg-test: Workspace not found.",
    "that is broken": "{folder}/broken.json names no workspace; " + FROM_PAGE,
    "that names nothing": "{folder}/list.json names no workspace; " + FROM_PAGE,
}
OF_PRINCIPAL = {
    "without its secret": "not set: AZUREML_SERVICE_PRINCIPAL_PASSWORD",
    "without a name": "not set: workspace, resource group",
    "of a missing workspace": "workspace missing in resource group rg-dev: Workspace not found.",
    "with a wrong secret": "workspace amldev in resource group rg-dev: AADSTS7000215: Invalid client secret "
    "provided. The emulator's is in the variables that lead the SDK to it.",
    "with a foreign subscription": "workspace amldev in resource group rg-dev: You are currently logged-in "
    "to 22222222-2222-2222-2222-222222222222 tenant. You don't have access to another subscription, please "
    "check if it is in this tenant. All the subscriptions that you have access to in this tenant are = "
    "[SubscriptionInfo(subscription_name='Emulator', "
    "subscription_id='11111111-1111-1111-1111-111111111111')]. "
    "Please refer to aka.ms/aml-notebook-auth for different authentication mechanisms in azureml-sdk.",
}
LOST = (
    "run lost: Could not load a submitted run, if outside of an execution context, use "
    "experiment.start_logging to initialize an azureml.core.Run."
)
UNKNOWN = (
    "UsageError: unknown environment 'PRD': there is no configuration/configuration-PRD.yml. "
    "Did you mean 'PROD'? Known: DEV, PROD and TEST."
)


def expected(folder: Path) -> dict[str, str]:
    """Return what each attempt must give, word for word."""
    no_file = NO_FILE.format(folder=folder)
    found = {f"config.json {name}": told(text.format(folder=folder)) for name, text in OF_CONFIG.items()}
    found |= {f"service principal {name}": told(no_file, NO_RUN, text) for name, text in OF_PRINCIPAL.items()}
    found["nothing"] = told(no_file, NO_RUN, f"{NO_PRINCIPAL}, workspace, resource group")
    found["ops: nothing"] = told(no_file, NO_RUN, NO_PRINCIPAL, "CredentialsError")
    found["a run that is none"] = told(no_file, LOST)
    found["ops: unknown environment"] = UNKNOWN
    return {**OPENED, **found}


def test_every_way_and_every_failure(
    outcomes: dict[str, str], folder: Path, subtests: pytest.Subtests
) -> None:
    # one test, so that what it looks at is made once, by one worker
    assert set(outcomes) == set(expected(folder))
    for attempt, said in expected(folder).items():
        with subtests.test(attempt):
            assert outcomes[attempt] == said


def test_a_secret_that_azure_repeats_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(azure.PRINCIPAL[-1], "Tr0ub4dor")

    def refuse() -> None:
        raise OSError("401 for client_secret=Tr0ub4dor")

    with pytest.raises(step.StepError, match=r"^login: 401 for client_secret=\*\*\*$"):
        azure.ask(refuse, "login")


@pytest.mark.parametrize(("seen", "names"), [([], "none"), (["a", "b"], "a (A), b (B)")], ids=["none", "two"])
def test_a_subscription_is_not_guessed(seen: list[str], names: str) -> None:
    infos = [SimpleNamespace(subscription_id=one, subscription_name=one.upper()) for one in seen]
    login = SimpleNamespace(_get_all_subscription_ids=lambda: (infos, "tenant"))
    with pytest.raises(step.StepError) as caught:
        utils._only_subscription(login)
    expected = f"set SUBSCRIPTION_ID: the login sees {len(seen)} subscriptions: {names}"
    assert str(caught.value) == expected


def test_a_person_is_asked_at_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from azureml.core import authentication

    monkeypatch.setattr(authentication, "InteractiveLoginAuthentication", lambda: "the browser")
    monkeypatch.setattr("shutil.which", lambda _: None)
    for name in (*azure.PRINCIPAL, "MSI_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for terminal in (True, False):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda answer=terminal: answer))
        if terminal:
            assert utils._login() == "the browser"
        else:
            with pytest.raises(step.StepError, match=r"or call this at a terminal$"):
                utils._login()


def test_opening_a_workspace_imports_no_sdk_before_there_is_a_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZUREML_RUN_ID", raising=False)
    for name in azure.PRINCIPAL:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(__import__("sys").modules, "azureml", None)
    with pytest.raises(Exception, match="cannot open the Azure ML workspace"):
        workspace(ROOT / "nowhere.json")
