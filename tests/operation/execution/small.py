"""A small project whose steps take no time: a real configuration, real scripts, no library to import."""

from __future__ import annotations

import shutil
from pathlib import Path
from textwrap import dedent

from operation.engine.foundation.layout import Layout

COUNT = """
    import argparse
    import json
    from pathlib import Path

    from support.step import input_path, output_path, run_script
    from words import letters


    def build_parser():
        parser = argparse.ArgumentParser(description="Count letters")
        parser.add_argument("--text", type=input_path, required=True, help="a text")
        parser.add_argument("--factor", type=float, default=1.0, help="multiplies the count")
        parser.add_argument("--skip", nargs="*", default=[], help="letters that do not count")
        parser.add_argument("--model", type=output_path, required=True, help="folder")
        return parser


    def main(argv=None):
        args = build_parser().parse_args(argv)
        count = letters(Path(args.text).read_text(encoding="utf-8"), args.skip) * args.factor
        folder = Path(args.model)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "metrics.json").write_text(json.dumps({"letters": count}), encoding="utf-8")
        print(f"counted {count:.0f}")


    if __name__ == "__main__":
        run_script(main)
"""
WORDS = """
    def letters(text, skip):
        return sum(1 for one in text if one.isalpha() and one not in skip)
"""
GATE = """
    import argparse
    import json
    import os
    import signal
    from pathlib import Path

    from support.step import GateRejected, StepError, input_path, output_path, run_script


    def build_parser():
        parser = argparse.ArgumentParser(description="Let a model pass")
        parser.add_argument("--model", type=input_path, required=True)
        parser.add_argument("--name", required=True)
        parser.add_argument("--fail", choices=["no", "bug", "package", "data", "gate", "kill"], default="no")
        parser.add_argument("--registration", type=output_path, required=True)
        return parser


    def fail(how):
        if how == "bug":
            {}["missing"]
        if how == "package":
            import surely_not_installed
        if how == "data":
            raise StepError("the model has no letters: count again")
        if how == "gate":
            raise GateRejected("the gate rejected the model: 5 letters against 6")
        if how == "kill":
            print("about to die", flush=True)
            os.kill(os.getpid(), signal.SIGTERM if os.name == "nt" else signal.SIGKILL)


    def main(argv=None):
        args = build_parser().parse_args(argv)
        letters = json.loads((Path(args.model) / "metrics.json").read_text(encoding="utf-8"))["letters"]
        fail(args.fail)
        folder = Path(args.registration)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "metrics.json").write_text(json.dumps({"passed": letters}), encoding="utf-8")


    if __name__ == "__main__":
        run_script(main)
"""
USE_CASE = """
    description: How many letters?
    steps:
      count:
        inputs: {text: data/text.txt}
        arguments: {factor: $(FACTOR), skip: [x, y]}
      gate:
        inputs: {model: count.model}
        arguments: {name: letters}
    pipeline:
      publish: letters
      every: day
"""
ENVIRONMENT = """
    variables:
      ENVIRONMENT: {name}
      RESOURCE_GROUP: rg-small
      LOCATION: westeurope
      NAMESPACE: small{lower}
      SERVICECONNECTION_RG: sc-rg
      SERVICECONNECTION_WS: sc-ws
      USECASE: small
      FACTOR: 1
"""
CHECKOUT = Path(__file__).resolve().parents[3]
FILES = {
    "src/count.py": COUNT,
    "src/words.py": WORDS,
    "src/gate.py": GATE,
    "configuration/configuration-small.yml": USE_CASE,
    "configuration/configuration-DEV.yml": ENVIRONMENT.format(name="DEV", lower="dev"),
    "configuration/configuration-TEST.yml": ENVIRONMENT.format(name="TEST", lower="test"),
    "configuration/compute/cpu-cluster.yml": "kind: amlcompute\nvm-size: STANDARD_DS3_V2\n",
    "configuration/compute/local.yml": "kind: local\n",
    "configuration/environments/training.yml": "name: small\ndependencies: [python=3.11]\n",
    "requirements.lock": "one==1.0\n",
    "data/text.txt": "abc xyz",
}


def build(root: Path) -> Layout:
    """Write the small project and return its layout."""
    layout = Layout(root)
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    layout.notebooks.mkdir()
    for name in ("src/utils.py", "notebooks/core.py"):
        shutil.copyfile(CHECKOUT / name, root / name)
    shutil.copytree(
        CHECKOUT / "src" / "support", layout.src / "support", ignore=shutil.ignore_patterns("__pycache__")
    )
    return layout
