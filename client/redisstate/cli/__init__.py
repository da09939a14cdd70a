"""The command line ``redisstate``. Its libraries (the extra ``cli``) are imported here, and by nothing else."""

from __future__ import annotations

import sys

INTERRUPTED = 130
"""The exit status after Ctrl-C: 128 and SIGINT's number, as a shell has it."""


def main() -> None:
    """Runs the command that ``sys.argv`` names, and ends the process with its exit status."""
    try:
        from .app import app

        app(prog_name="redisstate")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in ("click", "rich"):
            raise
        sys.exit(f"redisstate: the command line needs {missing}: pip install 'redis-state-machine[cli]'")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
