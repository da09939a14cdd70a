"""Any bytes as a document, any bytes as arguments: the server answers what the engine, called directly, says.

100 examples of each test; 10,000 in `make fuzz`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from sm_core import Definition, DocumentError, Given, Limits, Machine, compile_document, explain
from tests.documents import README, TRAFFIC, compact
from tests.servers import Server, Wire

LIMITS = Limits(document_bytes=2000, states=20, nesting=8)
LONGEST_ERROR = 511

NIL = b"$-1"
OK = b"+OK"
SYNTAX = b"-ERR syntax error"


def line(error: str) -> bytes:
    text = f"ERR {error}".encode("utf-8", "backslashreplace")[:LONGEST_ERROR]
    return b"-" + bytes(byte if byte >= 0x20 else 0x20 for byte in text)


def not_text(argument: bytes) -> int | None:
    """The position of the first byte that is not UTF-8, or None."""
    try:
        argument.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None


ALONE = "; one word alone behind the document is current: options are two words or more"
OF_SET = {b"CURRENT", b"INPUT", b"GUARDS", b"IF", b"ACTIONS", b"EFFECTS"}


class Oracle:
    """The expected replies for one key, by calling the engine directly."""

    def __init__(self) -> None:
        self.definition: Definition | None = None
        self.machine = Machine()
        self.reason: bytes | None = None

    def answer(self, name: str, arguments: list[bytes]) -> Any:
        """The reply that the server must send."""
        method = getattr(self, name.removeprefix("SM.").lower())
        return method(*arguments)

    def set(self, document: bytes, current: bytes | None = None) -> bytes:
        try:
            compiled = compile_document(document, LIMITS)
            machine = compiled.machine
            if current is not None:
                fault = not_text(current)
                if fault is not None:
                    raise DocumentError("the third argument", f"not UTF-8: byte {fault}")
                machine = Machine(compiled.definition.enter(current.decode(), None, LIMITS, Given()).configuration)
            elif compiled.unknown_current is not None:
                return line(compiled.unknown_current)
        except DocumentError as error:
            entered = current is not None and error.path.startswith("the third argument")
            hint = ALONE if entered and (current or b"").upper() in OF_SET else ""
            return line(explain(error) + hint)
        assert machine is not None
        self.definition, self.machine = compiled.definition, machine
        self.reason = None if compiled.reason is None else compiled.reason.encode()
        return OK

    def create(self) -> bytes:
        return self.set(b'{"current":"","map":{},"initial":""}')

    def get(self, member: bytes | None = None) -> bytes:
        if member is not None and member.upper() not in (b"REASON", b"CURRENT", b"INITIAL"):
            return SYNTAX
        if self.definition is None:
            return NIL
        if member is None:
            return self.document()
        return {
            b"REASON": self.reason or b"",
            b"CURRENT": self.definition.current(self.machine.configuration).encode(),
            b"INITIAL": self.definition.initial.encode(),
        }[member.upper()]

    def document(self) -> bytes:
        assert self.definition is not None
        canonical, split = self.definition.canonical, self.definition.split
        head = self.definition.head(self.machine.configuration) + b"," + canonical[1:split]
        if self.reason is not None:
            head += b',"reason":' + json.dumps(self.reason.decode(), ensure_ascii=False).encode()
        return head + canonical[split:]

    def state(self, what: bytes | None = None) -> Any:
        if what is not None and what.upper() not in (b"LIST", b"ALL"):
            return SYNTAX
        if self.definition is None:
            return NIL
        if what is None:
            return self.states()
        names = self.definition.rows if what.upper() == b"LIST" else self.definition.known
        return [name.encode() for name in names]

    def states(self) -> list[bytes]:
        assert self.definition is not None
        return [state.encode() for state in self.definition.states(self.machine.configuration)]

    def mutate(self, state: bytes, *rest: bytes) -> Any:
        words = [word.upper() for word in rest]
        reason, force, actions = None, words[-1:] == [b"FORCE"], False
        if len(rest) == 2 and not force:
            if words == [b"FORCE", b"ACTIONS"]:
                force = actions = True
            elif words[0] == b"REASON":
                reason = rest[1]
            else:
                return SYNTAX
        elif words == [b"REASON"]:
            return SYNTAX
        elif len(rest) - force:
            reason = rest[0]
        fault = None if reason is None else not_text(reason)
        if fault is not None:
            assert reason is not None
            return b"-ERR the reason is not UTF-8: byte %d is 0x%02x" % (fault, reason[fault])
        if self.definition is None or not_text(state) is not None:
            return NIL
        take = self.definition.force if force else self.definition.mutate
        move = take(self.machine, state.decode(), Given())
        if move is None:
            return NIL
        self.machine, self.reason = Machine(move.configuration), reason
        return [self.states(), []] if actions else OK

    def send(self, event: bytes, actions: bytes | None = None) -> Any:
        if actions is not None and actions.upper() != b"ACTIONS":
            return SYNTAX
        if self.definition is None or not_text(event) is not None:
            return NIL
        move = self.definition.send(self.machine, event.decode(), Given())
        if move is None:
            return NIL
        self.machine, self.reason = Machine(move.configuration), None
        return self.states() if actions is None else [self.states(), []]

    def can(self, event: bytes) -> bytes:
        if self.definition is None:
            return NIL
        taken = not_text(event) is None and self.definition.can(self.machine, event.decode(), Given())
        return b":1" if taken else b":0"

    def next(self) -> Any:
        if self.definition is None:
            return NIL
        return [event.encode() for event in self.definition.next(self.machine)]

    def reset(self, actions: bytes | None = None) -> Any:
        if actions is not None and actions.upper() != b"ACTIONS":
            return SYNTAX
        if self.definition is None:
            return NIL
        self.machine, self.reason = Machine(self.definition.start(Given()).configuration), None
        return OK if actions is None else [self.states(), []]


ARGUMENTS = {"SM.SET": (1, 2), "SM.CREATE": (0, 0), "SM.GET": (0, 1), "SM.STATE": (0, 1), "SM.MUTATE": (1, 3),
             "SM.RESET": (0, 1), "SM.SEND": (1, 2), "SM.CAN": (1, 1), "SM.NEXT": (0, 0)}  # fmt: skip
"""How many arguments may follow the key, options with a value left out."""
WITH_OPTIONS = {"SM.SET", "SM.MUTATE", "SM.RESET", "SM.SEND", "SM.CAN"}
OPTIONS = {b"FORCE", b"REASON", b"ACTIONS", b"CURRENT"}
"""Of the words that are sent: those with them and with more arguments than the oracle knows are left out."""

names = st.sampled_from(["a", "b", "c", "", "\0", "é", "bar", "boo", "red", "green"]) | st.text(max_size=5)
rows = st.dictionaries(names, st.lists(names, max_size=4), max_size=5)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=12,
)
optional = dict.fromkeys(("current", "reason", "id", "version", "description"), names)
good = st.fixed_dictionaries({"map": rows, "initial": names}, optional={**optional, "meta": json_values})
nearly = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("map", "initial", "reason", "current", "meta", "id", "other"), json_values)
)


def write(value: object, ascii_only: bool, indent: int | None) -> bytes:
    return json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")


texts = st.builds(write, good | good | nearly | json_values, st.booleans(), st.sampled_from([None, None, 1]))
pieces = st.sampled_from(
    [
        b'"', b"\\", b"\\u", b"\\ud800", b"{", b"}", b"[", b"]", b",", b":", b"\0", b"\xff", b"\xef\xbb\xbf", b"NaN",
        b"-", b"1e999", b"00", b"//", b"\xed\xa0\x80", b'"a":1,', b"9" * 400,
    ]
)  # fmt: skip


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A document with bytes inserted, replaced or removed."""
    text = bytearray(draw(texts))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        text[at : at + draw(st.integers(0, 4))] = draw(pieces | st.binary(max_size=3))
    return bytes(text)


documents = texts | broken() | st.binary(max_size=30) | st.sampled_from([README.encode(), TRAFFIC.encode()])
words = (
    names.map(lambda name: name.encode("utf-8", "surrogatepass"))
    | st.binary(max_size=12)
    | st.sampled_from([b"FORCE", b"force", b"REASON", b"Current", b"initial", b"LIST", b"all", b"ACTIONS", b"actions"])
    | st.sampled_from([b"x" * 3000, b"\xc3"])
)


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, list[bytes]]:
    name = draw(st.sampled_from(sorted(ARGUMENTS)))
    least, most = ARGUMENTS[name]
    count = draw(st.integers(max(0, least - 1), most + 1))
    arguments = [draw(words) for _ in range(count)]
    if name == "SM.SET" and arguments:
        arguments[0] = draw(documents)
    return name, arguments


@pytest.fixture
def wire(server: Server) -> Iterator[Wire]:
    server.config("redisstate.max-document-bytes", LIMITS.document_bytes)
    server.config("redisstate.max-states", LIMITS.states)
    server.config("redisstate.max-nesting", LIMITS.nesting)
    with server.socket() as wire:
        yield wire


def ask(wire: Wire, *words: str | bytes) -> Any:
    """The reply. Nil is its line, which differs from an empty bulk string."""
    wire.send(*words)
    return wire.reply()


fuzzed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@fuzzed
@given(documents)
@example(b'{"map":{"":["a"],"a":[""]},"initial":"a","current":""}')
@example(b'\xef\xbb\xbf{"map":{},"initial":""}')
def test_documents(wire: Wire, document: bytes) -> None:
    """Refused with the engine's error, and the old machine stays; or stored, with the engine's replies."""
    old = Oracle()
    assert ask(wire, "SM.SET", "k", README) == old.set(README.encode())
    oracle = Oracle()
    wanted = oracle.set(document)
    assert ask(wire, "SM.SET", "k", document) == wanted
    if wanted != OK:
        assert ask(wire, "SM.GET", "k") == old.document()
        return
    reply = ask(wire, "SM.GET", "k")
    assert reply == oracle.document()
    assert ask(wire, "SM.STATE", "k", "ALL") == oracle.state(b"ALL")
    if len(reply) <= LIMITS.document_bytes:
        assert ask(wire, "SM.SET", "again", reply) == OK
        assert ask(wire, "SM.GET", "again") == reply
    payload = ask(wire, "DUMP", "k")
    assert ask(wire, "RESTORE", "again", "0", payload, "REPLACE") == OK
    assert ask(wire, "SM.GET", "again") == reply


@fuzzed
@given(st.lists(calls(), max_size=12))
def test_arguments(wire: Wire, vectors: list[tuple[str, list[bytes]]]) -> None:
    """Each reply is the engine's, or the server's error for a wrong number of arguments."""
    assert ask(wire, "DEL", "k").startswith(b":")
    oracle = Oracle()
    for name, arguments in vectors:
        least, most = ARGUMENTS[name]
        too_many = len(arguments) > most and name in WITH_OPTIONS
        if too_many and OPTIONS.intersection(word.upper() for word in arguments):
            continue
        reply = ask(wire, name, "k", *arguments)
        if too_many:
            assert reply.startswith(SYNTAX)
        elif least <= len(arguments) <= most:
            wanted = oracle.answer(name, arguments)
            if wanted == SYNTAX:  # the rest names the unknown word
                reply = reply[: len(SYNTAX)]
            assert reply == wanted, (name, arguments)
        else:
            assert b"wrong number of arguments" in reply
    assert ask(wire, "SM.GET", "k") == oracle.get()
    assert ask(wire, "PING") == b"+PONG"


@fuzzed
@given(st.lists(st.binary(max_size=20) | words, min_size=1, max_size=8))
def test_any_command_line(wire: Wire, arguments: list[bytes]) -> None:
    """Whatever follows SM., the server sends one reply and survives."""
    reply = ask(wire, b"SM." + arguments[0], *arguments[1:])
    assert reply == [] or reply is not None
    assert ask(wire, "PING") == b"+PONG"


def test_the_oracle_follows_the_engine() -> None:
    """The oracle itself, on a document whose replies are known."""
    oracle = Oracle()
    assert oracle.set(compact({"map": {"a": ["b"]}, "initial": "a", "reason": "r"}).encode()) == OK
    assert oracle.document() == b'{"current":"a","map":{"a":["b"]},"initial":"a","reason":"r"}'
    assert oracle.mutate(b"c") == NIL
    assert oracle.mutate(b"b") == OK
    assert oracle.document() == b'{"current":"b","map":{"a":["b"]},"initial":"a"}'
