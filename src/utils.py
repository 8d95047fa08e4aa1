"""What every Core Script shares: paths, errors, folders and metrics; light to import."""

from __future__ import annotations

import difflib
import errno
import json
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from azureml.core import Run, Workspace
    from azureml.core.authentication import AbstractAuthentication

Answer = TypeVar("Answer")
CONFIG = Path(__file__).resolve().parents[1] / "config.json"
PRINCIPAL = (
    "AZUREML_SERVICE_PRINCIPAL_TENANT_ID",
    "AZUREML_SERVICE_PRINCIPAL_ID",
    "AZUREML_SERVICE_PRINCIPAL_PASSWORD",
)


class StepError(Exception):
    """The step cannot do its work; ``str(error)`` says what, where and how to mend it."""

    exit_code = 1


class GateRejected(StepError):
    """The step worked and the gate said no."""

    exit_code = 3


def input_path(value: str) -> Path:
    """Mark an argument as an input: a file or folder that the script reads."""
    return Path(value)


def output_path(value: str) -> Path:
    """Mark an argument as an output: a folder that the script creates."""
    return Path(value)


def run_script(main: Callable[[], None]) -> None:
    """Run `main`; a StepError becomes one message on stderr and an exit code."""
    try:
        main()
    except StepError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the nearest name in `known`, else an empty string."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Write a folder whole or not at all.

    Parameters
    ----------
    path : Path
        The folder to create. One that exists is replaced, if it holds nothing but files that the
        new one has too.

    Yields
    ------
    Path
        The folder to write into; it takes the name `path` when the block ends well.

    Raises
    ------
    StepError
        When the disk is full, the place cannot be written, or `path` holds foreign files.
    """
    target = Path(path).absolute()
    partial = target.with_name(f"{target.name}.partial-{os.getpid()}")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        _replace(target, partial)
    except OSError as error:
        raise _write_error(target, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _replace(target: Path, partial: Path) -> None:
    """Give `partial` the name `target`, after making sure that nothing foreign is lost."""
    if target.is_dir():
        foreign = sorted(
            {entry.name for entry in target.iterdir()} - {entry.name for entry in partial.iterdir()}
        )
        if foreign:
            found = f"{target} holds {foreign[0]!r}, which this step does not write"
            raise StepError(f"{found}: name another folder, or remove it")
        shutil.rmtree(target)
    partial.replace(target)


def _write_error(target: Path, error: OSError) -> StepError:
    """Return what a person can do about an output that could not be written."""
    if error.errno == errno.ENOSPC:
        return StepError(f"no space left for {target}: free some, or name a folder on another disk")
    return StepError(f"cannot write {target}: {error.strerror or error}")


def write_json(value: object, file: Path) -> None:
    """Write `value` as JSON, keys sorted, one line a value, so that equal values give equal bytes."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8", newline="\n")


def read_json(file: Path) -> Any:
    """Read JSON, or say which file is missing or broken."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise StepError(f"cannot read {file}: {error.strerror}; run the step that writes it") from error
    except ValueError as error:
        raise StepError(f"{file} is not JSON: {error}; run the step that writes it again") from error


def log_metrics(folder: Path, metrics: Mapping[str, float]) -> None:
    """Add `metrics` to ``folder/metrics.json``, and to the Azure ML run when there is one.

    Raises
    ------
    StepError
        When a value is not a finite number: only finite numbers are metrics.
    """
    file = folder / "metrics.json"
    known: dict[str, float] = read_json(file) if file.exists() else {}
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise StepError(f"metric {name} is {value}: only finite numbers are metrics")
        known[name] = float(value)
    write_json(known, file)
    run = os.environ.get("AZUREML_RUN_ID")
    if run:
        _asked(lambda: [_run().log(name, float(value)) for name, value in metrics.items()], f"run {run}")


def shown(value: object) -> str:
    """Return a value as a message shows it: text in quotation marks, anything else bare."""
    return repr(value) if isinstance(value, str) else str(value)


def listing(values: Sequence[object], most: int = 5) -> str:
    """Return the first `most` values, separated by commas, and how many were left off."""
    shown = ", ".join(str(value) for value in values[:most])
    return f"{shown} and {len(values) - most} more" if len(values) > most else shown


class _Lacking(Exception):
    """A way to the workspace is not there; ``str(error)`` says what it lacks."""


def workspace(
    config: Path | None = None,
    name: str | None = None,
    group: str | None = None,
    subscription: str | None = None,
) -> Workspace:
    """Open the Azure ML workspace by the first of three ways that is there.

    1. ``config.json``: a developer's machine. The login is the service principal where its variables are
       set, else the machine's managed identity, else that of ``az login``, else, at a terminal only, the
       browser's: a process without a terminal never waits for a person.
    2. The run context: remote compute.
    3. A service principal in the variables AZUREML_SERVICE_PRINCIPAL_TENANT_ID, _ID and _PASSWORD: CI.

    A way that is there decides: when it fails, no other is tried, lest another workspace be opened.

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
        When no way is there, or the one that is there fails: what each of them lacked.
    """
    ways: dict[str, Callable[[], Workspace]] = {
        "config.json": lambda: _from_config(config or CONFIG),
        "run context": _from_run_context,
        "service principal": lambda: _from_principal(name, group, subscription),
    }
    lacks, failed = [], ""
    for number, (way, opened) in enumerate(ways.items(), start=1):
        try:
            if not failed:
                return opened()
            lack = f"not tried, because {failed} is there and comes first"
        except _Lacking as error:
            lack = str(error)
        except StepError as error:
            lack, failed = str(error), way
        lacks.append(f"  {number}. {way}: {lack}")
    raise StepError("cannot open the Azure ML workspace\n" + "\n".join(lacks))


def _from_config(config: Path) -> Workspace:
    if not config.is_file():
        raise _Lacking(f"there is no {config}; the workspace's page at ml.azure.com gives it")
    try:
        place = json.loads(config.read_text(encoding="utf-8"))
        name, group, subscription = (
            place[key] for key in ("workspace_name", "resource_group", "subscription_id")
        )
    except (ValueError, KeyError, TypeError) as error:
        raise StepError(f"{config} names no workspace; take the one of its page at ml.azure.com") from error
    return _opened(name, group, subscription, _login)


def _from_run_context() -> Workspace:
    run = os.environ.get("AZUREML_RUN_ID")
    if not run:
        raise _Lacking("this process is no Azure ML run, AZUREML_RUN_ID is not set")
    return _asked(lambda: _run().experiment.workspace, f"run {run}")


def _from_principal(name: str | None, group: str | None, subscription: str | None) -> Workspace:
    missing = [variable for variable in PRINCIPAL if not os.environ.get(variable)]
    missing += [what for what, value in (("workspace", name), ("resource group", group)) if not value]
    if missing:
        raise _Lacking(f"not set: {listing(missing)}")
    return _opened(name, group, subscription, _principal)


def _opened(
    name: str | None, group: str | None, subscription: str | None, login: Callable[[], AbstractAuthentication]
) -> Workspace:
    def ask() -> Workspace:
        from azureml.core import Workspace

        credential = login()
        return Workspace.get(name, credential, subscription or _only_subscription(credential), group)

    return _asked(ask, f"workspace {name} in resource group {group}")


def _only_subscription(login: AbstractAuthentication) -> str:
    """Return the subscription that `login` sees; asked for none, the SDK asks Azure for one called None."""
    # private: azure-mgmt-resource's public list does not know the login's own cloud, national or emulated
    seen, _ = login._get_all_subscription_ids()
    if len(seen) != 1:
        names = listing([f"{one.subscription_id} ({one.subscription_name})" for one in seen]) or "none"
        raise StepError(f"which subscription? Set SUBSCRIPTION_ID. The login sees: {names}")
    return str(seen[0].subscription_id)


def _asked(ask: Callable[[], Answer], what: str) -> Answer:
    """Return what `ask` gives, or say in one line, without the secret, why Azure gave nothing."""
    from azure.core.exceptions import AzureError
    from azureml.exceptions import AzureMLException

    try:
        return ask()
    except (AzureMLException, AzureError, OSError, ValueError) as error:
        said = " ".join(str(getattr(error, "message", None) or error).split())
        secret = os.environ.get(PRINCIPAL[-1])
        raise StepError(f"{what}: {said.replace(secret, '***') if secret else said}") from error


def _run() -> Run:
    from azureml.core import Run

    return Run.get_context(allow_offline=False)


def _principal() -> AbstractAuthentication:
    from azureml.core.authentication import ServicePrincipalAuthentication

    missing = [variable for variable in PRINCIPAL if not os.environ.get(variable)]
    if missing:
        raise StepError(f"a part of the service principal is not set: {listing(missing)}")
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
