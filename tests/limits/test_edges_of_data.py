"""JSON at its edges, wherever it comes in: what is taken is answered as it came, however the machine is stored; what is
refused changes nothing."""

from __future__ import annotations

import pytest
import redis

from tests.charts_with_data import assign
from tests.documents import compact
from tests.limits.unharmed import prepare, unharmed
from tests.servers import Server

KEEPING = compact(
    {
        "initial": "a",
        "context": {"x": {"@expr": "has(input.x) ? input.x : null"}},
        "states": {
            "a": {
                "on": {
                    "PUT": {
                        "actions": [assign(x="event.x"), {"type": "tell", "params": {"x": {"@expr": "context.x"}}}]
                    },
                    "COPY": {"actions": assign(x="context.x")},
                }
            }
        },
    }
)

TAKEN = {
    "0": "0", "-0": "0", "-0.0": "-0.0", "30": "30", "30.0": "30.0", "3e1": "30.0",
    "9007199254740993": "9007199254740993", "9223372036854775807": "9223372036854775807",
    "-9223372036854775808": "-9223372036854775808", "1e308": "1e+308", "5e-324": "5e-324", "1e-400": "0.0",
    '{"__proto__":{"x":1},"constructor":2,"":3}': '{"__proto__":{"x":1},"constructor":2,"":3}',
    '"\\u0000\\ud83d\\ude00\\u2028"': '"\\u0000\U0001f600\u2028"',
    '{"@expr":"1 / 0"}': '{"@expr":"1 / 0"}', '{"type":"x"}': '{"type":"x"}', "[]": "[]",
    "[null,true,{}]": "[null,true,{}]",
    "[" * 59 + "]" * 59: "[" * 59 + "]" * 59,
}  # fmt: skip
"""A member's value as it comes, and as it is answered."""

REFUSED = (
    "1e400", "-1e400", "NaN", "Infinity", "01", "1.", "+1", "9" * 5000, '"\\ud800"', '{"\\udc00":1}', '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}', "'x'", '"\n"', "[1,]", "", "1}{", "[" * 64 + "]" * 64, '"%s"' % ("x" * 65_536),
)  # fmt: skip


@pytest.mark.parametrize("text", TAKEN, ids=lambda text: text[:40])
def test_what_is_taken_is_answered_as_it_came(server: Server, text: str) -> None:
    r, raw = server.client(), server.raw()
    whole = '{"x":%s}' % TAKEN[text]  # noqa: UP031
    given = '{"x":%s}' % text  # noqa: UP031
    r.execute_command("SM.SET", "k", KEEPING)
    reply = r.execute_command("SM.SEND", "k", "PUT", "DATA", given, "EFFECTS")
    assert reply[3] == ['{"type":"tell","params":%s}' % whole]  # noqa: UP031
    assert r.execute_command("SM.GET", "k", "CONTEXT") == whole
    r.execute_command("SM.SEND", "k", "COPY")
    assert r.execute_command("SM.GET", "k", "CONTEXT") == whole
    r.execute_command("SM.SET", "given", KEEPING, "INPUT", given)
    assert r.execute_command("SM.GET", "given", "CONTEXT") == whole
    assert r.execute_command("SM.SET", "again", r.execute_command("SM.GET", "k")) == "OK"
    r.execute_command("RESTORE", "restored", 0, raw.execute_command("DUMP", "k"))
    r.copy("k", "copy")
    for key in ("again", "restored", "copy"):
        assert r.execute_command("SM.GET", key, "CONTEXT") == whole


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:40])
def test_what_is_refused_changes_nothing(server: Server, text: str) -> None:
    prepare(server.own)
    r = server.client()
    r.execute_command("SM.SET", "k", KEEPING, "INPUT", '{"x":1}')
    given = '{"x":%s}' % text  # noqa: UP031
    snapshot = KEEPING[:-1] + ',"snapshot":{"value":"a","context":%s}}' % given  # noqa: UP031
    document = KEEPING.replace('{"@expr":"has(input.x) ? input.x : null"}', text or "?")
    before = server.digest("k")
    calls = [
        ("SM.SEND", "k", "PUT", "DATA", given),
        ("SM.CAN", "k", "PUT", "DATA", given),
        ("SM.RESET", "k", "INPUT", given),
        ("SM.SET", "k", KEEPING, "INPUT", given),
        ("SM.SET", "k", snapshot),
        ("SM.SET", "k", document),
    ]
    with unharmed(server, 64 * 1024):
        for call in calls:
            with pytest.raises(redis.ResponseError):
                r.execute_command(*call)
            assert server.digest("k") == before


def test_whole_numbers_and_doubles_stay_what_they_are(server: Server) -> None:
    r = server.client()
    by = compact({"initial": "a", "context": {"n": 30}, "states": {"a": {"on": {
        "DIVIDE": {"actions": assign(n="context.n / event.by")}, "ADD": {"actions": assign(n="context.n + event.n")},
    }}}})  # fmt: skip
    for event, data, answer in (
        ("DIVIDE", '{"by":4}', '{"n":7}'),
        ("ADD", '{"n":9223372036854775800}', '{"n":9223372036854775807}'),
        ("ADD", '{"n":-9223372036854775807}', '{"n":0}'),
    ):
        if event == "DIVIDE":
            r.execute_command("SM.SET", "k", by)
        r.execute_command("SM.SEND", "k", event, "DATA", data)
        assert r.execute_command("SM.GET", "k", "CONTEXT") == answer
    r.execute_command("SM.SET", "k", by.replace("30", "30.0"))
    r.execute_command("SM.SEND", "k", "DIVIDE", "DATA", '{"by":4.0}')
    assert r.execute_command("SM.GET", "k", "CONTEXT") == '{"n":7.5}'
