"""The command ``ledger``: what served when, and why; whether what was written stands."""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from operation.commands.options import add_json
from operation.engine import configuration
from operation.engine.evidence.ledger import ledger_file, step_errors, support
from operation.engine.evidence.reports.ledger_page import write_ledger_page
from operation.engine.evidence.reports.wording import moment
from operation.engine.foundation.errors import StepFailed
from operation.engine.foundation.layout import Layout, project
from operation.execution.registries import RegistryView, views

DAY = re.compile(r"\d{4}-\d\d-\d\d")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``ledger``."""
    parser.description = (
        "Say which model serves in each environment, since when and why, and write the page of all "
        "decisions. A line of the ledger that was changed, removed or moved is found by --verify."
    )
    parser.epilog = (
        "examples:\n"
        "  python3 -m operation ledger\n"
        "  python3 -m operation ledger --at 2026-01-31 --environment PROD\n"
        "  python3 -m operation ledger --verify"
    )
    add = parser.add_argument
    at = "what served then: a day (its end, UTC), or a time with its zone such as 2026-01-31T12:00+01:00"
    add("--at", metavar="TIME", help=at)
    add("--environment", metavar="NAME", help="only this environment, such as PROD")
    add("--use-case", metavar="NAME", help="configuration-<NAME>.yml (default: the environment's)")
    add("--verify", action="store_true", help="check every line, and that registries and ledger agree")
    add_json(parser, "the entries")


def run(args: argparse.Namespace) -> int:
    """Print what serves or served, or verify."""
    layout = project()
    configured = configuration.load(args.environment, args.use_case, layout)
    file = ledger_file(layout, configured)
    if args.verify:
        return _verify(layout, file, configured.use_case)
    ledger = support(layout.src).ledger
    with step_errors():
        entries = ledger.read(file)
        served = ledger.serving(entries, _time(args.at))
        chosen = [entry for (place, _), entry in sorted(served.items()) if args.environment in (None, place)]
        if args.json:
            print(json.dumps(chosen, indent=1, ensure_ascii=False))
            return 0
        print("\n".join(map(_line, chosen)) or f"{layout.relative(file)}: nothing served.")
        if not args.at:
            _report(layout, entries, served, configured.use_case)
    return 0


def _time(text: str | None) -> str | None:
    """Return a time with its zone; a day stands for its end."""
    return f"{text}T23:59:59+00:00" if text and DAY.fullmatch(text) else text


def _line(entry: Mapping[str, Any]) -> str:
    digest = f" ({entry['model_digest'][:12]})" if entry["model_digest"] else ""
    serves = f"version {entry['version']}{digest}" if entry["version"] else "no model"
    who = f"{entry['event']} by {entry['actor']}{_in_ci(entry)}, entry {entry['number']}"
    return (
        f"{entry['environment']:<6} {entry['model']} {serves} since {moment(entry['time'])}\n"
        f"       {who}: {entry['reason']}"
    )


def _in_ci(entry: Mapping[str, Any]) -> str:
    return f" in {entry['ci_run']}" if entry["ci_run"] else ""


def _report(
    layout: Layout, entries: Sequence[Mapping[str, Any]], served: Mapping[tuple[str, str], Any], use_case: str
) -> None:
    """Warn of champions that the ledger does not speak of, and write the page."""
    differing = _differing(served, views(layout, use_case))
    for problem in differing:
        print(f"warning: {problem}", file=sys.stderr)
    page = write_ledger_page(layout.runs / "ledger", entries, list(served.values()), differing)
    print(f"page: {layout.relative(page)}")


def _differing(
    served: Mapping[tuple[str, str], Mapping[str, Any]], registries: Mapping[tuple[str, str], RegistryView]
) -> list[str]:
    """Return the models whose champion is another one than the ledger says."""
    problems = []
    for (environment, model), view in registries.items():
        entry = served.get((environment, model), {})
        if view.champion != entry.get("model_digest"):
            here, said = (str(digest or "none")[:12] for digest in (view.champion, entry.get("model_digest")))
            problems.append(
                f"{model} in {environment}: the registry's champion is {here}, the ledger says {said}: "
                "it was changed by hand, or a change was interrupted"
            )
    return problems


def _verify(layout: Layout, file: Path, use_case: str) -> int:
    """Check every line, the ends that registries remember, and their champions; raise with all problems."""
    ledger, registries = support(layout.src).ledger, views(layout, use_case)
    heads = [view.head for view in registries.values() if view.head]
    with step_errors():
        problems = ledger.verify(file, *heads)
        if not problems:
            problems = _differing(ledger.serving(ledger.read(file)), registries)
    if problems:
        raise StepFailed("\n".join(f"{layout.relative(file)}: {problem}" for problem in problems))
    count, registry = len(ledger.read(file)), "registry" if len(heads) == 1 else "registries"
    print(f"{layout.relative(file)}: {count} entries, as they were written; in {len(heads)} {registry}")
    return 0
