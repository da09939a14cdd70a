"""What the module's C reads of DATA and of contexts is what Python reads, whatever stands in them."""

from __future__ import annotations

import random
from typing import Any

import redis

from sm_core import EngineError, Limits, explain
from sm_core.arguments import event_of
from sm_core.document import parse_value, to_json
from tests.servers import Server

PIECES = [
    *'{}[]:,"\\ \t\n-.eE0123', "\\u0061", "\\ud800", '"a"', '"b"', '":"', '"{"', "1", "-0", "01", "1.5", "-0.0",
    "1e5", "1e999", "1e-999", "9" * 18, "9" * 19, "-" + "9" * 18, "9223372036854775807", "9223372036854775808",
    "0." + "1" * 80, "null", "true", "false", "tru", "NaN", "é", "\udcff", "\x01",
    "\x7f", '{"a":', ',"b":', "}", '"type":1',
]  # fmt: skip
ECHO = to_json({
    "initial": "s", "states": {"s": {"on": {"GO": {"actions": {"type": "said", "params": {"@expr": "event"}}}}}}
})  # fmt: skip
SEED = 20


def sent(r: redis.Redis, key: str, *words: str | bytes) -> Any:
    try:
        return r.execute_command("SM.SEND", key, *words)
    except redis.ResponseError as error:
        return str(error)


def wanted(data: bytes) -> str:
    """The effect that a step with these DATA asks for, or its error."""
    try:
        return to_json({"type": "said", "params": event_of("GO", data, Limits())})
    except EngineError as error:
        return explain(error)


def test_data_are_read_as_python_reads_them(server: Server) -> None:
    rng = random.Random(SEED)
    r = server.own
    r.execute_command("SM.SET", "k", ECHO)
    texts = [
        "{}",
        '{"amount": 20}',
        ' {"a":1}',
        '{"a":1} ',
        '{"a" : 1 , "b":-2.5e3}',
        '{"a":1,"a":2}',
        '{"a":"\udcff"}',
    ]
    for _ in range(3000):
        inside = "".join(rng.choice(PIECES) for _ in range(rng.randrange(8)))
        texts += [inside, f'{{"a":{inside}}}', f'{{"a":1,"b":{inside}, "c" :true}}', f'{{"{inside}":1}}']
    for text in texts:
        data = text.encode("utf-8", "surrogateescape")
        answer = sent(r, "k", "GO", "DATA", data, "EFFECTS")
        assert (answer[3][0] if isinstance(answer, list) else answer) == wanted(data), data


NAMES = ["a", "b", "c", 'x"a', "x,", "\\", "é", "[", "}"]


def value(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.randrange(9 if depth < 3 else 7)
    if kind < 2:
        return rng.choice([0, 1, -1, 10**17, 10**18, 2**63 - 1, -(2**63), 2**63, 10**30])
    if kind < 4:
        return rng.choice([0.5, -0.0, 1e300, 5e-324, True, False, None])
    if kind < 7:
        return rng.choice(
            ["", ",", '","a":', '"a":1,', "{", "]}", "[", "\\", "é", "\n", "\x7f", "x" * rng.randrange(700)]
        )
    if kind == 7:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return context_of(rng, depth + 1)


def context_of(rng: random.Random, depth: int = 0) -> dict[str, Any]:
    return {name: value(rng, depth) for name in rng.sample(NAMES, rng.randrange(6))}


def document(context: dict[str, Any], assigned: list[str], read: str) -> str:
    assign = {"type": "@xstate.assign", "context": {name: {"@expr": "event.value"} for name in assigned}}
    shown = {"type": "said", "params": {"@expr": f"context[{to_json(read)}]"}}
    return to_json({"initial": "s", "context": context, "states": {"s": {"on": {"GO": {"actions": [assign, shown]}}}}})


def test_a_context_ends_as_if_it_had_been_read_and_written_whole(server: Server) -> None:
    rng = random.Random(SEED)
    r = server.own
    taken = 0
    for _ in range(600):
        context, given = context_of(rng), value(rng)
        assigned, read = rng.sample(NAMES, rng.randrange(1, 4)), rng.choice(NAMES)
        r.execute_command("SM.SET", "k", document(context, assigned, read))
        answer = sent(r, "k", "GO", "DATA", to_json({"value": given}).encode(), "EFFECTS")
        now = {**context, **dict.fromkeys(assigned, given)}
        outside = [one for one in (given, now.get(read)) if type(one) is int and not -(2**63) <= one < 2**63]
        if read not in now or outside:
            assert isinstance(answer, str) and answer.startswith("EXPR "), answer
            now = context
        else:
            taken += 1
            assert answer[3] == [to_json({"type": "said", "params": now[read]})]
        kept = r.execute_command("SM.GET", "k", "CONTEXT")
        assert kept == to_json(now) == to_json(parse_value(kept.encode(), Limits()))
    assert taken > 100
