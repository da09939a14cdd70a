"""``redisstate watch``, ``top`` and ``worker``: what goes on for a while."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from redisstate import Machine
from redisstate.cli.top import Tally, scan
from tests.client.command_line import MAP, ORDER, Shell, environment, rest_of, write
from tests.servers import Server, wait_until


@pytest.fixture
def shell(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, order=ORDER, map=MAP)
    server.config("notify-keyspace-events", "Kg")
    return Shell(server)


def listening(r: redis.Redis) -> bool:
    return bool(r.pubsub_channels())


def watched(shell: Shell, *words: str, moves: list[Callable[[], Any]]) -> list[str]:
    """The lines of ``watch``, with moves made when the first is there, and then one line after another."""
    process = shell.start("watch", *words, "--timeout", "60")
    assert process.stdout is not None
    lines = [process.stdout.readline()]
    for move in moves:
        move()
        lines.append(process.stdout.readline())
    rest, said = rest_of(process)
    assert (process.returncode, said) == (0, "")
    return "".join([*lines, rest]).splitlines()


def without_time(line: str) -> str:
    assert re.match(r"[-\d]{10} [:\d]{8}  ", line), line
    return line[21:]


# watch


def test_each_step_is_shown_as_it_happens(shell: Shell, r: redis.Redis) -> None:
    order = Machine(r, "order:1")
    order.set(ORDER, input={"total": 30})
    pay = [lambda: order.send("PAY", amount=10, reason="cash"), lambda: order.send("PAY", amount=20)]
    assert list(map(without_time, watched(shell, "order:1", "--until", "paid", moves=pay))) == [
        "open  revision 1",
        "PAY  open  revision 2  cash",
        "PAY  open → paid  revision 3",
    ]


def test_steps_between_two_looks_are_taken_from_the_history(shell: Shell, r: redis.Redis) -> None:
    order = Machine(r, "order:1")
    order.set(ORDER, input={"total": 30})

    def thrice() -> None:
        pipeline = r.pipeline()
        for _ in range(3):
            pipeline.execute_command("SM.SEND", "order:1", "PAY", "DATA", '{"amount": 10}', "REASON", "cash")
        pipeline.execute()

    lines = watched(shell, "order:1", "--until", "paid", moves=[thrice])
    assert list(map(without_time, lines[1:])) == [
        "PAY  open  revision 2  cash",
        "PAY  open  revision 3  cash",
        "PAY  open → paid  revision 4  cash",
    ]


def test_steps_are_lines_of_json(shell: Shell, r: redis.Redis) -> None:
    machine = Machine(r, "m")
    machine.set(MAP)
    moves = [lambda: machine.send("placed"), lambda: machine.send("paid")]
    steps = [json.loads(line) for line in watched(shell, "m", "--until", "paid", "--json", moves=moves)]
    assert [(step.get("event"), step["from"], step["to"]) for step in steps] == [
        (None, [], ["cart"]),
        ("sm.send", ["cart"], ["placed"]),
        ("sm.send", ["placed"], ["paid"]),
    ]


def test_a_machine_that_comes_and_goes_is_watched(shell: Shell, r: redis.Redis) -> None:
    machine = Machine(r, "m")
    moves = [
        lambda: machine.set(MAP),
        lambda: r.expire("m", 100),
        machine.delete,
        lambda: machine.set(MAP, current="paid"),
    ]
    assert list(map(without_time, watched(shell, "m", "--until", "paid", moves=moves))) == [
        "no machine",
        "sm.set  no machine → cart",
        "expire  cart",
        "del  cart → no machine",
        "sm.set  no machine → paid  done",
    ]


def test_a_server_without_keyspace_events_is_told_plainly(shell: Shell) -> None:
    shell.server.config("notify-keyspace-events", "Ex")
    said = shell.failed("watch", "m", status=3)
    assert "publishes no keyspace events of machines (notify-keyspace-events is 'xE')" in said
    assert "CONFIG SET notify-keyspace-events xEKg" in said
    shell.server.config("notify-keyspace-events", "KA")
    assert shell.run("watch", "m", "--timeout", "0").exit_code == 0


def test_who_may_not_ask_for_the_setting_watches_all_the_same(shell: Shell, r: redis.Redis) -> None:
    Machine(r, "m").set(MAP)
    r.execute_command("ACL", "SETUSER", "ann", "on", ">x", "~*", "&*", "+@all", "-config")
    try:
        result = shell.run("watch", "m", "--until", "cart", url=shell.url.replace("//", "//ann:x@"))
    finally:
        r.execute_command("ACL", "DELUSER", "ann")
    assert (result.exit_code, result.stdout[21:]) == (0, "cart\n")
    assert "may not ask whether" in result.stderr


def test_who_waits_in_vain_is_told_by_the_exit_status(shell: Shell, r: redis.Redis) -> None:
    Machine(r, "m").set(MAP)
    assert shell.run("watch", "m", "--until", "paid", "--timeout", "0.05").exit_code == 1
    assert shell.run("watch", "m", "--until", "cart").exit_code == 0


def test_ctrl_c_ends_it_quietly(shell: Shell, r: redis.Redis) -> None:
    wait_until(lambda: not listening(r), "the server has heard that those of other tests are gone")
    process = shell.start("watch", "m")
    wait_until(lambda: listening(r), "it watches")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "")


def test_a_server_that_goes_away_is_told(shell: Shell, start_server: Any) -> None:
    server = start_server(settings={"notify-keyspace-events": "Kg"})
    process = Shell(server).start("watch", "m")
    wait_until(lambda: listening(server.own), "it watches")
    server.stop()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 3
    assert said.startswith("redisstate: cannot reach redis://127.0.0.1:")


# top


def fill(r: redis.Redis) -> None:
    for number in range(3):
        Machine(r, f"map:{number}").set(MAP)
    Machine(r, "map:2").send("placed")
    for number in range(5):
        Machine(r, f"order:{number}").set(ORDER, input={"total": 1})
    r.set("other", "no machine")


def test_machines_are_counted_by_definition_and_state(shell: Shell, r: redis.Redis) -> None:
    fill(r)
    lines = shell.done("top", "--interval", "0.1").splitlines()
    assert lines[0] == "8 machines; 5 deadlines, 0 tasks"
    assert [line.split() for line in lines[3:]] == [
        ["definition", "states", "machines"],
        ["order@2", "open", "5"],
        ["a", "map", "without", "an", "id", "cart", "2"],
        ["placed", "1"],
    ]


def test_what_moves_machines_is_counted_a_second(shell: Shell, r: redis.Redis) -> None:
    fill(r)
    ended = threading.Event()

    def send() -> None:
        while not ended.is_set():
            Machine(r, "order:0").send("PAY", amount=0)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        found = shell.json("top", "--interval", "0.3")
    finally:
        ended.set()
        thread.join()
    assert found["per_second"]["SM.SEND"] > 0
    assert found["per_second"]["SM.MUTATE"] == 0
    assert (found["machines"], found["looked_at"]) == (8, 8)
    assert found["by_state"][0] == {"definition": "order@2", "states": ["open"], "machines": 5}


def test_a_scan_asks_in_portions_and_stops_where_it_is_to(server: Server, r: redis.Redis) -> None:
    pipeline = r.pipeline(transaction=False)
    for number in range(1000):
        pipeline.execute_command("SM.SET", f"m:{number}", json.dumps(MAP))
    pipeline.execute()
    tally = Tally()
    pauses = list(scan([r], 10_000, tally))
    assert (tally.looked_at, tally.whole) == (1000, True)
    assert len(pauses) >= 8
    assert min(pauses) > 0
    tally = Tally()
    assert len(list(scan([r], 150, tally))) <= 3
    assert (tally.looked_at, tally.whole) == (150, False)


def test_at_a_terminal_it_goes_on_until_ctrl_c(shell: Shell, r: redis.Redis) -> None:
    fill(r)
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "redisstate", "top", "--interval", "0.1"],
        env=environment(shell.url, TERM="xterm", COLUMNS="80", LINES="24"),
        stdin=end, stdout=end, stderr=end, start_new_session=True, preexec_fn=lambda: None,
    )  # fmt: skip
    os.close(end)
    shown = b""

    def read() -> bytes:
        nonlocal shown
        if select.select([terminal], [], [], 0.05)[0]:
            shown += os.read(terminal, 65536)
        return shown

    wait_until(lambda: read().count(b"8 machines") >= 2, "two pictures")
    process.send_signal(signal.SIGINT)
    wait_until(lambda: b"\x1b[?1049l" in read(), "the terminal as it was before")
    assert process.wait(60) == 130
    assert b"order@2" in shown
    assert b"Traceback" not in shown
    os.close(terminal)


# worker

MODULE = """
from redis import Redis
from redisstate import Worker

jobs = Worker(Redis.from_url({url!r}), stream="effects", group="bank")

@jobs.task("bank")
def charge(amount: int) -> dict:
    return {{"receipt": amount}}
"""
TASK = {
    "id": "t",
    "initial": "a",
    "context": {"receipt": None},
    "store": {"outbox": {"stream": "effects"}},
    "states": {
        "a": {
            "invoke": {
                "id": "charge",
                "src": "bank",
                "input": {"amount": 3},
                "onDone": {"target": "b", "context": {"receipt": {"@expr": "event.output.receipt"}}},
            }
        },
        "b": {"type": "final"},
    },
}


def test_a_worker_of_a_module_is_run(shell: Shell, r: redis.Redis, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(MODULE.format(url=shell.url))
    task = Machine(r, "t:1")
    task.set(TASK)
    process = shell.start("worker", "shop:jobs", "-q", cwd=tmp_path)
    wait_until(lambda: task.status == "done" or process.poll() is not None, "the task is done")
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "1 done" in said
    assert task.context == {"receipt": 3}


def test_a_worker_does_what_is_there_and_ends(shell: Shell, r: redis.Redis, tmp_path: Path) -> None:
    (tmp_path / "drained.py").write_text(MODULE.format(url=shell.url))
    task = Machine(r, "t:1")
    task.set(TASK)
    process = shell.start("worker", "drained:jobs", "--drain", cwd=tmp_path)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert task.status == "done"


def test_a_worker_that_is_not_there_is_told(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "worker_module.py").write_text(
        "class Jobs:\n    run = drain = counters = None\njobs = Jobs()\nother = 1\n"
    )
    (tmp_path / "broken_module.py").write_text("import nothing_of_that_name\n")
    assert "There is no module nowhere" in shell.failed("worker", "nowhere.at:all", status=2)
    assert "It has: jobs." in shell.failed("worker", "worker_module", status=2)
    assert "of the type int" in shell.failed("worker", "worker_module:other", status=2)
    with pytest.raises(ModuleNotFoundError, match="nothing_of_that_name"):
        shell.run("worker", "broken_module:jobs")
