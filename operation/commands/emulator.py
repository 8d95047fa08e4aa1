"""The command ``emulator``: Azure ML on this machine, until it is interrupted."""

import argparse
import os
from contextlib import suppress
from pathlib import Path

from operation.engine.foundation.layout import project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.description = (
        "Start an Azure ML emulator on this machine: the SDK connects to it, and it executes what is "
        "submitted. No subscription is needed. Ctrl-C stops it and its jobs; the next start finds its state."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation emulator\n"
        "  python3 -m operation emulator --folder /tmp/emulator\n"
        "  python3 -m operation submit pipeline --emulator     starts and stops one by itself"
    )
    parser.add_argument("--folder", type=Path, help="folder for its state (default: runs/emulator)")
    parser.add_argument(
        "--token-seconds",
        type=int,
        default=86_400,
        metavar="SECONDS",
        help="lifetime of its tokens, to try an expired one (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    from operation.emulator.server import serve

    folder = args.folder or project().runs / "emulator"
    with suppress(KeyboardInterrupt):
        serve(folder, lambda variables: print(announcement(variables), flush=True), args.token_seconds)
    print("Emulator stopped. Its state is in", folder)
    return 0


def announcement(variables: dict[str, str], windows: bool = os.name == "nt") -> str:
    """Return what a person reads when the service is up."""
    from operation.emulator.server import page

    bash = [f"export {name}='{value}'" for name, value in variables.items()]
    power = [f"$env:{name} = '{value}'" for name, value in variables.items()]
    forms = [("bash and zsh", bash), ("PowerShell", power)]
    shown = [
        f"In another terminal, for {shell}:\n\n" + "\n".join(f"  {line}" for line in lines)
        for shell, lines in (reversed(forms) if windows else forms)
    ]
    head = f"Azure ML emulator running. Dashboard: {page(variables)} (self-signed certificate)"
    return "\n\n".join(
        [head, *shown, "Any workspace, resource group and subscription exist. Ctrl-C stops it."]
    )
