"""``make run``: a server with the module, in the foreground.

    python tools/run_server.py MODULE PORT FOLDER [any other setting of the server, as --name value]

It listens on localhost only. The AOF is on, synced every second, as are the default snapshots: data survive Ctrl-C, and
a crash loses the last second at most.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import servers


def in_use(port: int) -> str | None:
    """Why ``port`` cannot be listened on, or None."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.strerror
    return None


def main(module: str, port: str, folder: str, *settings: str) -> int:
    if not port.isdigit() or not 0 < int(port) < 65536:
        print(f"PORT={port} is not a port: take a number from 1 to 65535.", file=sys.stderr)
        return 1
    reason = in_use(int(port))
    if reason is not None:
        print(f"Port {port} cannot be used: {reason}.", file=sys.stderr)
        other = int(port) % 65535 + 1
        print(f"Stop what listens there, or choose another: make run PORT={other}", file=sys.stderr)
        return 1
    try:
        server = servers.ensure()
    except (servers.NoServerError, subprocess.CalledProcessError) as error:
        print(f"No server: {error}. {servers.ADVICE}", file=sys.stderr)
        return 1
    data = Path(folder)
    data.mkdir(parents=True, exist_ok=True)
    print(f"{server.name} ({server.path}), port {port}, data in {data.resolve()}", flush=True)
    command = [
        str(server.path),
        "--port", port, "--bind", "127.0.0.1", "--dir", str(data.resolve()),
        "--appendonly", "yes", "--appendfsync", "everysec",
        "--loadmodule", str(Path(module).resolve()),
        *settings,
    ]  # fmt: skip
    return os.execv(command[0], command)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
