"""``make cli``: a prompt to the server that ``make run`` started.

    python tools/open_cli.py PORT [arguments of the client]

redis-cli or valkey-cli where there is one, else iredis, which is fetched into the venv.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import servers


def main(port: str, *arguments: str) -> int:
    client = servers.command_line()
    if client is None:
        client = Path(sys.prefix) / "bin" / "iredis"
        if not client.exists():
            print("No redis-cli or valkey-cli here; fetching iredis with pip.", file=sys.stderr)
            try:
                servers.pip_install("-c", str(servers.ROOT / "requirements-extra.txt"), "iredis")
            except subprocess.CalledProcessError:
                print("Install a client (Debian/Ubuntu: redis-tools).", file=sys.stderr)
                return 1
    return os.execv(client, [str(client), "-p", port, *arguments])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
