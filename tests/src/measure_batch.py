"""Measure batch scoring of many rows beside a naive way: ``python -m tests.src.measure_batch --help``.

Rows of a table are repeated until there are enough of them. Each way runs in a process of its own, whose peak
memory Linux tells.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SRC = Path(__file__).resolve().parents[2] / "src"
PARTS = """
import batch_score
batch_score.main(["--model", model, "--table", table, "--scores", scores, *words])
"""
NAIVE = """
import models, pandas
from pathlib import Path
loaded, rows = models.load(Path(model)), pandas.read_parquet(table)
found = []
for start in range(0, len(rows), 1000):
    found.append(pandas.DataFrame(loaded.predict(rows.iloc[start:start + 1000])))
pandas.concat(found).rename(columns=str).to_parquet(scores)
"""
AROUND = """
import json, re, sys, time; sys.path.insert(0, sys.argv[1])
model, table, scores, *words = sys.argv[2:]
started = time.perf_counter()
{code}
taken = time.perf_counter() - started
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
print(json.dumps([taken, peak / 1024]))
"""


def repeated(table: Path, rows: int, file: Path) -> None:
    """Write a Parquet file of `rows` rows: those of `table`, again and again."""
    once = pq.read_table(table)
    with pq.ParquetWriter(file, once.schema, compression="zstd") as writer:
        written = 0
        while written < rows:
            part: pa.Table = once.slice(0, min(len(once), rows - written))
            writer.write_table(part)
            written += len(part)


def measured(code: str, *words: object) -> tuple[float, float]:
    """Return seconds and megabytes at the peak."""
    command = [sys.executable, "-c", AROUND.format(code=code), SRC, *words]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    seconds, megabytes = json.loads(done.stdout.splitlines()[-1])
    return seconds, megabytes


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True, help="folder of a model")
    parser.add_argument("--table", type=Path, required=True, help="rows that are repeated: the holdout")
    parser.add_argument("--rows", type=int, default=1_000_000, help="how many (default: 1000000)")
    parser.add_argument("--naive-rows", type=int, default=200_000, help="of the naive way (default: 200000)")
    parser.add_argument("--part-rows", type=int, default=200_000, help="of batch_score (default: 200000)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for way, rows, code, words in (
            ("batch_score", args.rows, PARTS, ["--part-rows", args.part_rows]),
            ("naive pandas", args.naive_rows, NAIVE, []),
        ):
            file = folder / f"{rows}.parquet"
            repeated(args.table, rows, file)
            seconds, megabytes = measured(code, args.model, file, folder / way, *words)
            rate = f"{rows / seconds:,.0f} rows a second"
            print(f"{way}: {rows:,} rows in {seconds:.0f} s, {rate}, {megabytes:,.0f} MB at the peak")


if __name__ == "__main__":
    main()
