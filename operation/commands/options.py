"""Options that several commands have, and what they stand for."""

import argparse
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from operation.engine.evidence.ci import AUTO, CHOICES
from operation.engine.foundation.children import environ
from operation.engine.foundation.layout import Layout
from operation.engine.notebooks.limits import Limits

CI = (
    "end with 0 also when the gate rejects the model, and tell CI: output variable decision, warning, "
    "summary (default: auto, which recognises Azure Pipelines and GitHub Actions)"
)
ANY_SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"  # the emulator has every subscription


def add_choice(parser: argparse.ArgumentParser) -> None:
    """Declare ``--environment`` and ``--use-case``."""
    parser.add_argument(
        "--environment",
        metavar="NAME",
        help="DEV, TEST, PROD or another: configuration-<NAME>.yml (default: DEV)",
    )
    parser.add_argument(
        "--use-case", metavar="NAME", help="configuration-<NAME>.yml (default: the environment's)"
    )


def add_compute(parser: argparse.ArgumentParser) -> None:
    """Declare ``--compute``."""
    parser.add_argument(
        "--compute",
        metavar="NAME",
        help="configuration/compute/<NAME>.yml (default: the environment's COMPUTE)",
    )


def add_json(parser: argparse.ArgumentParser, content: str = "the result") -> None:
    """Declare ``--json``."""
    parser.add_argument("--json", action="store_true", help=f"print {content} as JSON, for programs")


def add_parameters(parser: argparse.ArgumentParser, meaning: str) -> None:
    """Declare ``-p``."""
    parser.add_argument(
        "-p",
        dest="assignments",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"{meaning}, or step.argument=value; may be repeated",
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    """Declare ``--model``."""
    model = "alias in the use case's registry, or folder of a model (default: champion)"
    parser.add_argument("--model", default="champion", metavar="ALIAS|PATH", help=model)


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Declare ``--cell-seconds``, ``--seconds`` and ``--megabytes``."""
    limits = {
        "--cell-seconds": "time limit per cell, in seconds",
        "--seconds": "time limit per notebook, in seconds",
        "--megabytes": "memory limit per notebook, in MB",
    }
    for option, meaning in limits.items():
        parser.add_argument(option, type=more_than_zero, metavar="N", help=meaning)


def add_include_secrets(parser: argparse.ArgumentParser) -> None:
    """Declare ``--include-secrets``."""
    parser.add_argument(
        "--include-secrets",
        action="store_true",
        help="leave a capsule even if a secret is too short or too common to be masked in it",
    )


def add_ci(parser: argparse.ArgumentParser) -> None:
    """Declare ``--ci``."""
    parser.add_argument("--ci", choices=CHOICES, default=AUTO, help=CI)


def chosen_limits(args: argparse.Namespace) -> Limits:
    """Return the limits that were chosen."""
    memory = int(args.megabytes * 1_000_000) if args.megabytes else None
    return Limits(args.cell_seconds, args.seconds, memory)


def add_emulator(parser: argparse.ArgumentParser) -> None:
    """Declare ``--emulator``."""
    parser.add_argument(
        "--emulator",
        action="store_true",
        help="use the Azure ML emulator on this machine: no subscription needed",
    )


@contextmanager
def emulated(layout: Layout, requested: bool) -> Iterator[None]:
    """Let the SDK find the emulator while the block lasts; it must not have been imported before."""
    if not requested:
        yield
        return
    from operation.emulator.server import page, started

    folder = layout.runs / "emulator"
    print("Starting the Azure ML emulator on this machine.", file=sys.stderr, flush=True)
    with started(folder) as variables:
        key = folder / "placeholder-key"
        key.write_text("the emulator logs in nowhere", encoding="utf-8")
        with environ({**variables, "SUBSCRIPTION_ID": ANY_SUBSCRIPTION, "WORKBENCH_SSH_KEY": str(key)}):
            print(f"Runs and logs: {page(variables)}", file=sys.stderr, flush=True)
            yield


@contextmanager
def quiet(requested: bool) -> Iterator[None]:
    """Send to standard error what libraries and children print too: a program asked for JSON alone."""
    if not requested:
        yield
        return
    sys.stdout.flush()
    stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(stdout, 1)
        os.close(stdout)


def more_than_zero(text: str) -> float:
    """Read a number above 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text}")
    return value


def whole_digest(text: str) -> str:
    """Read a SHA-256 that is given whole."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError(f"expected a whole SHA-256, 64 hexadecimal digits, got {text!r}")
    return text.lower()


def one_or_more(text: str) -> int:
    """Read a whole number above 0."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got {text}")
    return value
