"""Random documents and random commands, in both protocols: the server, which answers from its memory, against a
model of ten lines and against the engine asked directly, which remembers nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sm_core import DocumentError, Given, Limits, Machine, Outcome, compile_document
from tests.documents import compact
from tests.servers import Server

NAMES = st.one_of(
    st.sampled_from(["a", "b", "c", "d", ""]),
    st.text(st.characters(codec="utf-8"), max_size=4),
)
ROWS = st.dictionaries(NAMES, st.lists(NAMES, max_size=4), max_size=5)
Play = tuple[dict[str, list[str]], str, list[tuple[Any, ...]]]
"""Rows, initial state, commands."""
REASONS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(
    lambda reason: reason.upper() not in {"DATA", "GUARDS", "REASON"}  # alone, the name of an option lacks its value
)


class Model:
    """A flat machine: ten lines that decide."""

    def __init__(self, rows: dict[str, list[str]], initial: str) -> None:
        self.rows, self.initial = rows, initial
        self.known = list(dict.fromkeys([n for key, row in rows.items() for n in (key, *row)] + [initial]))
        self.current, self.reason = initial, ""

    def mutate(self, state: str, reason: str = "", force: bool = False) -> bytes | None:
        if state not in self.known or not (force or state in self.rows.get(self.current, [])):
            return None
        self.current, self.reason = state, reason
        return b"OK"

    def reset(self) -> bytes:
        self.current, self.reason = self.initial, ""
        return b"OK"

    def document(self) -> bytes:
        reason = {"reason": self.reason} if self.reason else {}
        members = {"current": self.current, "map": self.rows, "initial": self.initial, **reason}
        return compact(members).encode()


class Engine:
    """The engine, asked every time."""

    def __init__(self, document: str) -> None:
        compiled = compile_document(document.encode(), Limits())
        assert compiled.machine is not None
        self.definition, self.machine = compiled.definition, compiled.machine

    def mutate(self, state: str, reason: str = "", force: bool = False) -> bytes | None:
        ask = self.definition.force if force else self.definition.mutate
        return self.take(ask(self.machine, state, Given()))

    def send(self, event: str) -> list[bytes] | None:
        return self.states() if self.take(self.definition.send(self.machine, event, Given())) else None

    def reset(self) -> bytes | None:
        return self.take(self.definition.start(Given()))

    def take(self, move: Outcome | None) -> bytes | None:
        if move is None:
            return None
        self.machine = Machine(move.configuration)
        return b"OK"

    def states(self) -> list[bytes]:
        return [state.encode() for state in self.definition.states(self.machine.configuration)]


@st.composite
def plays(draw: st.DrawFn) -> Play:
    rows = draw(ROWS)
    named = [name for key, row in rows.items() for name in (key, *row)]
    state = st.one_of(st.sampled_from(named), NAMES) if named else NAMES
    command = st.one_of(
        st.tuples(st.just("mutate"), state),
        st.tuples(st.just("mutate"), state, REASONS),
        st.tuples(st.just("mutate"), state, REASONS, st.just(True)),
        st.tuples(st.just("send"), state),
        st.just(("reset",)),
        st.just(("again",)),
        st.just(("dump",)),
    )
    initial = st.sampled_from(named) if named else NAMES
    return rows, draw(initial), draw(st.lists(command, max_size=12))


def check(raw: redis.Redis, model: Model, engine: Engine) -> None:
    """Every reply that reads."""
    definition, machine = engine.definition, engine.machine
    assert raw.execute_command("SM.GET", "k", "CURRENT") == definition.current(machine.configuration).encode()
    assert raw.execute_command("SM.GET", "k", "INITIAL") == definition.initial.encode()
    assert raw.execute_command("SM.STATE", "k") == engine.states()
    assert raw.execute_command("SM.STATE", "k", "LIST") == [name.encode() for name in definition.rows]
    assert raw.execute_command("SM.STATE", "k", "ALL") == [name.encode() for name in definition.known]
    assert raw.execute_command("SM.NEXT", "k") == [name.encode() for name in definition.next(machine)]
    for name in definition.known:
        assert raw.execute_command("SM.CAN", "k", name) == int(definition.can(machine, name, Given()))
    document = model.document()
    assert raw.execute_command("SM.GET", "k") == document
    assert raw.execute_command("SM.GET", "k", "CURRENT") == model.current.encode()
    assert raw.execute_command("SM.GET", "k", "INITIAL") == model.initial.encode()
    assert raw.execute_command("SM.GET", "k", "REASON") == model.reason.encode()
    assert raw.execute_command("SM.STATE", "k") == [model.current.encode()]
    assert raw.execute_command("SM.STATE", "k", "LIST") == [name.encode() for name in model.rows]
    assert raw.execute_command("SM.STATE", "k", "ALL") == [name.encode() for name in model.known]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(plays(), st.integers(0, 2))
def test_against_the_model(server: Server, raw: redis.Redis, play: Play, indent: int) -> None:
    rows, initial, commands = play
    model = Model(rows, initial)
    document = json.dumps({"initial": initial, "map": rows}, indent=indent or None, ensure_ascii=bool(indent))
    assert raw.execute_command("SM.SET", "k", document) == b"OK"
    engine = Engine(document)
    check(raw, model, engine)
    for name, *arguments in commands:
        if name == "mutate":
            words = [*arguments[:2], "FORCE"] if len(arguments) == 3 else arguments
            reply = raw.execute_command("SM.MUTATE", "k", *words)
            assert reply == model.mutate(*arguments)
            assert reply == engine.mutate(*arguments)
        elif name == "send":
            reply = raw.execute_command("SM.SEND", "k", *arguments)
            assert reply == (model.mutate(*arguments) and [model.current.encode()])
            assert reply == engine.send(*arguments)
        elif name == "reset":
            reply = raw.execute_command("SM.RESET", "k")
            assert reply == model.reset()
            assert reply == engine.reset()
        elif name == "again":
            assert raw.execute_command("SM.SET", "k", raw.execute_command("SM.GET", "k")) == b"OK"
        elif name == "dump":
            payload = raw.execute_command("DUMP", "k")
            assert raw.execute_command("RESTORE", "k", 0, payload, "REPLACE") == b"OK"
        check(raw, model, engine)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | NAMES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
        max_leaves=10,
    )
)
def test_any_json_is_refused_or_kept(server: Server, raw: redis.Redis, value: object) -> None:
    """As a whole document it is refused unless it is one; as meta it is kept."""
    refused = not (isinstance(value, dict) and {"map", "initial"} <= set(value))
    raw.execute_command("DEL", "k")
    try:
        text = json.dumps(value, allow_nan=False)
    except ValueError:  # infinity is no JSON
        return
    try:
        raw.execute_command("SM.SET", "k", text)
    except redis.ResponseError as error:
        with pytest.raises(DocumentError) as caught:
            compile_document(text.encode(), Limits())
        assert str(caught.value) in str(error)
        assert raw.execute_command("EXISTS", "k") == 0
    else:
        assert not refused
    raw.execute_command("SM.SET", "k", f'{{"map":{{}},"initial":"a","meta":{text}}}')
    assert json.loads(raw.execute_command("SM.GET", "k"))["meta"] == value
