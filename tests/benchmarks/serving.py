"""Measure a service beside others, interleaved; needs Linux and wrk.

``PYTHONPATH=src python -m tests.benchmarks.serving --model M --table T`` prints microseconds
inside run(), and for each server with one worker: requests a second, CPU time of a request, ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tabular import tables
from tests.benchmarks.measuring import keep, parser, spread, told
from tests.benchmarks.servers import Contender, Contenders
from tests.src.requesting import value

AIMS = {
    ("serve", "empty"): 0.4,
    ("serve", "frame"): 5,
    ("serve", "mlflow"): None,
}
INSIDE = """
import time
import score
score.init(sys.argv[2:])
bodies = json.loads(open(sys.argv[1]).read())
taken = []
for number in range(3 * len(bodies)):
    started = time.perf_counter_ns()
    answer = score.run(bodies[number % len(bodies)])
    taken.append(time.perf_counter_ns() - started)
    assert answer.status == 200, answer.document
taken = sorted(taken[len(bodies):])
print(json.dumps([taken[len(taken) // 2] / 1000, taken[int(len(taken) * 0.99)] / 1000]))
"""


def inside(args: argparse.Namespace, folder: Path, bodies: list[str]) -> dict[str, Any]:
    """Print and return the microseconds inside run(), without and with a log."""
    (folder / "bodies.json").write_text(json.dumps(bodies), encoding="utf-8")
    found: dict[str, Any] = {}
    for name, words in (("without a log", []), ("with a log", ["--log", folder / "log"])):
        rounds = [
            told(INSIDE, folder / "bodies.json", "--model", args.model, *words) for _ in range(args.rounds)
        ]
        found[name] = {
            "median": spread([one for one, _ in rounds]),
            "p99": spread([one for _, one in rounds]),
        }
        median, slow = (found[name][one]["median"] for one in ("median", "p99"))
        print(f"inside run(), {name}: {median:.0f} us at the median, {slow:.0f} us at the 99th percentile")
    return found


def asked(contender: Contender, script: Path, seconds: int, connections: int) -> tuple[float, float]:
    """Return requests a second, and microseconds of CPU time a request; every answer must be a good one."""
    before = cpu_seconds(contender.pid)
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "-s", str(script), contender.url]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert not re.search("Non-2xx|Socket errors", said), said
    number, rate = re.search(r"(\d+) requests in", said), re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert number, said
    assert rate, said
    return float(rate[1]), (cpu_seconds(contender.pid) - before) / max(int(number[1]), 1) * 1e6


def cpu_seconds(root: int) -> float:
    """Return the CPU time of a process and all below it."""
    below, times = defaultdict(list), {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        below[int(fields[1])].append(int(file.parent.name))
        times[int(file.parent.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    waiting, total = [root], 0.0
    while waiting:
        pid = waiting.pop()
        waiting += below[pid]
        total += times.get(pid, 0.0)
    return total


def post(folder: Path, name: str, body: str) -> Path:
    """Write what wrk sends."""
    script = folder / f"{name.replace(' ', '-')}.lua"
    kind = 'wrk.headers["Content-Type"] = "application/json"'
    script.write_text(f'wrk.method = "POST"\n{kind}\nwrk.body = [==[{body}]==]\n', encoding="utf-8")
    return script


def compared(args: argparse.Namespace, folder: Path, row: dict[str, Any]) -> dict[str, Any]:
    """Ask every server in turn; print and return requests a second, CPU time and ratios."""
    with ExitStack() as stack:
        servers = Contenders(stack, folder, args.model, row).all()
        scripts = {name: post(folder, name, one.body) for name, one in servers.items()}
        rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in servers}
        for number in range(args.rounds + 1):
            for name, one in servers.items():
                found = asked(one, scripts[name], args.seconds if number else 1, args.connections)
                rounds[name] += [found] if number else []  # the first one warms up
    figures: dict[str, Any] = {
        name: {"rate": spread([one for one, _ in found]), "cpu_us": spread([one for _, one in found])}
        for name, found in rounds.items()
    }
    for name, one in figures.items():
        rate, cpu = one["rate"], one["cpu_us"]["median"]
        between = f"({rate['least']:,.0f} to {rate['most']:,.0f})"
        print(f"{name:<18} {rate['median']:>7,.0f} requests a second {between}, {cpu:,.0f} us of CPU each")
    return {"servers": figures, "ratios": ratios(figures)}


def ratios(figures: dict[str, Any]) -> dict[str, float]:
    """Print and return how the service stands to others, by requests a second and by CPU time."""
    found: dict[str, float] = {}
    for (one, other), aim in AIMS.items():
        rate = figures[one]["rate"]["median"] / figures[other]["rate"]["median"]
        cpu = figures[other]["cpu_us"]["median"] / figures[one]["cpu_us"]["median"]
        found |= {f"{one} / {other}": rate, f"{one} / {other}, by CPU": cpu}
        print(f"{one} / {other}: {rate:.2f}, by CPU {cpu:.2f}{f', aim {aim:g}' if aim else ''}")
    return found


def main() -> None:
    """Measure."""
    made = parser(__doc__)
    made.add_argument("--seconds", type=int, default=5, help="of a round (default: 5)")
    made.add_argument("--rounds", type=int, default=5, help="of each server, in turn (default: 5)")
    made.add_argument("--connections", type=int, default=4, help="of wrk (default: 4)")
    args = made.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed: apt-get install wrk")
    columns = list(json.loads((args.model / "model.json").read_text(encoding="utf-8"))["schema"])
    records = tables.read_table(args.table)[columns].head(1000).to_dict("records")
    rows = [{name: value(cell) for name, cell in row.items()} for row in records]
    with tempfile.TemporaryDirectory() as folder:
        found = inside(args, Path(folder), [json.dumps({"data": [row]}) for row in rows])
        keep({"inside_run_us": found, **compared(args, Path(folder), rows[0])}, args.json)


if __name__ == "__main__":
    main()
