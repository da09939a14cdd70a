"""The command line works with the oldest libraries that pyproject.toml allows. Distributions have them."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.client.command_line import CLIENT, ORDER, write
from tests.servers import ROOT, Server


def oldest() -> list[str]:
    """The requirements with their lower bounds as versions: click==8.1."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [one.replace(">=", "==") for one in (*project["dependencies"], *project["optional-dependencies"]["cli"])]


def fetched(folder: Path) -> Path:
    """Installs them to this folder; skips where pip gets none of them."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command = [*pip, "--retries", "0", "--timeout", "5", "--target", str(folder), *oldest()]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except subprocess.TimeoutExpired:
        pytest.skip("pip does not reach the libraries")
    if run.returncode != 0:
        pytest.skip(f"pip has no {' '.join(oldest())} here: {run.stderr.strip().splitlines()[-1:]}")
    return folder


@pytest.mark.plain
def test_the_command_line_works_with_the_oldest_libraries(server: Server, tmp_path: Path) -> None:
    libraries = fetched(tmp_path / "libraries")
    write(tmp_path, order=ORDER)
    env = {
        **os.environ,
        "PYTHONPATH": f"{libraries}{os.pathsep}{CLIENT}",
        "REDIS_URL": f"redis://127.0.0.1:{server.port}",
    }
    for words, status, said in (
        (("check", "order.json"), 0, "0 errors"),
        (("set", "order:1", "order.json", "--input", '{"total": 30}'), 0, "open"),
        (("send", "order:1", "PAY", "--data", '{"amount": 30}'), 0, "paid"),
        (("send", "order:1", "PAY"), 1, "redisstate: "),
        (("show", "order:1"), 0, "paid"),
        (("show", "order:1", "--json"), 0, '"paid"'),
        (("sned", "order:1"), 2, "Did you mean 'send'?"),
        (("completion", "bash"), 0, "complete -o nosort"),
    ):
        command = [sys.executable, "-m", "redisstate", *words]
        run = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert (run.returncode, said in run.stdout + run.stderr) == (status, True), (words, run)
    asked = "import click, redis; print(click.__file__, redis.__file__)"
    found = subprocess.run([sys.executable, "-c", asked], env=env, capture_output=True, text=True, check=True).stdout
    assert all(path.startswith(str(libraries)) for path in found.split())
