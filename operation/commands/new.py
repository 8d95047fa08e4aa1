"""``python3 -m operation new``: an environment or a use case, ready to run and to edit."""

from __future__ import annotations

import argparse
from pathlib import Path

from operation.engine import configuration
from operation.engine.foundation.layout import Layout, project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Write the commented configuration of an environment, or of a use case from your data: "
        "ready to run and to edit."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation new environment UAT\n"
        "  python3 -m operation new use-case prices --data data/prices.csv --target price"
    )
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True)
    environment = kinds.add_parser(
        "environment",
        help="copy an environment to configuration/configuration-<NAME>.yml",
        epilog="example: python3 -m operation new environment UAT --from DEV",
    )
    environment.add_argument("name", metavar="NAME", help="upper case, such as UAT")
    environment.add_argument(
        "--from", dest="source", default="DEV", help="environment to copy (default: DEV)"
    )
    use_case = kinds.add_parser(
        "use-case",
        help="write a use case and its schema, inferred from a table",
        epilog="example: python3 -m operation new use-case prices --data data/prices.csv --target price",
    )
    use_case.add_argument("name", metavar="NAME", help="lower case, such as house-prices")
    use_case.add_argument("--data", type=Path, required=True, help="CSV or Parquet file, or a folder of them")
    use_case.add_argument("--target", required=True, metavar="COLUMN", help="column to predict")
    use_case.add_argument(
        "--time-column", metavar="COLUMN", help="column with a row's time (default: inferred)"
    )
    form = (
        "how that is written: epoch-seconds, epoch-milliseconds, year, quarter or codes such as %%d.%%m.%%Y"
    )
    use_case.add_argument("--time-format", metavar="FORM", help=f"{form} (default: inferred)")
    group = "column whose equal values belong together, such as a person or a shop (default: inferred)"
    use_case.add_argument("--group-column", metavar="COLUMN", help=group)
    use_case.add_argument("--task", choices=["classification", "regression"], help="default: inferred")
    use_case.add_argument(
        "--split", choices=["time", "group", "stratified", "random"], help="default: inferred"
    )


def run(args: argparse.Namespace) -> int:
    """Write the files, print what was inferred and what to type next."""
    layout = project()
    return _environment(args, layout) if args.kind == "environment" else _use_case(args, layout)


def _environment(args: argparse.Namespace, layout: Layout) -> int:
    from operation.commands.pipelines import write_pipelines
    from operation.engine.configuration.new_environment import write_environment
    from operation.engine.pipelines.source import source_file

    path, changed = write_environment(args.name, args.source, layout)
    print(f"wrote        {layout.relative(path)}, a copy of {args.source} except for:")
    for variable, value in changed.items():
        print(f"             {variable}: {value}")
    for pipeline in write_pipelines(layout) if source_file(layout).is_file() else []:
        print(f"wrote        {layout.relative(pipeline)}")
    print("edit         the names in Azure, and the amount of data")
    print(f"next         python3 -m operation run --environment {args.name}")
    return 0


def _use_case(args: argparse.Namespace, layout: Layout) -> int:
    from operation.engine.delivery.scaffolding.guess_lines import guess_lines, options
    from operation.engine.delivery.scaffolding.reading import Request
    from operation.engine.delivery.scaffolding.use_case import write_use_case

    request = Request(
        args.name,
        args.data,
        args.target,
        args.time_column,
        args.task,
        args.split,
        args.group_column,
        args.time_format,
    )
    guess, files = write_use_case(request, layout)
    for line in guess_lines(guess):
        print(line)
    for path in files:
        print(f"wrote        {layout.relative(path)}")
    print(f"edit         them, or delete them and rerun with {options(guess)}")
    configuration.load(use_case=args.name, layout=layout)
    print(f"next         python3 -m operation run --use-case {args.name}")
    return 0
