"""RESTORE of machines whose history, tokens or TTL lie: each is refused with one line in the log that says why."""

from __future__ import annotations

import pytest
import redis

from sm_core import Given, compile_document
from tests.documents import compact, flat
from tests.lists import EVENT, difference, effects, entry, history, states, text, token, tokens, varint
from tests.payloads import EXPIRES, HISTORY, TOKENS, keeping, revision
from tests.servers import Server

STORE = {"history": 3, "idempotency": 2, "expire": "1d"}
DOCUMENT = flat({"a": ["b"], "b": ["a"], "c": []}, "a", store=STORE).encode()
NOTHING = flat({"a": ["b"], "b": ["a"], "c": []}, "a", store={}).encode()
CHART = compact({"initial": "a", "store": STORE, "states": {"a": {"on": {"*": {"actions": "mail"}}}}}).encode()
A, B, NONE = states(b"a"), states(b"b"), states()
GOOD = entry(A, event=b"xstate.init")
TOKEN = token(b"t", b"b", A)
SAID = effects(b"mail", b"{}", b"")
TWO = [b"mail", b"{}", b""] * 2


def restored(server: Server, *parts: tuple[int, bytes], where: bytes = b"a", document: bytes = DOCUMENT) -> str:
    """The line of the log that says why the payload is refused; "" where it is taken, and stands at ``k``."""
    position = len(server.log())
    try:
        server.own.restore("k", 0, keeping(where, document, [revision(5), *parts]).dump(), replace=True)
    except redis.ResponseError:
        return server.log()[position:].partition("cannot load a state machine: ")[2].partition("\n")[0]
    return ""


LONGER = "its history is longer than its document says"
CUT = "its history is cut short"
HISTORIES = {
    "nothing": (b"", CUT),
    "no entry": (history([], A), CUT),
    "one too few": (varint(2) + history([GOOD], NONE)[1:], CUT),
    "one too many": (history([GOOD], NONE) + GOOD, "something follows its history"),
    "more than the document keeps": (history([GOOD] * 4, A), "its history is longer than its document says"),
    "more than there are": (varint(2**64 - 1) + history([GOOD], NONE)[1:], CUT),
    "another end": (history([entry(B)], A), "its history ends in another state"),
    "two states": (history([entry(states(b"a", b"a"))], A), "its history ends in another state"),
    "no state": (history([entry(NONE)], A), "its history ends in another state"),
    "another time": (history([GOOD], NONE, last=1), "its history ends at another time"),
    "before there was time": (history([entry(A, later=-6)], A, ms=5, last=-6), "its history has no time"),
    "after there is time": (history([entry(A)], A, ms=2**63), "its history has no time"),
    "an unknown flag": (history([b"\x08" + GOOD[1:]], NONE), CUT),
    "an event that is missing": (history([bytes([EVENT]) + difference(0) + text(b"u")], A), CUT),
    "a user that goes on": (history([b"\0" + difference(0) + varint(2**40) + A], A), CUT),
    "a state that goes on": (history([entry(varint(1) + varint(9) + b"a")], A), CUT),
    "more states than bytes": (history([entry(varint(2**63) + b"a")], A), CUT),
    "more states before than bytes": (history([GOOD], varint(2**32) + b"a"), CUT),
    "a number with a byte too many": (b"\x81\0" + history([GOOD], NONE)[1:], CUT),
    "a number of 65 bits": (b"\xff" * 9 + b"\x02" + history([GOOD], NONE)[1:], CUT),
    "a number that goes on": (b"\x80" * 30, CUT),
    "an event that is no text": (history([entry(A, event=b"\xff")], A), "its history is not UTF-8"),
    "a reason that is no text": (history([entry(A, reason=b"\xed\xa0\x80")], A), "its history is not UTF-8"),
    "a state that is no text": (history([entry(states(b"\xff")), GOOD], A), "its history is not UTF-8"),
    "a state before that is no text": (history([GOOD], states(b"\xc3")), "its history is not UTF-8"),
}
T_CUT = "its tokens are cut short"
UNKNOWN = "it has a token of an unknown command"
EFFECTS = "it has a token whose effects are cut short"
TOKEN_LISTS = {
    "nothing": (b"", T_CUT),
    "no token": (tokens(), T_CUT),
    "one too few": (varint(2) + TOKEN, T_CUT),
    "one too many": (varint(1) + TOKEN * 2, "something follows its tokens"),
    "more than the document keeps": (tokens(*[TOKEN] * 3), "it has more tokens than its document says"),
    "an empty one": (tokens(token(b"", b"b", A)), "it has a token that is none"),
    "one that is too long": (tokens(token(b"x" * 65, b"b", A)), "it has a token that is none"),
    "an unknown command": (tokens(token(b"t", b"b", A, command=9)), UNKNOWN),
    "an unknown command that forces": (tokens(token(b"t", b"b", A, command=0x80 | 9)), UNKNOWN),
    "an unknown status": (tokens(token(b"t", b"b", A, status=3)), UNKNOWN),
    "a revision that is too large": (tokens(token(b"t", b"b", A, revision=2**62 + 1)), UNKNOWN),
    "states that go on": (tokens(token(b"t", b"b", varint(2) + text(b"a"))), T_CUT),
    "states and more": (tokens(token(b"t", b"b", A + b"\0")), T_CUT),
    "no states": (tokens(token(b"t", b"b", b"")), T_CUT),
    "effects that are no list": (tokens(token(b"t", b"b", A, said=b"$\0\0\0\0")), EFFECTS),
    "effects without a count": (tokens(token(b"t", b"b", A, said=b"*\0\0")), EFFECTS),
    "more effects than there are": (tokens(token(b"t", b"b", A, said=b"*\x06" + SAID[2:])), EFFECTS),
    "far more effects": (tokens(token(b"t", b"b", A, said=b"*\xff\xff\xff\xff" + SAID[5:])), EFFECTS),
    "a part of an effect": (tokens(token(b"t", b"b", A, said=effects(b"mail", b"{}", b"", b"mail"))), EFFECTS),
    "two effects of four strings": (tokens(token(b"t", b"b", A, said=b"*\x04" + effects(*TWO)[2:])), EFFECTS),
    "effects and more": (tokens(token(b"t", b"b", A, said=SAID + b"$\0\0\0\0")), EFFECTS),
    "an effect that goes on": (tokens(token(b"t", b"b", A, said=SAID[:6] + b"\xff\xff\xff\x7f" + SAID[10:])), EFFECTS),
    "an effect that is no text": (tokens(token(b"t", b"b", A, said=effects(b"\xff", b"", b""))), EFFECTS),
    "params that are no text": (tokens(token(b"t", b"b", A, said=effects(b"m", b'"\xff"', b""))), EFFECTS),
}
TTLS = {
    "nothing": (b"", "its TTL is no time"),
    "more": (varint(5) + b"\0", "its TTL is no time"),
    "too late": (varint(2**63), "its TTL is no time"),
    "one that goes on": (b"\xff", "its TTL is no time"),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_a_history_that_lies_is_refused(server: Server, name: str) -> None:
    data, why = HISTORIES[name]
    assert restored(server, (HISTORY, data)) == why
    assert not server.own.exists("k")


@pytest.mark.parametrize("name", TOKEN_LISTS)
def test_tokens_that_lie_are_refused(server: Server, name: str) -> None:
    data, why = TOKEN_LISTS[name]
    assert restored(server, (TOKENS, data)) == why
    assert not server.own.exists("k")


@pytest.mark.parametrize("name", TTLS)
def test_a_ttl_that_lies_is_refused(server: Server, name: str) -> None:
    data, why = TTLS[name]
    assert restored(server, (EXPIRES, data), where=b"c") == why


def test_what_the_document_does_not_keep_is_refused(server: Server) -> None:
    assert restored(server, (HISTORY, history([GOOD], NONE)), document=NOTHING) == "its document keeps no history"
    assert restored(server, (EXPIRES, varint(5)), where=b"c", document=NOTHING) == "its document says no TTL"
    assert restored(server, (EXPIRES, varint(5))) == "it has the TTL of a machine that is done"
    twice = [(HISTORY, history([GOOD], NONE))] * 2
    assert restored(server, *twice).startswith("it has a part twice")


def test_a_plain_machine_keeps_no_past(server: Server) -> None:
    plain = flat({"a": ["b"]}, "a").encode()
    for part in ((HISTORY, history([GOOD], NONE)), (TOKENS, tokens(TOKEN)), (EXPIRES, varint(5))):
        with pytest.raises(redis.ResponseError, match="Bad data format"):
            server.own.restore("k", 0, keeping(b"a", plain, [part]).dump())


def test_what_is_well_formed_is_taken_and_answered(server: Server) -> None:
    """Odd as it is: times that go back, one token twice, users who are no text."""
    odd = [entry(B, b"", b"", b"", 5), entry(A, b"\xff\xfe", later=-4), entry(A, b"(timer)", b"T" * 300)]
    for ms, last in ((0, 1), (2**63 - 6, 1)):
        assert restored(server, (HISTORY, history(odd, states(b"", b"x"), ms, last))) == ""
        raw = server.raw()
        assert [(one[1], one[3], one[5]) for one in raw.execute_command("SM.HISTORY", "k")] == [
            (5, ms + 1, b"(timer)"), (4, ms + 1, b"\xff\xfe"), (3, ms + 5, b""),
        ]  # fmt: skip
        assert raw.execute_command("SM.SEND", "k", "b") == [b"b"]
        assert [one[1] for one in raw.execute_command("SM.HISTORY", "k")] == [6, 5, 4]
    start = compile_document(CHART, None).definition.start(Given()).configuration
    same = tokens(token(b"t", b"E", A, said=SAID, revision=2**62, status=2), TOKEN)
    assert restored(server, (TOKENS, same), where=start, document=CHART) == ""
    assert server.own.execute_command("SM.SEND", "k", "E", "ID", "t", "EFFECTS") == [
        "states", ["a"], "effects", ['{"type":"mail","params":{}}'], "revision", 2**62, "status", "error"
    ]  # fmt: skip
    assert server.own.execute_command("SM.SEND", "k", "E", "ID", "t", "ACTIONS") == [["a"], ["mail"]]


def test_after_the_last_revision_comes_the_first(server: Server) -> None:
    steps = history([GOOD] * 3, A)
    for last, expected in ((2**62, [2**62, 2**62 - 1, 2**62 - 2]), (2, [2, 1, 2**62])):
        payload = keeping(b"a", DOCUMENT, [revision(last), (HISTORY, steps)]).dump()
        server.own.restore("k", 0, payload, replace=True)
        assert [one[1] for one in server.own.execute_command("SM.HISTORY", "k")] == expected
    server.own.restore("k", 0, keeping(b"a", DOCUMENT, [revision(2**62), (HISTORY, steps)]).dump(), replace=True)
    server.own.execute_command("SM.SEND", "k", "b", "ID", "x")
    assert [one[1] for one in server.own.execute_command("SM.HISTORY", "k")] == [1, 2**62, 2**62 - 1]
