"""Prove that script, call and notebook, and a run of Azure ML, are the same execution."""

import argparse
import json
from collections.abc import Mapping
from typing import Any

from operation.commands.options import add_choice, add_compute, add_emulator, add_json, emulated
from operation.engine import configuration
from operation.engine.configuration.targets import chosen_compute
from operation.engine.evidence.certificate.certify import certify
from operation.engine.evidence.reports.run_page import write_certificate
from operation.engine.foundation.layout import project
from operation.execution.routes import azure_ml


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of ``certify``."""
    parser.description = (
        "Execute steps again in every way there is: by a call of main(argv), in a notebook under stock "
        "papermill, in a notebook as `run` executes it, as a plain script under other conditions (folders, "
        "time zone, locale, hash seed, threads), and with --emulator or --azure-ml as a run of Azure ML. "
        "Compare sources, command lines, inputs and output bytes; exit code 1 and the first difference "
        "when there is one."
    )
    parser.epilog = "example: python3 -m operation certify prepare train"
    add = parser.add_argument
    add("steps", nargs="*", metavar="step", help="names in the use case (default: all)")
    add_choice(parser)
    add_emulator(parser)
    add("--azure-ml", action="store_true", help="also as runs in the environment's workspace")
    add_compute(parser)
    add_json(parser, "the certificate")


def run(args: argparse.Namespace) -> int:
    """Certify, write the page, and return 1 when the ways differ."""
    layout = project()
    configured = configuration.load(args.environment, args.use_case, layout)
    say = (lambda *_: None) if args.json else _say
    with emulated(layout, args.emulator):
        more = {}
        if args.emulator or args.azure_ml:
            more = {"azure-ml": azure_ml(chosen_compute(layout, configured, args.compute))}
        folder, content = certify(layout, configured, args.steps, say, more)
    page = write_certificate(folder, content)
    if args.json:
        print(json.dumps(content, indent=1))
    else:
        print("\n".join(_lines(content)))
        print(f"certificate: {layout.relative(page)}")
    return 0 if content["identical"] else 1


def _say(way: str, seconds: float) -> None:
    print(f"  executed as {way:<10} {seconds:6.1f} s", flush=True)


def _lines(content: Mapping[str, Any]) -> list[str]:
    lines = []
    for step in content["steps"]:
        verdict = "DIFFERS" if step["differences"] else "identical"
        lines.append(f"  {step['step']:<14} {verdict:<10} {step['files']:3d} files, {step['bytes']:,} bytes")
        lines += [
            f"    {difference['way']} against {difference['against']}: {difference['what']}"
            for difference in step["differences"]
        ]
        lines += [f"    it depends on: {', '.join(step['causes'])}"] if step["causes"] else []
    ways = ", ".join(content["ways"])
    return [
        *lines,
        f"{'identical' if content['identical'] else 'NOT identical'} in {len(content['ways'])} ways: {ways}",
    ]
