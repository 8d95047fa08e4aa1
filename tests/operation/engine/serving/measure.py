"""Measure a service beside others, interleaved.

``PYTHONPATH=src python -m tests.operation.engine.serving.measure --model M --table T``; needs wrk. It
prints microseconds inside run(), requests a second of one worker with each server, and ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import tables
from tests.operation.engine.serving.running import ROOT, free_port, serving
from tests.src.requesting import value

GUNICORN = ["--workers", "1", "--worker-class", "gthread", "--threads", "8", "--keep-alive", "15"]
APPLICATIONS = """
import sys
sys.path.insert(0, {src!r})
from pathlib import Path
import pandas as pd
from flask import Flask, request
import models

MODEL = models.load(Path({model!r}))
app = Flask(__name__)


@app.route("/empty", methods=["POST"])
def empty():
    return "{{}}"


@app.route("/frame", methods=["POST"])
def frame():
    rows = pd.DataFrame(request.get_json()["data"])
    return {{"predictions": MODEL.predict(rows).tolist()}}
"""
INSIDE = """
import json, sys, time; sys.path.insert(0, sys.argv[1])
import score
score.init(sys.argv[3:])
bodies = json.loads(open(sys.argv[2]).read())
taken = []
for number in range(3 * len(bodies)):
    started = time.perf_counter_ns()
    answer = score.run(bodies[number % len(bodies)])
    taken.append(time.perf_counter_ns() - started)
    assert answer.status == 200, answer.document
taken = sorted(taken[len(bodies):])
print(json.dumps([taken[len(taken) // 2] / 1000, taken[int(len(taken) * 0.99)] / 1000]))
"""


@contextmanager
def child(command: list[str], folder: Path, port: int, **more: str) -> Iterator[None]:
    """Run a server until the block ends; it is up when its port answers."""
    import http.client

    log = (folder / f"{port}.log").open("wb")
    process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env={**os.environ, **more})
    try:
        until = time.monotonic() + 120
        while True:
            alive = process.poll() is None and time.monotonic() < until
            assert alive, (folder / f"{port}.log").read_text()
            try:
                http.client.HTTPConnection("127.0.0.1", port, timeout=5).connect()
                break
            except OSError:
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def requests_a_second(url: str, script: Path, seconds: int, connections: int) -> float:
    """Return what wrk measures; every answer must be a good one."""
    words = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "-s", str(script), url]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert not re.search("Non-2xx|Socket errors", said), said
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert found, said
    return float(found[1])


def inside(args: argparse.Namespace, folder: Path, bodies: list[str]) -> None:
    """Print the time inside run(), without and with a log."""
    (folder / "bodies.json").write_text(json.dumps(bodies), encoding="utf-8")
    for name, words in (("without a log", []), ("with a log", ["--log", str(folder / "log")])):
        given = [str(ROOT / "src"), str(folder / "bodies.json"), "--model", str(args.model), *words]
        done = subprocess.run(
            [sys.executable, "-c", INSIDE, *given], capture_output=True, text=True, check=True
        )
        median, slow = json.loads(done.stdout.splitlines()[-1])
        print(f"inside run(), {name}: {median:.0f} us at the median, {slow:.0f} us at the 99th percentile")


def compared(args: argparse.Namespace, folder: Path, body: str) -> None:
    """Start every server, ask them in turn, print their medians and ratios."""
    script = folder / "post.lua"
    lines = [
        'wrk.method = "POST"',
        'wrk.headers["Content-Type"] = "application/json"',
        f"wrk.body = [==[{body}]==]",
    ]
    script.write_text("\n".join(lines) + "\n", encoding="utf-8")
    python = Path(sys.executable)
    with ExitStack() as stack:
        servers: dict[str, str] = {}
        for name, words in {"serve": [], "serve --no-log": ["--no-log"]}.items():
            place = folder / f"service{len(words)}"
            place.mkdir()
            service = stack.enter_context(serving(place, "--model", args.model.resolve(), *words))
            servers[name] = f"http://127.0.0.1:{service.port}/score"
        source = APPLICATIONS.format(src=str(ROOT / "src"), model=str(args.model.resolve()))
        (folder / "applications.py").write_text(source, encoding="utf-8")
        for page in ("empty", "frame"):
            port = free_port()
            command = [
                str(python),
                "-m",
                "gunicorn",
                "-b",
                f"127.0.0.1:{port}",
                *GUNICORN,
                "applications:app",
            ]
            stack.enter_context(child([*command, "--no-control-socket"], folder, port))
            servers[page] = f"http://127.0.0.1:{port}/{page}"
        port = free_port()
        command = [
            str(python),
            "-m",
            "azureml_inference_server_http",
            "--entry_script",
            str(ROOT / "src" / "score.py"),
        ]
        command += ["--port", str(port), "--model_dir", str(args.model.resolve())]
        home = {
            "AML_APP_ROOT": str(ROOT / "src"),
            "HOME": str(folder),
            "AZUREML_ENTRY_SCRIPT": str(ROOT / "src" / "score.py"),
        }
        stack.enter_context(child(command, folder, port, **home))
        servers["azmlinfsrv alone"] = f"http://127.0.0.1:{port}/score"
        ask: Callable[[str, int], float] = lambda url, seconds: requests_a_second(  # noqa: E731
            url, script, seconds, args.connections
        )
        for url in servers.values():
            ask(url, 1)
        rates = {name: [] for name in servers}  # type: dict[str, list[float]]
        for _ in range(args.rounds):
            for name, url in servers.items():
                rates[name].append(ask(url, args.seconds))
    medians = {name: statistics.median(found) for name, found in rates.items()}
    for name, rate in medians.items():
        spread = f"{min(rates[name]):,.0f} to {max(rates[name]):,.0f}"
        print(f"{name:<18} {rate:>8,.0f} requests a second ({spread})")
    print(f"serve / empty {medians['serve'] / medians['empty']:.2f}, aim 0.5")
    print(f"serve / frame {medians['serve'] / medians['frame']:.1f}, aim 5")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="folder of a model")
    parser.add_argument("--table", type=Path, required=True, help="rows to ask for: the holdout")
    parser.add_argument("--seconds", type=int, default=5, help="of a round (default: 5)")
    parser.add_argument("--rounds", type=int, default=3, help="of each server, in turn (default: 3)")
    parser.add_argument("--connections", type=int, default=4, help="of wrk (default: 4)")
    args = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed: apt-get install wrk")
    columns = list(json.loads((args.model / "model.json").read_text(encoding="utf-8"))["schema"])
    records = tables.read_table(args.table)[columns].head(1000).to_dict("records")
    bodies = [json.dumps({"data": [{name: value(cell) for name, cell in row.items()}]}) for row in records]
    with tempfile.TemporaryDirectory() as folder:
        inside(args, Path(folder), bodies)
        compared(args, Path(folder), bodies[0])


if __name__ == "__main__":
    main()
