"""Measure batch scoring of many rows beside naive ways; needs Linux.

``python -m tests.benchmarks.batch --model M --table T --rows 10000000``: rows of a table are repeated until
there are enough of them. Each way runs in a process of its own, whose peak memory Linux tells. The batch is
killed in its middle once and goes on behind the parts that it has done.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.benchmarks.measuring import command, keep, parser, told

PARTS = """
import batch_score
batch_score.main(["--model", model, "--table", table, "--scores", scores, *words])
"""
LOOP = """
import pandas; from modelling import models
from pathlib import Path
loaded, rows = models.load(Path(model)), pandas.read_parquet(table)
found = []
for start in range(0, len(rows), 1000):
    found.append(pandas.DataFrame(loaded.predict(rows.iloc[start:start + 1000])))
pandas.concat(found).rename(columns=str).to_parquet(scores)
"""
AT_ONCE = """
import pandas; from modelling import models
from pathlib import Path
loaded, rows = models.load(Path(model)), pandas.read_parquet(table)
pandas.DataFrame(loaded.predict(rows)).rename(columns=str).to_parquet(scores)
"""
AROUND = """
import re, time
model, table, scores, *words = sys.argv[1:]
started = time.perf_counter()
{code}
taken = time.perf_counter() - started
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
print(json.dumps({{"seconds": taken, "cpu_seconds": time.process_time(), "peak_megabytes": peak / 1024}}))
"""


def repeated(table: Path, rows: int, file: Path) -> None:
    """Write a Parquet file of `rows` rows: those of `table`, again and again."""
    once = pq.read_table(table)
    once = pa.concat_tables([once] * max(1, 200_000 // len(once)))
    with pq.ParquetWriter(file, once.schema, compression="zstd") as writer:
        written = 0
        while written < rows:
            part: pa.Table = once.slice(0, min(len(once), rows - written))
            writer.write_table(part)
            written += len(part)


def measured(name: str, rows: int, code: str, *words: object) -> dict[str, Any]:
    """Run one way, print and return its figures."""
    figures: dict[str, Any] = {"rows": rows, **told(AROUND.format(code=code), *words)}
    figures["rows_a_second"] = rows / figures["seconds"]
    print(
        f"{name}: {rows:,} rows in {figures['seconds']:.0f} s ({figures['cpu_seconds']:.0f} s of CPU), "
        f"{figures['rows_a_second']:,.0f} rows a second, {figures['peak_megabytes']:,.0f} MB at the peak",
        flush=True,
    )
    return figures


def killed(parts: Path, after: int, words: list[object]) -> dict[str, Any]:
    """Start the batch, kill it behind `after` parts, let it go on; print and return how that went."""
    process = subprocess.Popen(command(AROUND.format(code=PARTS), *words), stdout=subprocess.DEVNULL)
    while process.poll() is None and not (parts / f"part-{after:05d}.parquet").exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = len(list(parts.glob("part-*.parquet")))
    figures: dict[str, Any] = {"parts_done": done, **told(AROUND.format(code=PARTS), *words)}
    print(f"killed behind part {done}, gone on with in {figures['seconds']:.0f} s", flush=True)
    return figures


def digest(folder: Path) -> str:
    """Return a digest of all scores."""
    whole = hashlib.sha256()
    for file in sorted(folder.glob("*.parquet")):
        whole.update(file.read_bytes())
    return whole.hexdigest()


def main() -> None:
    """Measure."""
    made = parser(__doc__)
    made.add_argument("--rows", type=int, default=1_000_000, help="how many (default: 1000000)")
    made.add_argument("--loop-rows", type=int, default=100_000, help="of the naive loop (default: 100000)")
    made.add_argument("--at-once-rows", type=int, help="of reading all at once (default: as --rows)")
    made.add_argument("--part-rows", type=int, default=200_000, help="of batch_score (default: 200000)")
    args = made.parse_args()
    sizes = {"rows": args.rows, "loop": args.loop_rows, "at once": args.at_once_rows or args.rows}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {rows: folder / f"{rows}.parquet" for rows in sizes.values()}
        for rows, file in files.items():
            repeated(args.table, rows, file)
        print(f"{files[args.rows].stat().st_size / 1e6:,.0f} MB of Parquet", flush=True)

        def words(way: str, rows: int, *more: object) -> list[object]:
            return [args.model, files[rows], folder / way, *more]

        part = ["--part-rows", args.part_rows]
        found = {"batch_score": measured("batch_score", args.rows, PARTS, *words("whole", args.rows, *part))}
        resumed = words("resumed", args.rows, *part, "--resume", folder / "parts")
        found["killed"] = killed(folder / "parts", args.rows // args.part_rows // 2, resumed)
        found["killed"]["same_bytes"] = digest(folder / "whole") == digest(folder / "resumed")
        print(f"the same bytes as without a kill: {found['killed']['same_bytes']}", flush=True)
        for way, code in (("loop", LOOP), ("at once", AT_ONCE)):
            told_as = f"naive, {'a loop over 1,000 rows each' if way == 'loop' else 'all rows at once'}"
            found[way] = measured(told_as, sizes[way], code, *words(f"{way}.parquet", sizes[way]))
        keep({"part_rows": args.part_rows, "cpus": len(os.sched_getaffinity(0)), **found}, args.json)


if __name__ == "__main__":
    main()
