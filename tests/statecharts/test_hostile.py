"""Hostile charts: SM.SET and SM.CHECK refuse them, or they work. PING is answered, and the old machine is unchanged.

The time is bounded by the time-out of the clients, the memory by the process's peak.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests.documents import compact
from tests.servers import Server
from tests.statecharts.charts import PLAYER_TEXT

MANY = 10_000
MAX_GROWTH = 400 << 20
"""Bytes by which the process may grow at its peak; it is the shared server of all tests of this process."""


@pytest.fixture
def client(server: Server) -> Iterator[redis.Redis]:
    """A client of a server with far higher limits than by default."""
    r = server.client()
    server.config("redisstate.max-document-bytes", "4mb")
    server.config("redisstate.max-elements", 1_000_000)
    r.execute_command("SM.SET", "old", PLAYER_TEXT, "session")
    before, peak = r.execute_command("SM.GET", "old"), server.peak_memory()
    yield r
    assert server.own.ping()
    assert server.own.execute_command("SM.GET", "old") == before
    assert server.peak_memory() - peak < MAX_GROWTH


def refused(r: redis.Redis, chart: str | dict[str, Any], fault: str) -> None:
    """SM.SET refuses it with this fault, and SM.CHECK finds it."""
    text = chart if isinstance(chart, str) else compact(chart)
    with pytest.raises(redis.ResponseError) as caught:
        r.execute_command("SM.SET", "old", text)
    assert fault in str(caught.value)
    assert len(str(caught.value)) < 1000
    findings = r.execute_command("SM.CHECK", text)
    assert findings[0][0] == "error"
    assert fault in findings[0][1] + ": " + findings[0][2]
    assert len(findings) <= 100


def accepted(r: redis.Redis, chart: dict[str, Any], *events: str) -> list[str]:
    """SM.SET accepts it, SM.CHECK finds no error, the events are taken. Returns the states at the end."""
    text = compact(chart)
    findings = r.execute_command("SM.CHECK", text)
    assert len(findings) <= 100
    assert [finding for finding in findings if finding[0] == "error"] == []
    assert r.execute_command("SM.SET", "k", text) == "OK"
    for event in events:
        assert r.execute_command("SM.CAN", "k", event) == 1
        assert r.execute_command("SM.SEND", "k", event) is not None
    assert r.execute_command("SM.SET", "again", r.execute_command("SM.GET", "k")) == "OK"
    assert r.execute_command("DEBUG", "DIGEST-VALUE", "again") == r.execute_command("DEBUG", "DIGEST-VALUE", "k")
    states: list[str] = r.execute_command("SM.STATE", "k")
    return states


def two(**more: Any) -> dict[str, Any]:
    """A chart with the states a and b; ``more`` are members of a."""
    return {"initial": "a", "states": {"a": more, "b": {}}}


# Deep and many


@pytest.mark.parametrize("depth", [32, 1_000, 100_000])
def test_nested_deeper_than_the_limit(client: redis.Redis, depth: int) -> None:
    refused(client, '{"initial":"a","states":{"a":' * depth + "{}" + "}}" * depth, "max-nesting")


def test_nested_as_deep_as_can_be(server: Server, client: redis.Redis) -> None:
    server.config("redisstate.max-nesting", 256)
    chart: dict[str, Any] = {"on": {"UP": "#top"}}
    for _ in range(126):
        chart = {"initial": "a", "states": {"a": chart}}
    chart["id"] = "top"
    assert accepted(client, chart, "UP") == [".".join("a" * 126)]
    assert client.execute_command("SM.DIAGRAM", "k").count("{") == 126
    assert client.execute_command("SM.DIAGRAM", "k", "DOT").count("subgraph") == 126


def test_more_states_than_the_limit(client: redis.Redis) -> None:
    refused(client, {"type": "parallel", "states": {f"s{number}": {} for number in range(10_001)}}, "max-states")


def test_thousands_of_regions(client: redis.Redis) -> None:
    regions = {f"s{number}": {"on": {"GO": {"actions": "x"}}} for number in range(4_000)}
    assert len(accepted(client, {"type": "parallel", "states": regions}, "GO")) == 4_000
    assert client.execute_command("SM.MUTATE", "k", "s77", "", "FORCE") == "OK"


def test_thousands_of_histories(client: redis.Redis) -> None:
    regions: dict[str, Any] = {
        f"r{n}": {"initial": "a", "states": {"a": {"on": {"GO": "b"}}, "b": {}, "h": {"history": "deep"}}}
        for n in range(1_000)
    }
    regions["h"] = {"history": "deep"}
    chart = {
        "initial": "p",
        "states": {"p": {"type": "parallel", "on": {"OUT": "q"}, "states": regions}, "q": {"on": {"IN": "p.h"}}},
    }
    assert accepted(client, chart, "GO", "OUT", "IN") == [f"p.r{n}.b" for n in range(1_000)]


@pytest.mark.parametrize("target", ["b", "#b", "."])
def test_a_hundred_thousand_targets(client: redis.Redis, target: str) -> None:
    chart = two(on={"GO": {"target": [target] * 100_000}})
    chart["states"]["b"]["id"] = "b"
    accepted(client, chart, "GO")


def test_a_hundred_thousand_unknown_targets(client: redis.Redis) -> None:
    refused(client, two(on={"GO": {"target": [f"x{number}" for number in range(100_000)]}}), "target[0]: no state 'x0'")


def test_thousands_of_transitions_for_one_event(client: redis.Redis) -> None:
    assert accepted(client, two(on={"GO": ["b"] * MANY}), "GO") == ["b"]


@pytest.mark.parametrize("descriptor", ["x{}", "x{}.*"])
def test_thousands_of_events(client: redis.Redis, descriptor: str) -> None:
    names = [descriptor.format(number) for number in range(MANY)]
    assert accepted(client, two(on=dict.fromkeys(names, "b")), "x9999") == ["b"]
    client.execute_command("SM.RESET", "k")
    assert client.execute_command("SM.NEXT", "k") == names
    assert client.execute_command("SM.MUTATE", "k", "b") == "OK"


def test_descriptors_of_every_length(client: redis.Redis) -> None:
    names = ["a." * number + "*" for number in range(1, 1_500)]
    accepted(client, two(on=dict.fromkeys(names, "a")), "a." * MANY)
    assert client.execute_command("SM.NEXT", "k") == names


def test_a_descriptor_of_a_megabyte_among_many(client: redis.Redis) -> None:
    names = ["e" * 1_000_000, *(f"x{number}.*" for number in range(MANY))]
    accepted(client, two(on=dict.fromkeys(names, "b")), names[0])
    client.execute_command("SM.RESET", "k")
    assert len(client.execute_command("SM.NEXT", "k")) == len(names)


def test_many_events_over_many_regions(client: redis.Redis) -> None:
    """Whether an outer event is taken depends on all states inside."""
    regions = {f"r{number}": {"on": {f"e{number}": {"actions": "x"}}} for number in range(2_000)}
    chart = {
        "initial": "p",
        "on": {f"o{number}": ".p" for number in range(MANY)},
        "states": {"p": {"type": "parallel", "states": regions}},
    }
    accepted(client, chart, "o9999")
    assert len(client.execute_command("SM.NEXT", "k")) == 12_000
    assert client.execute_command("SM.MUTATE", "k", "p.r7") is None
    assert client.execute_command("SM.MUTATE", "k", "p") == "OK"


def test_thousands_of_actions(client: redis.Redis) -> None:
    names = [f"x{number}" for number in range(MANY)]
    accepted(client, {"initial": "a", "states": {"a": {"on": {"GO": "b"}, "exit": names}, "b": {"entry": names}}})
    assert client.execute_command("SM.SEND", "k", "GO", "ACTIONS") == [["b"], names + names]


def test_long_names_with_many_things_inside(client: redis.Redis) -> None:
    """The long path of the state is not built again for each of them."""
    name = "n" * 100_000
    chart = {"initial": name, "states": {name: {"on": {"GO": ["#b"] * MANY}}, "b": {"id": "b"}}}
    assert accepted(client, chart, "GO") == ["b"]


def test_long_paths_with_many_things_inside(client: redis.Redis) -> None:
    chart: dict[str, Any] = {"on": {"GO": {"target": ["#top"] * MANY}, "IN": ["."] * 1_000}, "entry": ["a"] * MANY}
    for _ in range(29):
        chart = {"initial": "n" * 64, "states": {"n" * 64: chart}}
    accepted(client, {**chart, "id": "top"}, "GO", "IN")


def test_long_names_at_every_level(client: redis.Redis) -> None:
    """All paths together would be 16 times as long as the largest document."""
    chart: dict[str, Any] = {"states": {}}
    inner = chart
    for level in range(20):
        name = f"{level}" + "n" * 100_000
        inner["initial"], inner["states"] = name, {name: {}}
        inner = inner["states"][name]
    inner.update(initial="x0", states={f"x{number}": {} for number in range(2_000)})
    refused(client, chart, "too long in sum")


# Many faults


def test_thousands_of_faults(client: redis.Redis) -> None:
    states = {f"x{number}": {"on": {"GO": f"nope{number}"}} for number in range(3_000)}
    refused(client, {"initial": "x0", "states": states}, "no state 'nope0'")
    assert len(client.execute_command("SM.CHECK", compact({"initial": "x0", "states": states}))) == 100


def test_thousands_of_warnings(client: redis.Redis) -> None:
    """At most a hundred are listed, for a chart and for a flat map."""
    assert len(client.execute_command("SM.CHECK", compact(two(on={"GO": ["b"] * MANY})))) == 100
    assert len(client.execute_command("SM.CHECK", compact({"map": {"a": ["b"] * MANY}, "initial": "a"}))) == 100


# Names


def test_states_without_a_name_and_names_that_look_like_ids(client: redis.Redis) -> None:
    refused(client, {"initial": "", "states": {"": {}}}, "a state needs a name")
    refused(client, {"initial": "#a", "states": {"#a": {}}}, "cannot start with '#'")
    refused(client, two(on={"": "b"}), "an event needs a name")
    refused(client, two(entry=""), "an action needs a name")


@pytest.mark.parametrize(
    "states",
    [
        {"a": {"id": "x"}, "b": {"id": "x"}},
        {"a": {"id": "m"}},
        {"a": {"id": "m.b"}, "b": {}},
        {"a": {"initial": "b", "states": {"b": {}}}, "a.b": {}},
    ],
    ids=lambda states: compact(states)[:40],
)
def test_ids_that_collide(client: redis.Redis, states: dict[str, Any]) -> None:
    refused(client, {"id": "m", "initial": "a", "states": states}, "is that of")


NAMES = [
    "__proto__", "constructor", "toString", "hasOwnProperty", "__class__", "__init__", "states", "on", "current",
    "a.b", ".", "..", ".a", "a.", "a#b", "\\", "\\.", "a\\", "\0", "a\0b", "\r\n", "\t", " ", "*", "a.*", "{}",
    '{"a":1}', '"', "'", "${x}", "%s%n", "{0}", "é", "😀", "\u2028", "\u202e", "\ufeff", "0", "1", "-1", "null", "true",
    "xstate.init", "[*]", "--", "s0", "end", "]]>", "<b>", "&amp;", "#".rjust(2, "x"), "x" * 10_000,
]  # fmt: skip


def in_path(name: str) -> str:
    return name.replace("\\", "\\\\").replace(".", "\\.")


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:30])
def test_a_name_is_only_a_name(client: redis.Redis, name: str) -> None:
    """Of a state, a state inside it, an action and an event; in a path, in a target, as an id, in a diagram."""
    r = client
    event = "e" + name
    chart = {
        "id": name,
        "initial": name,
        "meta": {name: name},
        "states": {
            name: {"initial": name, "entry": event, "states": {name: {"on": {event: f"#{in_path(name)}.out there"}}}},
            "out there": {"on": {"BACK": in_path(name), "IN": f"{in_path(name)}.{in_path(name)}"}},
        },
    }
    inside = f"{in_path(name)}.{in_path(name)}"
    assert accepted(r, chart) == [inside]
    assert r.execute_command("SM.NEXT", "k") == [event]
    assert r.execute_command("SM.SEND", "k", event) == ["out there"]
    assert r.execute_command("SM.SEND", "k", "BACK", "ACTIONS") == [[inside], [event]]
    assert r.execute_command("SM.MUTATE", "k", "out there", name) == "OK"
    assert r.execute_command("SM.GET", "k", "REASON") == name
    assert r.execute_command("SM.MUTATE", "k", inside) == "OK"
    assert json.loads(r.execute_command("SM.GET", "k", "CURRENT")) == {name: name}
    assert r.execute_command("SM.SET", "k", compact(chart), "out there") == "OK"
    assert r.execute_command("SM.SET", "k", compact(chart), inside) == "OK"
    assert r.execute_command("SM.SET", "k", compact(chart), compact({name: name})) == "OK"
    assert r.execute_command("SM.STATE", "k") == [inside]
    assert r.execute_command("SM.STATE", "k", "ALL") == [in_path(name), inside, "out there"]
    for form in ("MERMAID", "DOT"):
        assert "\0" not in r.execute_command("SM.DIAGRAM", "k", form)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("*", "xstate.init")], ids=ascii)
def test_an_event_of_that_name(client: redis.Redis, name: str) -> None:
    assert accepted(client, two(on={name: "b"}), name) == ["b"]


def test_an_event_that_is_forbidden_by_its_name(client: redis.Redis) -> None:
    accepted(client, two(on={"*": "b"}))
    for event in ("*", "xstate.init", "xstate.stop"):
        assert client.execute_command("SM.SEND", "k", event) is None
    assert client.execute_command("SM.SEND", "k", "__proto__") == ["b"]
