"""An engine that says "ask again" of some steps: what it answers is not remembered, and it is asked each time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.documents import flat
from tests.servers import MODULE, Server

DOCUMENT = flat({"a": ["b", "c"], "b": ["a"], "c": ["a"]}, "a")

PATCH = """
from sm_core.flat import FlatDefinition

_known_give = FlatDefinition.give


def _give(definition, configuration, *given):
    outcome = _known_give(definition, configuration, *given)
    return outcome and outcome._replace(ask_again=configuration == b"c")


FlatDefinition.give = _give
"""


def forgetful(folder: Path) -> Path:
    """A copy of the module whose engine says so of every step out of the state c."""
    folder.mkdir()
    shutil.copy(MODULE, folder / "redisstate.so")
    shutil.copytree(MODULE.with_suffix(""), folder / "redisstate")
    boundary = folder / "redisstate" / "module" / "boundary.py"
    boundary.write_text(boundary.read_text() + PATCH)
    return folder / "redisstate.so"


def test_a_step_that_is_asked_again(start_server: Callable[..., Server], tmp_path: Path) -> None:
    server = start_server(module=forgetful(tmp_path / "module"))
    r = server.client()
    r.execute_command("SM.SET", "k", DOCUMENT)

    def asked(*command: str) -> int:
        """How often the engine was asked for a command, which is taken."""
        before = server.info()["engine_calls"]
        assert r.execute_command(*command)
        return int(server.info()["engine_calls"] - before)

    def round_by(state: str, *options: str) -> list[int]:
        return [asked("SM.SEND", "k", state, *options), asked("SM.SEND", "k", "a", *options)]

    assert [round_by("b") for _ in range(3)] == [[1, 1], [0, 0], [0, 0]]
    assert [round_by("c") for _ in range(3)] == [[1, 1], [0, 1], [0, 1]]
    assert [round_by("c", "ACTIONS") for _ in range(2)] == [[1, 1], [0, 1]]
    edges = server.info()["edges"]
    for _ in range(300):  # more than the counts of a cached edge lag by
        assert round_by("c") == [0, 1]
    assert server.info()["edges"] == edges
    r.delete("k")
    server.wait_info(machines=0, definitions=0, nodes=0, edges=0, occupied_nodes_bytes=0)
