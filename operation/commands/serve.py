"""The command ``serve``: a model behind HTTP on this machine, until it is interrupted."""

from __future__ import annotations

import argparse
import ipaddress
import os
import shutil
import socket
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operation.commands.options import add_choice, add_model
from operation.engine.delivery.serving.settings import (
    MOST_BYTES,
    PLAN,
    REQUEST,
    ServedModel,
    Settings,
    read_keys,
    state_folder,
)
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout, project
from operation.engine.steps.runners import run_script

if TYPE_CHECKING:
    from operation.engine.delivery.serving.lookup import ModelLookup
    from operation.engine.delivery.serving.models import Models


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``serve``."""
    parser.description = (
        "Serve a model: POST /score, GET /openapi.json, /metrics, /health/live and /health/ready. It listens "
        "on this computer only, unless --host says otherwise. Ctrl-C or SIGTERM ends it after the requests "
        "in progress; SIGHUP looks the model up again and switches to it without downtime."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation serve --model champion --key-file keys.txt\n"
        "  python3 -m operation serve --model runs/store/<key>/model --port 5002\n"
        "  python3 -m operation serve --azure-server"
    )
    add = parser.add_argument
    add_model(parser)
    add_choice(parser)
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=5001, help="port to listen on (default: %(default)s)")
    add("--key-file", type=Path, metavar="PATH", help="file with one API key per line")
    tables = "folder of feature tables: rows may leave out what they give"
    add("--feature-tables", type=Path, metavar="PATH", help=tables)
    add("--threshold", type=float, default=0.5, help="two classes: probability from which a row is positive")
    add("--log", type=Path, metavar="PATH", help="folder for the log of scored rows (default: runs/scored)")
    add("--no-log", action="store_true", help="keep no log of scored rows")
    columns: dict[str, Any] = {"nargs": "*", "action": "extend", "default": [], "metavar": "COLUMN"}
    add("--log-leave-out", **columns, help="columns to leave out of the log")
    add("--log-hash", **columns, help="columns to log as a hash only")
    add(
        "--log-full",
        choices=["refuse", "answer"],
        default="refuse",
        help="if the log cannot be written: refuse requests, or answer and count them (default: refuse)",
    )
    add("--challenger", metavar="ALIAS|PATH", help="a second model; `split` sets its share of the traffic")
    add(
        "--azure-server",
        action="store_true",
        help="use Azure ML's inference server: same script; no API keys, metrics or challenger",
    )
    add("--workers", type=int, default=1, help="number of processes (default: %(default)s)")
    add("--most-rows", type=int, default=10_000, help="limit of rows per request (default: %(default)s)")
    add(
        "--most-bytes", type=int, default=MOST_BYTES, help="limit of bytes per request (default: %(default)s)"
    )
    add("--seconds", type=float, default=30.0, help="time limit to send a request (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from operation.engine.delivery.serving.azure import serve_by_azure
    from operation.engine.delivery.serving.server import serve

    layout = project()
    settings = settings_of(args, layout)

    def ready(model: ServedModel) -> None:
        told = model if model.name else replace(model, folder=Path(args.model))
        print(f"serving {told} at {settings.address}/score", flush=True)

    check_free(args.host, args.port)
    forget(settings.state)
    if args.azure_server:
        model = lookup_of("--model", args.model, args, layout)()
        ready(model)
        return serve_by_azure(settings, model)
    try:
        serve(settings, models_of(args, layout, settings), ready)
    finally:
        forget(settings.state)
    return 0


def settings_of(args: argparse.Namespace, layout: Layout) -> Settings:
    """Return how the service runs.

    Raises
    ------
    UsageError
        When it would be open to others, or Azure's server does not have what is asked for.
    """
    lacking = [f"--{name.replace('_', '-')}" for name in ("key_file", "challenger") if getattr(args, name)]
    if args.azure_server and lacking:
        raise UsageError(f"--azure-server: Azure ML's server has no {' and no '.join(lacking)}: leave it out")
    keys = read_keys(args.key_file)
    check_address(args.host, args.port, keys)
    return Settings(
        source=layout.src,
        arguments=script_words(args, layout),
        host=args.host,
        port=args.port,
        keys=keys,
        state=state_folder(layout.runs, args.port),
        workers=args.workers,
        most_bytes=args.most_bytes,
        seconds=args.seconds,
    )


def forget(state: Path) -> None:
    """Remove what says who answers: it says nothing of another service on the same port."""
    for name in (PLAN, REQUEST):
        (state / name).unlink(missing_ok=True)
    shutil.rmtree(state / "models", ignore_errors=True)


def script_words(args: argparse.Namespace, layout: Layout) -> tuple[str, ...]:
    """Return what the scoring script is given beside the model."""
    words = ["--threshold", str(args.threshold), "--most-rows", str(args.most_rows)]
    if args.feature_tables:
        words += ["--feature-tables", str(args.feature_tables.resolve())]
    if not args.no_log:
        words += ["--log", str((args.log or layout.runs / "scored").resolve()), "--log-full", args.log_full]
        for option, columns in (("--log-leave-out", args.log_leave_out), ("--log-hash", args.log_hash)):
            words += [option, *columns] if columns else []
    return tuple(words)


def lookup_of(option: str, named: str, args: argparse.Namespace, layout: Layout) -> ModelLookup:
    """Return what finds the model that an option names."""
    from operation.engine.delivery.serving.lookup import ModelLookup

    return ModelLookup(layout, model_words(option, named, args, layout), state_folder(layout.runs, args.port))


def models_of(args: argparse.Namespace, layout: Layout, settings: Settings) -> Models:
    """Return the models that the service looks up, now and again."""
    from operation.engine.delivery.serving.lookup import RequestedChallenger, request_challenger
    from operation.engine.delivery.serving.models import Models

    champion, file = lookup_of("--model", args.model, args, layout), settings.state / REQUEST
    request_challenger(
        file, model_words("--challenger", args.challenger, args, layout) if args.challenger else []
    )
    plan = str((settings.state / PLAN).resolve())

    def begin_without_traffic(challenger: ServedModel) -> None:
        # who answered before says nothing of another challenger, which gets other keys too
        words = ["--file", plan, "--share", "0", "--salt", challenger.digest[:12]]
        run_script(layout.src / "scoring" / "split_plan.py", words)

    return Models(
        settings, champion, RequestedChallenger(layout, file, settings.state), begin_without_traffic
    )


def model_words(option: str, named: str, args: argparse.Namespace, layout: Layout) -> list[str]:
    """Return the words that name a model to the scoring script.

    Raises
    ------
    UsageError
        `named` is neither a folder nor an alias.
    """
    from operation.engine.delivery.serving.lookup import registry_arguments

    if Path(named).exists():
        return ["--model", str(Path(named).resolve())]
    if "/" in named or "\\" in named:
        raise UsageError(f"{option}: there is no folder {named}; name one, or an alias such as champion")
    return [*registry_arguments(layout, args.environment, args.use_case), "--alias", named]


def check_address(host: str, port: int, keys: tuple[str, ...]) -> None:
    """Raise a UsageError for an address that would open the service to others without a key."""
    if not 0 < port < 65_536:
        raise UsageError(f"--port: {port} is no port: give 1 to 65535")
    if not keys and not _is_loopback(host):
        raise UsageError(f"--host: {host} can be reached by others: give --key-file, or listen on 127.0.0.1")


def check_free(host: str, port: int) -> None:
    """Raise a UsageError where something listens already: a second service would end the first's split."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        if os.name != "nt":  # there the option would let two listen on one port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(
                f"--port: cannot listen on {host}:{port}: {error.strerror}; name another"
            ) from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
