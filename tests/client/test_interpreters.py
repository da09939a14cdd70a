"""The client on other Pythons than the one that runs the tests, as far as the machine has them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.servers import ROOT

VERSIONS = ("3.11", "3.12", "3.13", "3.14")

SCRIPT = """
import importlib, pkgutil
from dataclasses import dataclass
from typing import Literal, TypedDict
import redisstate
from redisstate.signatures import Signature

for module in pkgutil.walk_packages(redisstate.__path__, "redisstate."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)

@dataclass
class Card:
    number: str

class Address(TypedDict):
    city: "str"

def charge(amount: int, card: "Card | None", to: Address, way: Literal["post"] = "post") -> dict[str, str]: ...

given = {"amount": 1, "card": {"number": "7"}, "to": {"city": "Oslo"}}
print(Signature(charge).arguments(given, None))
"""
"""Imports every module, and reads annotations, which a new Python may evaluate otherwise."""


WORKS = "import ssl, sys; sys.exit(sys.version_info < (3, 11, 3))"
"""For an older one, redis-py wants a package more."""


def interpreter(version: str) -> Path | None:
    """One of that version that works: on PATH, or of pyenv, whose shims may be there for versions that are not."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    on_path = shutil.which(f"python{version}")
    places = [*([Path(on_path)] if on_path else []), *root.glob(f"versions/{version}.*/bin/python{version}")]
    for place in places:
        if subprocess.run([place, "-c", WORKS], capture_output=True, check=False).returncode == 0:
            return place
    return None


@pytest.mark.parametrize("version", [one for one in VERSIONS if one != f"3.{sys.version_info.minor}"])
def test_the_client_on_another_python(version: str) -> None:
    found = interpreter(version)
    if found is None:
        pytest.skip(f"there is no Python {version} here")
    paths = (ROOT / "client", sysconfig.get_path("purelib"))  # what the client needs is pure Python
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run([found, "-c", SCRIPT], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "((), {'amount': 1, 'card': Card(number='7'), 'to': {'city': 'Oslo'}})\n"
