"""``make image``: builds the Docker image.

    python tools/image.py [--server redis|valkey] [--engine docker|buildah] [--name NAME] [--archive FILE]

A Docker engine builds it where one answers; else buildah does (as root, with debootstrap), without any image
registry. --archive also writes the image to a file, which ``docker load --input FILE`` takes on another machine.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import image_engines

NAMES = {"redis": "redis-state-machine", "valkey": "redis-state-machine:valkey"}
"""The image's name for each server."""
DEBIAN = {"redis": "bookworm", "valkey": "trixie"}
"""Which Debian the server is of."""


def labels() -> dict[str, str]:
    """What pyproject.toml knows of the project: its version, and where its source is, if it says so."""
    project = tomllib.loads((image_engines.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known = {"version": project["version"], "source": project.get("urls", {}).get("Source")}
    return {f"org.opencontainers.image.{name}": value for name, value in known.items() if value}


def build(engine: image_engines.Engine, server: str, name: str) -> None:
    """Builds the image and says how large it is and how long it took. Raises ImageError."""
    started = time.monotonic()
    engine.build(name, {"SERVER": server, "DEBIAN": DEBIAN[server]}, labels())
    seconds = time.monotonic() - started
    print(f"{name}: built with {engine.name} in {seconds:.0f} s, {engine.size(name) / 1e6:.0f} MB unpacked", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Builds the Docker image.")
    parser.add_argument("--server", choices=NAMES, default="redis", help="default: redis")
    parser.add_argument("--engine", choices=("docker", "buildah"), help="default: what is here, in this order")
    parser.add_argument("--name", help=f"default: {' or '.join(NAMES.values())}")
    parser.add_argument("--archive", type=Path, help="a file to write the image to, for docker load")
    options = parser.parse_args()
    name = options.name or NAMES[options.server]
    try:
        with contextlib.closing(image_engines.choose(options.engine)) as engine:
            build(engine, options.server, name)
            if options.archive is not None:
                engine.archive(name, options.archive.resolve())
            if engine.name == "docker":
                print(f"Start it:  docker run --rm -p 6379:6379 -v redis-data:/data {name}")
            elif options.archive is None:
                print("It is in buildah's storage in build/image. For a machine with Docker: --archive FILE")
    except image_engines.ImageError as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
