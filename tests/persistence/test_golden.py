"""Files and payloads that released versions wrote load on every server. golden/make.py writes them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.servers import Server
from tests.trusted import plain

GOLDEN = Path(__file__).resolve().parent / "golden"
FILES = sorted(path.stem for path in GOLDEN.glob("*.json"))


def machines(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    return found


def check(raw: redis.Redis, machine: dict[str, Any]) -> None:
    key = bytes.fromhex(machine["key"])
    raw.execute_command("SELECT", machine["database"])
    assert raw.execute_command("SM.GET", key).decode() == machine["document"]
    assert [state.decode() for state in raw.execute_command("SM.STATE", key)] == machine["states"]
    assert raw.execute_command("PEXPIRETIME", key) == machine["expires"]
    assert plain(raw.execute_command("SM.HISTORY", key)) == machine.get("history", [])
    for words, answer in machine.get("answers", []):
        assert plain(raw.execute_command(*words)) == answer


def test_the_golden_files_are_there() -> None:
    assert {"1.0.0-flat", "1.0.0-chart", "2.0.0-data", "2.0.0-waiting", "2.0.0-past"} <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_the_file(start_server: Callable[..., Server], name: str) -> None:
    server = start_server()
    server.kill9()
    shutil.copy(GOLDEN / f"{name}.rdb", server.folder / "dump.rdb")
    server.start_again()
    wanted = machines(name)
    for _ in range(2):
        raw = server.raw(single_connection_client=True)
        for machine in wanted:
            check(raw, machine)
        server.own.execute_command("DEBUG", "RELOAD")
    keys = sum(database["keys"] for database in server.own.info("keyspace").values())
    assert len(wanted) <= keys <= len(wanted) + 2, "and some values of other types"


@pytest.mark.parametrize("name", FILES)
def test_the_payloads(server: Server, name: str) -> None:
    for machine in machines(name):
        raw = server.raw(single_connection_client=True)
        raw.execute_command("FLUSHALL")
        raw.execute_command("SELECT", machine["database"])
        expires = machine["expires"]
        key, payload = bytes.fromhex(machine["key"]), bytes.fromhex(machine["dump"])
        timing = (0,) if expires < 0 else (expires, "ABSTTL")
        assert raw.execute_command("RESTORE", key, timing[0], payload, *timing[1:]) == b"OK"
        check(raw, machine)
        document = raw.execute_command("SM.GET", key)
        assert raw.execute_command("SM.SET", "again", document) == b"OK"
        assert raw.execute_command("SM.GET", "again") == document
