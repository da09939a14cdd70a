"""Writes the golden files of the module's version: an RDB file, and a JSON file with payloads and expected replies.

    REDIS_SERVER=... python tests/persistence/golden/make.py [name]

Run once for each released version and each new kind of machine, with the oldest supported server, since an RDB file of
a newer one does not load there. The files are never changed: they are what that version stored.
``name`` (default: flat) is a key of CONTENTS.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))
from tests import corpus  # noqa: E402
from tests.core.chart_support import read_lines  # noqa: E402
from tests.persistence import test_data as kept  # noqa: E402
from tests.servers import Server  # noqa: E402
from tests.trusted import plain, take_steps  # noqa: E402

HERE = Path(__file__).resolve().parent
OLDEST = (7, 0)


def flat(server: Server) -> None:
    corpus.fill(server, 3)


def chart(server: Server) -> None:
    """The known statecharts after 0, 3 and 11 events, with history, parallel and final states."""
    for fixture in read_lines("known.jsonl"):
        for events in (0, 3, 11):
            key = f"{fixture['name']}:{events}"
            server.own.execute_command("SM.SET", key, json.dumps(fixture["config"]))
            for event in fixture["events"][:events]:
                if not event.get("error"):
                    server.own.execute_command("SM.SEND", key, event["event"])
        path = server.own.execute_command("SM.STATE", key)[0]
        server.own.execute_command("SM.MUTATE", key, path, "why not", "FORCE")


def data(server: Server) -> None:
    """Machines that keep a context, one of 16 KB, with and without a reason, an output, an error; one without data."""
    kept.fill(server.own)
    server.own.pexpireat("reason", 4_000_000_000_000)


def waiting(server: Server) -> None:
    """Machines that wait: for deadlines whose events are their ids' or say more, that wait, are due or have failed, for
    tasks that are active or reported; with and without a context."""
    r = server.own
    r.config_set("redisstate.fire-timers", "no")
    far, gone = 4_000_000_000_000, 1_000_000_000_000
    states = {"a": {"invoke": {"id": "t", "src": "work", "input": 1}, "after": {"PT1H": "b"}}, "b": {}}
    late = {"id": "xstate.after.PT1H.w.a", "event": {"type": "xstate.after.PT1H.w.a"}, "due": far}
    said = {"id": "é", "event": {"type": "SAY", "text": "ü"}, "due": far + 1}
    deadlines = [
        {**late, "timer": "xstate.after.PT1H.w.a@e8d4a51000abcde"},
        {**said, "timer": "é@e8d4a51000abcdf"},
        {"id": "", "event": {"type": "DUE"}, "due": gone, "status": "due", "timer": "@1"},
        {"id": "f", "event": {"type": "f"}, "due": gone, "status": "failed", "error": "missing", "timer": "f@2"},
    ]
    tasks = [
        {"id": "t", "src": "work", "input": {"n": [1, 2.5]}, "since": gone, "task": "t@e8d4a5100012345"},
        {"id": "u", "src": "other", "since": gone, "status": "reported", "task": "u@3"},
    ]
    for name, more, waits in (
        ("both", {}, {"deadlines": deadlines, "tasks": tasks}),
        ("deadlines", {"context": {"n": 1}}, {"deadlines": deadlines, "context": {"n": 2}}),
        ("tasks", {}, {"deadlines": [], "tasks": tasks}),
        ("nothing", {}, {"deadlines": []}),
    ):
        chart = {"id": "w", "initial": "a", "states": states, **more, "current": "a"}
        r.execute_command("SM.SET", name, json.dumps({**chart, "snapshot": {"status": "active", **waits}}))
    r.execute_command("SM.SET", "done", '{"initial":"a","states":{"a":{"type":"final"},"b":{"after":{"9":"a"}}}}')


def past(server: Server) -> dict[str, object]:
    """Machines that keep a history, tokens, and a TTL that ends in a hundred years; what answers the tokens have."""
    answers: dict[str, list[object]] = {}
    for words, answer in take_steps(server.own.execute_command, expire="36500d").items():
        answers.setdefault(words[1], []).append([words, answer])
    return {key: {"answers": said} for key, said in answers.items()}


CONTENTS: dict[str, Callable[[Server], dict[str, object] | None]] = {
    "flat": flat, "chart": chart, "data": data, "waiting": waiting, "past": past,
}  # fmt: skip
"""What fills a server, by the second part of the files' names. It may say more of some keys."""


def write(name: str) -> list[Path]:
    """Fills a server, and writes <version>-<name>.rdb and .json. Exits if they exist."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), settings={"rdbcompression": "no"})
        if server.binary.version[:2] != OLDEST:
            sys.exit(f"{server.binary.name} is not {OLDEST[0]}.{OLDEST[1]}: name one with REDIS_SERVER=")
        server.start()
        try:
            version = server.info()["version"]
            files = [HERE / f"{version}-{name}{ending}" for ending in (".rdb", ".json")]
            for file in files:
                if file.exists():
                    sys.exit(f"{file} exists, and golden files are never changed")
            more = CONTENTS[name](server) or {}
            server.own.save()
            files[0].write_bytes((Path(folder) / "dump.rdb").read_bytes())
            text = json.dumps(machines(server, more), indent=1, ensure_ascii=False)
            files[1].write_text(text + "\n", encoding="utf-8")
        finally:
            server.stop()
    return files


def machines(server: Server, more: dict[str, Any]) -> list[dict[str, object]]:
    """Every machine: database, key, payload, the replies of SM.GET, SM.STATE and SM.HISTORY, the time of expiry."""
    found = []
    for db in (0, 7):
        raw = server.raw(db=db)
        for key in sorted(raw.execute_command("KEYS", "*")):
            if raw.execute_command("TYPE", key) == b"StateType":
                found.append(
                    {
                        "database": db,
                        "key": key.hex(),
                        "document": raw.execute_command("SM.GET", key).decode(),
                        "states": [state.decode() for state in raw.execute_command("SM.STATE", key)],
                        "expires": raw.execute_command("PEXPIRETIME", key),
                        "history": plain(raw.execute_command("SM.HISTORY", key)),
                        "dump": raw.execute_command("DUMP", key).hex(),
                        **more.get(key.decode(errors="replace"), {}),
                    }
                )
    return found


if __name__ == "__main__":
    for path in write(*(sys.argv[1:] or ["flat"])):
        print(path.relative_to(ROOT), path.stat().st_size)
