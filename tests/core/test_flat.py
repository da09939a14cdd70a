"""The flat machine, in the engine alone."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sm_core import DocumentError, Given, LimitError, Limits, Machine, Outcome, check_document, compile_document
from sm_core.flat import FlatDefinition

README = b'{"current":"","map":{"bar": ["blee", "boo"], "boo": ["blee"]},"initial":"bar"}'


def refused(document: bytes, limits: Limits | None = None) -> str:
    try:
        error = compile_document(document, limits or Limits()).unknown_current
    except DocumentError as error:
        return str(error)
    assert error is not None
    return error.removeprefix("invalid document at ")


def test_the_readme_machine() -> None:
    definition, machine, starts, unknown_current, reason, *_ = compile_document(README, Limits())
    assert unknown_current is None
    assert reason is None
    assert (machine, starts) == (Machine(b"bar"), False)
    assert definition.mutate(Machine(b"bar"), "notastate", Given()) is None
    assert definition.mutate(Machine(b"bar"), "blee", Given()) == Outcome(b"blee", ())
    assert definition.mutate(Machine(b"blee"), "bar", Given()) is None
    assert definition.mutate(Machine(b"boo"), "boo", Given()) is None
    assert definition.force(Machine(b"blee"), "bar", Given()) == Outcome(b"bar", ())
    assert definition.force(Machine(b"blee"), "notastate", Given()) is None
    assert definition.rows == ("bar", "boo")
    assert definition.known == ("bar", "blee", "boo")
    assert definition.states(b"blee") == ("blee",)
    assert definition.next(Machine(b"bar")) == ["blee", "boo"]
    assert definition.next(Machine(b"blee")) == []
    assert definition.send(Machine(b"bar"), "boo", Given()) == Outcome(b"boo", ())
    assert definition.send(Machine(b"boo"), "bar", Given()) is None
    assert definition.start(Given()) == Outcome(b"bar", ())
    assert definition.head(b"blee") == b'{"current":"blee"'


def test_canonical_and_split_are_the_reply_around_the_reason() -> None:
    document = {
        "version": "2",
        "meta": {"é": [1, None]},
        "initial": "ä",
        "map": {"ä": []},
        "reason": "why",
        "current": "ä",
        "id": "x",
    }
    definition, machine, starts, _, reason, *_ = compile_document(json.dumps(document).encode(), Limits())
    assert (machine, starts, reason) == (Machine("ä".encode()), False, "why")
    assert definition.canonical[: definition.split].decode() == '{"map":{"ä":[]},"initial":"ä"'
    assert definition.canonical[definition.split :].decode() == ',"version":"2","meta":{"é":[1,null]},"id":"x"}'
    again = compile_document(definition.canonical, Limits())
    assert (again.definition.canonical, again.definition.split) == (definition.canonical, definition.split)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"initial": "a"}, "$: member 'map' is missing"),
        ({"map": {}}, "$: member 'initial' is missing"),
        ({"map": [], "initial": "a"}, "$.map: expected an object, got an array"),
        ({"map": {}, "initial": None}, "$.initial: expected a string, got null"),
        ({"map": {"a": "b"}, "initial": "a"}, "$.map.a: expected an array, got a string"),
        ({"map": {"a": ["b", 1]}, "initial": "a"}, "$.map.a[1]: expected a string, got a number"),
        ({"map": {"a b": [{}]}, "initial": "a"}, '$.map["a b"][0]: expected a string, got an object'),
        ({"map": {}, "initial": "a", "current": 1}, "$.current: expected a string, got a number"),
        ({"map": {}, "initial": "a", "reason": None}, "$.reason: expected a string, got null"),
        ({"map": {}, "initial": "a", "version": 1}, "$.version: expected a string, got a number"),
        ({"map": {}, "initial": "a", "id": True}, "$.id: expected a string, got a boolean"),
        ({"map": {}, "initial": "a", "description": []}, "$.description: expected a string, got an array"),
        ({"map": {}, "initial": "a", "states": {}}, "$.states: unknown member"),
        ({"map": {}, "initial": "a", "Map": {}}, "$.Map: unknown member; did you mean 'map'?"),
        ({"map": {"cart": ["paid"]}, "initial": "crat"}, "$.initial: no state 'crat' in the map; did you mean 'cart'?"),
        ({"map": {"cart": ["paid"]}, "initial": "Paid"}, "$.initial: no state 'Paid' in the map; did you mean 'paid'?"),
        ({"map": {"a": ["b"]}, "initial": ""}, "$.initial: no state '' in the map"),
        ({"map": {"a": ["b"]}, "initial": "c", "current": "b"}, "$.initial: no state 'c' in the map"),
        ({"map": {}, "initial": "a", "current": "b"}, "$.current: no state 'b'"),
        ({"map": {"cart": ["paid"]}, "initial": "cart", "current": "piad"},
         "$.current: no state 'piad'; did you mean 'paid'?"),
        ({"map": {}, "initial": "a", "current": "it's"}, "$.current: no state 'it\\'s'"),
    ],
)  # fmt: skip
def test_refused_with_its_place(document: dict[str, object], message: str) -> None:
    assert refused(json.dumps(document).encode()) == message


@pytest.mark.parametrize("more", [0, 1000], ids=["small", "large"])
def test_an_initial_state_that_no_row_knows(more: int) -> None:
    """Refused; but not where the map is empty, as the template's is, nor where it was accepted before."""
    rows = {f"s{number}": [f"s{number + 1}"] for number in range(more)} | {"cart": ["paid"]}
    for initial in ("cart", "paid"):
        document = json.dumps({"map": rows, "initial": initial}).encode()
        assert compile_document(document, Limits()).machine == Machine(initial.encode())
    document = json.dumps({"map": rows, "initial": "crat"}).encode()
    assert refused(document) == "$.initial: no state 'crat' in the map; did you mean 'cart'?"
    before = compile_document(document, None)
    assert before.machine == Machine(b"crat")
    assert before.definition.known[-1] == "crat"
    assert before.definition.force(Machine(b"cart"), "crat", Given()) == Outcome(b"crat", ())
    assert compile_document(b'{"map":{},"initial":"crat"}', Limits()).machine == Machine(b"crat")


def test_a_target_without_a_row_whose_name_is_nearly_a_rows() -> None:
    document = {"map": {"placed": ["piad", "Placed", "done"], "paid": ["piad", "placed"]}, "initial": "placed"}
    findings = check_document(json.dumps(document).encode(), Limits())
    assert [finding for finding in findings if "row" in finding[2]] == [
        ("warning", "$.map.placed[0]", "'piad' has no row; did you mean 'paid'?"),
        ("warning", "$.map.placed[1]", "'Placed' has no row; did you mean 'placed'?"),
    ]


def test_the_number_of_states_is_bounded() -> None:
    rows = {f"s{i}": [f"t{i}"] for i in range(5)}
    document = json.dumps({"map": rows, "initial": "s0"}).encode()
    compile_document(document, Limits(states=10))
    assert refused(document, Limits(states=9)) == "$.map: 10 states, more than max-states (9) allows"
    with pytest.raises(LimitError):
        compile_document(document, Limits(states=9))


def test_what_is_stored_is_within_the_limit_too() -> None:
    """A number may be longer in the stored document than in the client's."""
    document = b'{"map":{},"initial":"a","meta":[1e5,1e5,1e5]}'
    stored = compile_document(document, Limits()).definition.canonical
    assert len(stored) > len(document)
    assert "more than max-document-bytes" in (refused(document, Limits(document_bytes=len(stored) - 1)) or "")
    compile_document(stored, Limits(document_bytes=len(stored)))


def test_an_empty_current_is_the_initial_state() -> None:
    assert compile_document(b'{"map":{},"initial":"x"}', Limits()).machine == Machine(b"x")
    assert compile_document(b'{"map":{},"initial":"x","current":""}', Limits()).machine == Machine(b"x")
    assert compile_document(b'{"map":{},"initial":""}', Limits()).machine == Machine(b"")


def test_an_empty_current_is_the_state_of_that_name_where_there_is_one() -> None:
    """A machine that stands there is written into the AOF, and set again, as its document."""
    rows = b'"map":{"a":[""],"":["a"]},"initial":"a"'
    assert compile_document(b"{" + rows + b"}", Limits()).machine == Machine(b"a")
    compiled = compile_document(b'{"current":"",' + rows + b"}", Limits())
    assert compiled.machine == Machine(b"")
    assert compiled.definition.head(b"") == b'{"current":""'
    assert compiled.definition.enter("", None, None, Given()) == Outcome(b"")


def test_a_state_in_a_long_row_is_found() -> None:
    targets = [f"t{i}" for i in range(500)]
    document = json.dumps({"map": {"a": targets}, "initial": "a"}).encode()
    definition = compile_document(document, Limits()).definition
    assert all(definition.mutate(Machine(b"a"), target, Given()) == Outcome(target.encode(), ()) for target in targets)
    assert definition.mutate(Machine(b"a"), "a", Given()) is None
    assert json.loads(definition.canonical)["map"] == {"a": targets}


def test_a_long_row_of_few_states_is_searched_no_longer_than_it_has_states() -> None:
    document = json.dumps({"map": {"a": ["b"] * 100_000, "b": ["a"]}, "initial": "a"}).encode()
    definition = compile_document(document, None).definition
    assert isinstance(definition, FlatDefinition)
    assert len(definition.tables.exact[1].targets) == 1  # type: ignore[attr-defined]
    assert definition.send(Machine(b"a"), "b", Given()) == Outcome(b"b", ())
    assert definition.send(Machine(b"a"), "a", Given()) is None
    assert definition.next(Machine(b"a")) == ["b"]


def ring(states: int, **more: str) -> bytes:
    names = [f"s{number}" for number in range(states)]
    rows = {name: [names[at - 1]] for at, name in enumerate(names)}
    return json.dumps({"map": rows, "initial": "s0", **more}).encode()


def test_the_tables_of_a_small_map_are_made_for_its_first_step() -> None:
    definition = compile_document(ring(10, current="s9"), Limits()).definition
    assert isinstance(definition, FlatDefinition)
    assert definition._tables is None
    assert definition.send(Machine(b"s1"), "s0", Given()) == Outcome(b"s0", ())
    assert definition._tables is definition.tables


def test_the_tables_of_a_large_map_are_made_at_once() -> None:
    """No step waits for them."""
    definition = compile_document(ring(1000), Limits()).definition
    assert isinstance(definition, FlatDefinition)
    assert definition._tables is not None and len(definition._tables.paths) == 1001


@pytest.mark.parametrize("more", [0, 1000], ids=["small: before its tables are made", "large"])
def test_what_a_map_knows(more: int) -> None:
    others = [f"s{number}" for number in range(more)]
    for initial in ("a", "b"):
        document = {"map": {"a": ["b", ""], "o": others}, "initial": initial}
        definition = compile_document(json.dumps(document).encode(), Limits()).definition
        known = {"a", "b", "", initial}
        for name in ("a", "b", "c", "d", ""):
            stands = compile_document(json.dumps({**document, "current": name}).encode(), Limits())
            if name in known:
                assert definition.admit(name.encode(), strict=True) == name.encode()
                assert definition.enter(name, None, None, Given()) == Outcome(name.encode())
                assert stands.machine == Machine(name.encode())
                continue
            assert stands.unknown_current is not None and "no state" in stands.unknown_current
            with pytest.raises(DocumentError, match="no state"):
                definition.admit(name.encode(), strict=True)
            with pytest.raises(DocumentError, match="no state"):
                definition.enter(name, None, None, Given())


def test_a_target_that_is_no_string_is_never_a_key() -> None:
    """Numbers whose hashes collide would make each of them look at all before it."""

    class Target:
        looks = 0

        def __hash__(self) -> int:
            Target.looks += 1
            return 0

    rows: dict[str, Any] = {"a": ["b", *[Target() for _ in range(100)]]}
    with pytest.raises(DocumentError):
        FlatDefinition({"map": rows, "initial": "a"}, None)
    assert Target.looks == 0
    collide = [str(number * (2**61 - 1)) for number in range(10_000)]
    document = f'{{"map":{{"a":[{",".join(collide)}]}},"initial":"a"}}'.encode()
    assert refused(document) == "$.map.a[0]: expected a string, got a number"


def test_names_that_mean_something_in_a_chart_are_names_like_others() -> None:
    names = ["*", "a.*", "a", "xstate.init", "xstate.done.state.a", "#a", ".a", "a\\", "", "{}", "always"]
    rows = {name: [other for other in names if other != name] for name in names}
    definition = compile_document(json.dumps({"map": rows, "initial": "*"}).encode(), Limits()).definition
    for name in names:
        assert definition.next(Machine(name.encode())) == rows[name]
        for target in names:
            moved = None if target == name else Outcome(target.encode(), ())
            assert definition.send(Machine(name.encode()), target, Given()) == moved
            assert definition.mutate(Machine(name.encode()), target, Given()) == moved
            assert definition.force(Machine(name.encode()), target, Given()) == Outcome(target.encode(), ())
        assert definition.send(Machine(name.encode()), "a.b", Given()) is None


@pytest.mark.parametrize("states", [2, 2000])
def test_a_document_is_stored_the_same_however_it_was_escaped(states: int) -> None:
    def canonical(name: str, **how: Any) -> bytes:
        rows = {name: [f"s{number}" for number in range(states)], "b": [name]}
        document = {"map": rows, "initial": name, "id": name, "description": "é"}
        return compile_document(json.dumps(document, **how).encode(), Limits()).definition.canonical

    for name in ('"', "\\", "\t", "\x7f", "é", "\u2028", "a/b"):
        assert canonical(name, ensure_ascii=True) == canonical(name, ensure_ascii=False, indent=1)
        assert json.loads(canonical(name))["map"]["b"] == [name]
    assert canonical("a") == canonical("a", indent=1)
    written = rb'{"m\u0061p":{"\u0061":["b"]},"initial":"a"}'
    assert compile_document(written, Limits()).definition.canonical == b'{"map":{"a":["b"]},"initial":"a"}'


def test_what_was_accepted_before_may_stand_on_an_unknown_state() -> None:
    document = b'{"map":{"a":["b"]},"initial":"a","current":"gone","reason":""}'
    compiled = compile_document(document, None)
    assert compiled.machine == Machine(b"gone")
    assert compiled.reason == ""
    assert compiled.definition.mutate(Machine(b"gone"), "a", Given()) is None
    assert compiled.definition.next(Machine(b"gone")) == []
    assert compiled.definition.force(Machine(b"gone"), "b", Given()) == Outcome(b"b", ())
    assert compiled.definition.admit(b"gone", strict=False) == b"gone"
    with pytest.raises(DocumentError, match="no state 'gone'"):
        compiled.definition.admit(b"gone", strict=True)
    with pytest.raises(DocumentError, match="not UTF-8"):
        compiled.definition.admit(b"\xff", strict=False)


def test_beside_a_map_nothing_but_meta_may_be_deep() -> None:
    deep = b"[" * 64 + b"]" * 64
    for name, fault in (
        (b"meta", "$.meta" + "[0]" * 63 + ": nested deeper than max-nesting (64) allows"),
        (b"id", "$.id: expected a string, got an array"),
        (b"other", "$.other: unknown member"),
    ):
        assert refused(b'{"map":{"a":[]},"initial":"a","%b":%b}' % (name, deep)) == fault
    compile_document(b'{"map":{"a":[]},"initial":"a","meta":%b}' % deep[1:-1], Limits())


NAMES = [f"s{number}" for number in range(6)]
MAPS = st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), max_size=6), max_size=6)


@given(rows=MAPS, initial=st.sampled_from(NAMES), events=st.lists(st.sampled_from([*NAMES, "none"]), max_size=30))
def test_a_map_is_the_statechart_whose_events_are_its_states(
    rows: dict[str, list[str]], initial: str, events: list[str]
) -> None:
    """The tables of a map are made in a way of their own, for speed: they say what those of its statechart say."""
    flat = compile_document(json.dumps({"map": rows, "initial": initial}).encode(), None).definition
    states = {name: {"on": {target: {"target": target} for target in rows.get(name, ())}} for name in flat.known}
    chart = compile_document(json.dumps({"states": states, "initial": initial}).encode(), Limits()).definition
    assert set(flat.known) == set(chart.known)
    assert flat.initial == chart.initial
    at, on = flat.start(Given())[0], chart.start(Given())[0]
    for event in events:
        assert flat.next(Machine(at)) == chart.next(Machine(on))
        for name in ("send", "mutate", "force"):
            one = getattr(flat, name)(Machine(at), event, Given())
            other = getattr(chart, name)(Machine(on), event, Given())
            assert (one is None) == (other is None), name
            if one is not None:
                assert list(flat.states(one[0])) == list(chart.states(other[0])), name
                assert flat.current(one[0]) == chart.current(other[0]), name
        moved, followed = flat.send(Machine(at), event, Given()), chart.send(Machine(on), event, Given())
        if moved is not None and followed is not None:
            at, on = moved[0], followed[0]


def test_a_row_named_like_a_wildcard_is_a_state_and_is_warned_of() -> None:
    document = b'{"map":{"a":["*"],"*":["a"]},"initial":"a"}'
    assert check_document(document, Limits()) == [
        ("warning", '$.map["*"]', "'*' is a state of that name, no wildcard"),
    ]
    assert compile_document(document, Limits()).definition.send(Machine(b"a"), "b", Given()) is None


names = st.text(alphabet='a,:[]{}"\\é', max_size=3)


@given(st.dictionaries(names, st.lists(names, max_size=3), max_size=4), names, names)
def test_a_machine_is_done_where_no_move_leads_on(rows: dict[str, list[str]], initial: str, other: str) -> None:
    definition = compile_document(json.dumps({"map": rows, "initial": initial}).encode(), None).definition
    for state in {initial, other, *rows, *(target for row in rows.values() for target in row)}:
        machine = Machine(state.encode())
        assert definition.is_done(state.encode()) == (definition.next(machine) == [])
        assert json.loads(definition.snapshot(machine))["status"] == ("active" if rows.get(state) else "done")


@pytest.mark.parametrize("state", [",", ":", "]", "}"])
def test_names_that_look_like_what_is_between_names_are_no_rows(state: str) -> None:
    rows = {"x": ["a{", ":[", "]", "}", ":", ","], state: []}
    for shown in (rows, {name + "{": [*row, "{"] for name, row in rows.items()}):
        definition = compile_document(json.dumps({"map": shown, "initial": state}).encode(), None).definition
        assert definition.is_done(state.encode())


def test_a_large_machine_is_done_where_no_move_leads_on() -> None:
    rows = {f"s{number}": [f"s{number + 1}"] for number in range(1000)}
    definition = compile_document(json.dumps({"map": rows, "initial": "s0"}).encode(), Limits()).definition
    assert not definition.is_done(b"s999")
    assert definition.is_done(b"s1000")
