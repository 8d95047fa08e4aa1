"""The command ``features``: the catalogue of feature tables, one of them, or its rows made anew."""

import argparse
import json
from typing import Any

from operation.commands.options import add_choice, add_json
from operation.engine import configuration
from operation.engine.configuration import feature_tables
from operation.engine.evidence.reports.feature_catalogue import catalogue, write_catalogue_page
from operation.engine.foundation.errors import UsageError
from operation.engine.foundation.layout import Layout, project

ACTIONS = ("list", "show", "materialise")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``features``."""
    parser.description = (
        "List the feature tables that configuration/features/ defines, show one with its lineage, or make "
        "its rows, as the use case's step does. Each writes the page of the catalogue."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation features\n"
        "  python3 -m operation features show weather\n"
        "  python3 -m operation features materialise weather"
    )
    add = parser.add_argument
    add("action", nargs="?", choices=ACTIONS, default="list", help="what to do (default: list)")
    add("name", nargs="?", help="feature table: the name of its file in configuration/features/")
    add_choice(parser)
    add_json(parser, "the feature tables")


def run(args: argparse.Namespace) -> int:
    """List, show or make, and write the page."""
    layout = project()
    if (args.name is None) != (args.action == "list"):
        needs = "names no feature table: leave it out" if args.name else "needs the name of a feature table"
        raise UsageError(f"features {args.action} {needs}.")
    if args.name:
        feature_tables.definition_file(layout, args.name)
    if args.action == "materialise":
        _materialise(args, layout)
    tables = catalogue(layout, args.environment)
    page = layout.relative(write_catalogue_page(layout, tables))
    chosen = [table for table in tables if args.name in {None, table["name"]}]
    if args.json:
        print(json.dumps(chosen))
        return 0
    print("\n".join(line for table in chosen for line in (_shown(table) if args.name else _listed(table))))
    print(f"page: {page}")
    return 0


def _materialise(args: argparse.Namespace, layout: Layout) -> None:
    from operation.engine.steps.runners import child_process
    from operation.engine.steps.session import Session

    configured = configuration.load(args.environment, args.use_case, layout)
    step = feature_tables.required_maker(configured, layout, args.name)
    done = Session(configured, layout, child_process).step(step)
    print(f"{step} {done.how}: {layout.relative(done.entry.output('feature-tables'))}")


def _listed(table: dict[str, Any]) -> list[str]:
    readers = [f"{reader} of {use['use_case']}" for use in table["uses"] for reader in use["readers"]]
    head = f"{table['name']} version {table['version']}: {table['description']}"
    made = table["materialised"]
    rows = f"{made['rows']:,} rows" if made else "not materialised"
    used = ", ".join(dict.fromkeys(readers)) or "nothing"
    return [
        head,
        f"  by {', '.join(table['entity'])}, {len(table['columns'])} features, {rows}; read by {used}",
    ]


def _shown(table: dict[str, Any]) -> list[str]:
    names = ("owner", "event_time", "known_since", "valid_until", "freshness", "function", "file")
    facts = [f"  {name.replace('_', ' ')}: {table[name]}" for name in names if table[name]]
    columns = [f"    {name}: {meaning}" for name, meaning in table["columns"].items()]
    models = [f"    {one['model'][:12]} ({one['step']}, version {one['version']})" for one in table["models"]]
    return [
        *_listed(table),
        *facts,
        "  features:",
        *columns,
        "  models in the store:",
        *(models or ["    none"]),
    ]
