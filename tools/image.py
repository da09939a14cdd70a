"""``make image``: builds the Docker image.

    python tools/image.py [--engine docker|buildah] [--name redis-state-machine] [--archive FILE]

A Docker engine builds it where one answers; else buildah does (as root, with debootstrap), without any image
registry. --archive also writes the image to a file, which ``docker load --input FILE`` takes on another machine.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import image_engines

NAME = "redis-state-machine"


def build(engine: image_engines.Engine, name: str) -> None:
    """Builds the image and says how large it is and how long it took. Raises ImageError."""
    started = time.monotonic()
    engine.build(name)
    seconds = time.monotonic() - started
    print(f"{name}: built with {engine.name} in {seconds:.0f} s, {engine.size(name) / 1e6:.0f} MB unpacked", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Builds the Docker image.")
    parser.add_argument("--engine", choices=("docker", "buildah"), help="default: what is here, in this order")
    parser.add_argument("--name", default=NAME, help=f"default: {NAME}")
    parser.add_argument("--archive", type=Path, help="a file to write the image to, for docker load")
    options = parser.parse_args()
    try:
        with contextlib.closing(image_engines.choose(options.engine)) as engine:
            build(engine, options.name)
            if options.archive is not None:
                engine.archive(options.name, options.archive.resolve())
            if engine.name == "docker":
                print(f"Start it:  docker run --rm -p 6379:6379 -v redis-data:/data {options.name}")
            elif options.archive is None:
                print("It is in buildah's storage in build/image. For a machine with Docker: --archive FILE")
    except image_engines.ImageError as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
