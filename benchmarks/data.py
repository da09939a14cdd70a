"""Rows: machines with data, compared with what does the same without them."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from tests.documents import compact
from tests.servers import Server
from tools import servers

from .bench import Bench, BenchmarkError, Costs, Row, add_row, interleaved, median_text, ratios
from .documents import STATES, key, shuffled, stores, toggles
from .load import Clients, traffic
from .storage import filled

KEYS = 1024
_LARGE = 2**53
"""An amount that no run reaches."""

CONTEXT = {"total": _LARGE, "paid": 0, "customer": "ann", "items": ["a1", "b2"], "express": True}
ASSIGN = {"type": "@xstate.assign", "context": {"paid": {"@expr": "context.paid + event.amount"}}}
PAYMENTS = compact({
    "id": "payments", "initial": "open", "context": CONTEXT,
    "states": {"open": {"on": {"PAY": {"guard": {"@expr": "context.paid + event.amount <= context.total"},
                                       "actions": ASSIGN}}}},
})  # fmt: skip
DATA = '{"amount": 20}'

SCRIPT = """
local order = cjson.decode(redis.call('GET', KEYS[1]))
local event = cjson.decode(ARGV[1])
if order.state ~= 'open' or order.paid + event.amount > order.total then return false end
order.paid = order.paid + event.amount
redis.call('SET', KEYS[1], cjson.encode(order))
return {order.state}
"""
SCRIPT_SHA = hashlib.sha1(SCRIPT.encode()).hexdigest()

FIRST, SECOND = STATES
VERSIONS = {"cel-python": "0.5.0", "cel-expr-python": "0.1.3"}


def two_states(transition: dict[str, object], context: object = None) -> str:
    """A chart of two states, each with a transition to the other whose event is that state's name."""
    states = {
        one: {"on": {other: {"target": other, **transition}}} for one, other in ((FIRST, SECOND), (SECOND, FIRST))
    }
    said = {} if context is None else {"context": context}
    return compact({"id": "two", "initial": FIRST, **said, "states": states})


def run(bench: Bench) -> None:
    steps(bench)
    replicated(bench)
    memory(bench)
    guards(bench)


def steps(bench: Bench) -> None:
    """A chart with a context of 1 KB, one whose guards the client decides, one with a guard and an assignment."""
    large = two_states({}, {"text": "x" * 1010})
    names = {kind: shuffled(kind, range(KEYS)) for kind in "clgh"}
    hset = toggles(names["h"], lambda name, _, to: ("HSET", name, "state", to))
    untouched = toggles(names["l"], lambda name, _, to: ("SM.SEND", name, to))
    guarded = toggles(names["g"], lambda name, _, to: ("SM.SEND", name, to, "GUARDS", "1", "isVip"))
    pay = stores(names["c"], lambda name: ("SM.SEND", name, "PAY", "DATA", DATA))
    lua = stores(shuffled("s", range(KEYS)), lambda name: ("EVALSHA", SCRIPT_SHA, "1", name, DATA))
    rows = [
        ("send-untouched", "SM.SEND that touches no data, context of 1 KB", "HSET of one field", 1.20, untouched, hset),
        ("send-guards", "SM.SEND with GUARDS, seen before", "HSET of one field", 1.30, guarded, hset),
        ("send-data", "SM.SEND with DATA, one guard, one assignment", "EVALSHA that does the same with cjson", 1.25,
         pay, lua),
    ]  # fmt: skip
    pairs: dict[str, list[Costs]] = {row[0]: [] for row in rows}
    for _ in range(bench.repetitions):
        with bench.server() as server, Clients(server) as clients:
            own = server.own
            order = [(kind, number) for kind in "clghs" for number in range(KEYS)]
            random.Random(7).shuffle(order)
            documents = {"c": PAYMENTS, "l": large, "g": two_states({"guard": "isVip"})}
            for kind, number in order:
                name = key(kind, number)
                if kind == "h":
                    own.hset(name, "state", FIRST)
                elif kind == "s":
                    own.set(name, compact({"state": "open", **CONTEXT}))
                else:
                    own.execute_command("SM.SET", name, documents[kind])
            if own.script_load(SCRIPT) != SCRIPT_SHA:
                raise BenchmarkError("EVALSHA would not find its script")
            for name, _, _, _, measured, reference in rows:
                sides = [clients.batch(load, bench.batch_seconds) for load in (measured, reference)]
                pairs[name] += interleaved(bench, *sides, repetitions=1)
    for name, what, against, bound, _, _ in rows:
        add_row(bench, name, f"CPU of {what}", against, bound, pairs[name])


def replicated(bench: Bench) -> None:
    """Bytes that a replica is sent for a step that changes one member of a context of 16 KB."""
    chart = compact({"id": "wide", "initial": "open", "context": {"n": 0, "text": "x" * (16 << 10)},
                     "states": {"open": {"on": {"ADD": {"actions": {
                         "type": "@xstate.assign", "context": {"n": {"@expr": "context.n + 1"}}}}}}}})  # fmt: skip
    count = 100
    with bench.server() as server:
        own = server.own
        own.execute_command("SM.SET", "wide", chart)
        with bench.server(replicaof=f"127.0.0.1 {server.port}") as replica:
            wait_for_link(replica)
            before = int(server.info("replication")["master_repl_offset"])
            for _ in range(count):
                own.execute_command("SM.SEND", "wide", "ADD")
            sent = int(server.info("replication")["master_repl_offset"]) - before
    bench.rows.append(
        Row("replicated", "Bytes replicated by a step that changes one member of 16 KB", "", 1024.0, (sent / count,),
            unit="B")
    )  # fmt: skip


def wait_for_link(replica: Server) -> None:
    deadline = time.monotonic() + 30
    while replica.info("replication")["master_link_status"] != "up":
        if time.monotonic() > deadline:
            raise BenchmarkError("the replica does not reach its primary")
        time.sleep(0.01)


def memory(bench: Bench) -> None:
    """A machine with a context of 100 bytes, and a string of them with a hash of two fields."""
    count = bench.size(300_000, 50_000)
    context = {"text": "x" * 89}
    if len(compact(context)) != 100:
        raise BenchmarkError("the context does not have 100 bytes")
    document = two_states({}, context)
    with bench.server() as with_machines, bench.server() as with_both:
        machines = filled(with_machines, stores([key("m", n) for n in range(count)],
                                                lambda name: ("SM.SET", name, document)))  # fmt: skip
        commands = [
            command
            for n in range(count)
            for command in (("SET", key("s", n), "x" * 100), ("HSET", key("h", n), "state", "open", "by", "ann"))
        ]
        both = 2 * filled(with_both, traffic([commands], writes=True))
    pairs = [(machines, both)] * bench.repetitions
    bench.rows.append(
        Row("context-memory", "Memory of a machine with a context of 100 bytes", "a string of them and a hash",
            1.00, ratios(pairs), measured=median_text(pairs, 0, "B", digits=1),
            reference=median_text(pairs, 1, "B", digits=1))
    )  # fmt: skip


GUARD = "context.paid >= context.total && context.n < 3"
SCOPE = {"paid": 5, "total": 4, "n": 1}
OTHERS = {
    "cel-python": (
        100,
        """
import celpy
environment = celpy.Environment()
program = environment.program(environment.compile(GUARD))
data = {"context": celpy.json_to_cel(SCOPE)}
def evaluate():
    return program.evaluate(data)
""",
    ),
    "cel-expr-python": (
        5,
        """
from cel_expr_python import cel
environment = cel.NewEnv(variables={"context": cel.Type.DYN})
program = environment.compile(GUARD, disable_check=True)
data = {"context": SCOPE}
def evaluate():
    return program.eval(data=data).value()
""",
    ),
}
"""Other implementations in Python: how many times as long they may take at least, and how they are called."""

OURS = """
from sm_core.cel import Scope, compile_expression
program = compile_expression(GUARD)
scope = Scope(SCOPE, None, None, None, 0, None, 1 << 62)
def evaluate():
    return program.evaluate(scope)
"""
_TIMES = """
import timeit
assert evaluate()
count = 2000
print(min(timeit.repeat(evaluate, number=count, repeat=15)) / count)
"""


def guards(bench: Bench) -> None:
    """Each in a process of its own, in turns."""
    folder = servers.WHEELS / "expressions"
    packages = [f"{name}=={VERSIONS[name]}" for name in OTHERS]
    if not folder.exists():
        try:
            servers.pip_install("--target", str(folder), *packages)
        except subprocess.CalledProcessError as error:
            raise BenchmarkError(f"{packages} could not be installed: pip ended with {error.returncode}") from None
    times: dict[str, list[float]] = {name: [] for name in ("", *OTHERS)}
    for _ in range(bench.repetitions):
        for name in times:
            code = OTHERS[name][1] if name else OURS
            times[name].append(seconds(f"GUARD = {GUARD!r}\nSCOPE = {SCOPE!r}\n{code}{_TIMES}", folder))
    for name, (factor, _) in OTHERS.items():
        pairs = list(zip(times[""], times[name], strict=True))
        bench.rows.append(
            Row(f"guard-{name}", "A guard with two comparisons, in the engine alone", name, 1 / factor, ratios(pairs),
                measured=median_text(pairs, 0, "µs", 1e6, 2), reference=median_text(pairs, 1, "µs", 1e6, 2))
        )  # fmt: skip


def seconds(code: str, packages: Path) -> float:
    """What the program prints."""
    path = os.pathsep.join((str(servers.ROOT), str(packages)))
    run = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if run.returncode:
        raise BenchmarkError(run.stderr)
    return float(run.stdout)
