"""``python3 -m operation export``: what other tools read, written from the same configuration."""

import argparse
import shlex
from pathlib import Path

from operation.commands.options import add_choice, add_compute
from operation.engine import configuration
from operation.engine.configuration.targets import chosen_compute
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout, project
from operation.execution.azure_cli import Export, write


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare ``azure-cli`` and ``shell``."""
    parser.description = "Write files for the Azure CLI from the same configuration."
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation export azure-cli --environment PROD\n"
        '  eval "$(python3 -m operation export shell --environment PROD)"'
    )
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True)
    jobs = kinds.add_parser(
        "azure-cli",
        help="steps and pipeline as job files (v2), for `az ml job create`",
        epilog="example: python3 -m operation export azure-cli --environment PROD --output azure",
    )
    add_choice(jobs)
    jobs.add_argument(
        "--output", type=Path, metavar="FOLDER", help="default: runs/azure-cli/<use case>-<environment>"
    )
    add_compute(jobs)
    shell = kinds.add_parser(
        "shell",
        help="the environment's variables as shell variables",
        epilog='example: eval "$(python3 -m operation export shell --environment PROD)"',
    )
    shell.add_argument("--environment", metavar="NAME", help="configuration-<NAME>.yml (default: DEV)")
    shell.add_argument("--powershell", action="store_true", help="for PowerShell instead of bash")


def run(args: argparse.Namespace) -> int:
    """Write the files, or print the variables."""
    layout = project()
    return _shell(args, layout) if args.kind == "shell" else _azure_cli(args, layout)


def _shell(args: argparse.Namespace, layout: Layout) -> int:
    variables = configuration.environment_variables(args.environment, layout)
    write = powershell if args.powershell else bash
    for name, variable in variables.items():
        print(write(name, variable.text))
    return 0


def bash(name: str, value: str) -> str:
    """Return the line that sets a variable in bash, and in every other POSIX shell."""
    return f"export {name}={shlex.quote(value)}"


def powershell(name: str, value: str) -> str:
    """Return the line that sets a variable in PowerShell, which reads typographic quotes as quotes too."""
    quoted = "".join(2 * character if character in "'‘’‚‛" else character for character in value)
    return f"$env:{name} = '{quoted}'"


def _azure_cli(args: argparse.Namespace, layout: Layout) -> int:
    configured = configuration.load(args.environment, args.use_case, layout)
    folder = args.output or layout.runs / "azure-cli" / f"{configured.use_case}-{configured.environment}"
    compute = chosen_compute(layout, configured, args.compute)
    if compute.settings.kind != "amlcompute":
        raise UsageError(
            f"compute '{compute.name}' is of kind {compute.settings.kind}, and job files (v2) need kind "
            "amlcompute. Name another with --compute."
        )
    for path in write(Export(configured, layout, folder, compute)):
        print(f"wrote  {layout.relative(path)}")
    print(_next(configured, layout.relative(folder), compute.name))
    return 0


def _next(configured: configuration.Configuration, folder: str, compute: str) -> str:
    group, workspace = (configured.variables[name] for name in ("RESOURCE_GROUP", "AMLWORKSPACE"))
    return (
        f"next   az configure --defaults group={group} workspace={workspace}\n"
        f"       az ml compute create --file {folder}/compute-{compute}.yml\n"
        f"       az ml environment create --file {folder}/environment.yml\n"
        f"       az ml job create --file {folder}/pipeline.yml --stream"
    )
