"""The plan of a split: a file that says who answers, and that a service reads again when it changes.

``python src/scoring/split_plan.py --file plan.json --share 0.1`` writes it.
"""

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the command `split` starts this by its path

from scoring.variants import CHALLENGER, Split
from support import step

LOG = logging.getLogger("score")
REPLACE_ATTEMPTS = 50  # on Windows a file that is just being read cannot be replaced


@dataclass(frozen=True)
class Plan:
    """Who answers."""

    share: float = 0.0  # share of keys that the challenger answers, from 0 to 1
    salt: str = ""  # names the comparison
    # the champion answers every request and the challenger scores it too; `share` is ignored
    shadow: bool = False

    @cached_property
    def split(self) -> Split:
        """The split of keys."""
        return Split({CHALLENGER: 0.0 if self.shadow else self.share}, self.salt)

    def __str__(self) -> str:
        if self.shadow:
            return "the champion answers every request; the challenger scores it in shadow"
        if not self.share:
            return "the champion answers every request"
        return f"the challenger answers {self.share:.6g} of all keys, the champion the others"


def read_plan(file: Path) -> Plan:
    """Return the plan in `file`.

    Raises
    ------
    StepError
        When the file is missing or holds no plan.
    """
    match step.read_json(file):
        case {"share": int() | float() as share, "salt": str() as salt, "shadow": bool() as shadow, **others}:
            if not others and not isinstance(share, bool) and 0 <= share <= 1:
                return Plan(float(share), salt, shadow)
    raise step.StepError(
        f"{file} is not a plan: share must be a number from 0 to 1, salt text, shadow true or false"
    )


def write_plan(plan: Plan, file: Path) -> None:
    """Write the plan whole or not at all; every request that begins afterwards follows it."""
    _ = plan.split  # refuses a share out of range before anything is written
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    partial.write_text(json.dumps(asdict(plan)) + "\n", encoding="utf-8")
    for attempt in range(REPLACE_ATTEMPTS):
        try:
            partial.replace(file)
        except PermissionError:
            if attempt == REPLACE_ATTEMPTS - 1:
                raise
            time.sleep(0.01)
        else:
            return


class LivePlan:
    """The plan in a file, checked for changes before each request.

    Without a readable plan the champion answers every request: there a mistake does the least harm.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._loaded: tuple[tuple[int, int, int] | None, Plan] = (None, Plan())

    def now(self) -> Plan:
        """Return the plan that is in force."""
        loaded_signature, plan = self._loaded
        signature = self._signature()
        if signature != loaded_signature:
            plan = self._read() if signature else Plan()
            self._loaded = signature, plan
        return plan

    def _signature(self) -> tuple[int, int, int] | None:
        try:
            stat = self._file.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def _read(self) -> Plan:
        try:
            return read_plan(self._file)
        except step.StepError as error:
            LOG.error("the champion answers every request: %s", error)
            return Plan()


def main(argv: Sequence[str] | None = None) -> None:
    """Change the plan in a file, and print what is in force from now on."""
    parser = argparse.ArgumentParser(description="Change the share of keys that the challenger answers.")
    add = parser.add_argument
    add("--file", type=Path, required=True, help="plan file of a running service")
    add("--share", type=float, required=True, help="from 0 to 1; 0 gives all keys to the champion")
    add("--salt", help="name of the comparison (default: keep the current one)")
    add("--shadow", action="store_true", help="challenger scores every request, champion answers")
    args = parser.parse_args(argv)
    plan = read_plan(args.file) if args.file.exists() else Plan()
    salt = plan.salt if args.salt is None else args.salt
    plan = replace(plan, share=args.share, shadow=args.shadow, salt=salt)
    write_plan(plan, args.file)
    print(plan)


if __name__ == "__main__":
    step.run_script(main)
