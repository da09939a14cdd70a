"""SCXML that is converted behaves on a real server as the recommendation says, and as another interpreter runs it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis
from statemachine.io import load

from redisstate.convert import ConversionError, convert, xml
from tests.client.converted import FIXTURES, Played, read

HEAD = "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' datamodel='ecmascript'>"


def errors(text: str) -> list[tuple[str, str]]:
    return [(finding.path, finding.message) for finding in convert(HEAD + text + "</scxml>").errors]


def played(r: redis.Redis, name: str) -> Played:
    conversion = convert(read(f"scxml/{name}.scxml"))
    assert conversion.errors == ()
    return Played(r, conversion)


def scxml(r: redis.Redis, text: str) -> Played:
    conversion = convert(HEAD + text + "</scxml>")
    assert conversion.errors == ()
    return Played(r, conversion)


# By hand


def test_the_oven_cooks_while_its_door_is_closed(r: redis.Redis) -> None:
    oven = played(r, "microwave")
    assert oven.states == ["closed", "off"]
    assert oven.send("turn.on") == ["closed", "cooking"]
    assert oven.send("door.open") == ["idle", "open"]
    assert oven.send("time") == ["idle", "open"]
    assert oven.send("door.close") == ["closed", "cooking"]
    for _ in range(4):
        assert oven.send("time") == ["closed", "cooking"]
    assert oven.send("time") == ["closed", "off"]
    assert oven.context["timer"] == 5


def test_a_light_waits_for_what_it_sends_itself(r: redis.Redis) -> None:
    light = played(r, "traffic_light")
    assert light.states == ["red"]
    assert list(light.pending) == ["red"]
    assert light.fire("red") == ["green"]
    assert list(light.pending) == ["green"]
    due = int(light.pending["green"]["due"]) - r.execute_command("TIME")[0] * 1000
    assert 0 < due < 3500
    assert light.send("POWER.OFF") == ["broken"]
    assert light.pending == {}, "cancelled on exit"
    assert light.send("POWER") == ["red"]


def test_history_of_both_depths_and_an_external_transition(r: redis.Redis) -> None:
    player = played(r, "player")
    assert player.send("on") == ["first"]
    assert player.send("next") == ["second"]
    assert player.send("off") == ["off"]
    assert player.send("on") == ["first"], "shallow: the album, from its beginning"
    player.send("next")
    player.send("off")
    assert player.send("resume") == ["second"], "deep"
    assert player.send("skip") == ["loud"]
    assert player.effects == [], "an internal transition does not leave its source"
    player.send("off")
    assert player.send("on") == ["loud"]
    assert player.send("again") == ["first"]
    labels = [effect["params"]["args"] for effect in player.effects]
    assert labels == [["dark"], ["lit"]], "an external one leaves and enters it"


def test_the_default_of_a_deep_history(r: redis.Redis) -> None:
    assert played(r, "player").send("resume") == ["quiet"]


def test_a_transition_between_regions_leaves_the_parallel_state(r: redis.Redis) -> None:
    form = played(r, "regions")
    assert form.states == ["offline", "typing"], "initial names states inside both regions"
    assert form.context == {"entered": 1, "left": 0}
    assert form.send("both") == ["idle", "online"]
    assert form.context == {"entered": 2, "left": 1}
    assert form.send("key") == ["online", "typing"]
    assert form.send("both") == ["idle", "online"]
    assert form.context == {"entered": 3, "left": 2}
    assert form.send("key") == ["idle", "online"], "the transition without an event"
    assert form.send("close") == ["closed"]
    assert form.context == {"entered": 3, "left": 3}


def test_data_conditions_and_done_data(r: redis.Redis) -> None:
    order = played(r, "order")
    assert order.context == {
        "total": 30,
        "paid": 0,
        "notes": ["new"],
        "size": "small",
        "limit": 60,
        "result": None,
    }
    order.send("grow")
    assert order.context["size"] == "none"
    assert order.send("pay", {"amount": 10}) == ["due"]
    order.send("grow")
    assert order.context["size"] == "some: 10", "ECMAScript makes a text of a number beside a text"
    order.send("pay", {"amount": 15})
    order.send("grow")
    assert order.context["size"] == "some: 10!", "25 / 4 is more than 5 there: 6.25"
    order.send("note", {"text": "soon"})
    assert order.context["notes"] == ["new", "soon"]
    assert order.send("pay", {"amount": 7}) == ["closed"]
    assert order.context["result"] == 32
    assert json.loads(r.execute_command("SM.GET", "converted", "OUTPUT")) == {"paid": 32, "left": -2}


def test_the_first_transition_that_matches_is_taken(r: redis.Redis) -> None:
    machine = played(r, "events")
    for event, state in {
        "job": "c",
        "job.late": "late",
        "job.late.again": "late",
        "job.early": "c",
        "jobs": "other",
        "stopped": "late",
        "stopped.hard": "late",
        "error": "failed",
        "error.execution": "failed",
        "": "other",
    }.items():
        if event:
            assert machine.send(event) == [state], event
            assert machine.send("back") == ["a"]
    machine.send("ready")
    assert machine.send("job.late") == ["b"], "'job' stands before what is more exact"


def test_what_is_raised_comes_within_the_step_and_what_is_sent_after_it(r: redis.Redis) -> None:
    machine = played(r, "queues")
    assert machine.send("go") == ["idle"]
    assert machine.context["seen"] == ["raised", "inner", "sent", 1]


def test_exact_events_match_themselves_alone(r: redis.Redis) -> None:
    text = HEAD + "<state id='a'><transition event='go' target='b'/></state><state id='b'/></scxml>"
    machine = Played(r, convert(text, exact_events=True))
    assert machine.send("go.on") == ["a"]
    assert machine.send("go") == ["b"]
    machine = Played(r, convert(text))
    assert machine.send("go.on") == ["b"]


def test_an_initial_state_further_inside_is_entered_once_and_never_by_default(r: redis.Redis) -> None:
    machine = scxml(
        r,
        "<state id='a' initial='a12'><transition event='in' target='a1'/><transition event='new' target='a'/>"
        "<state id='a1'><state id='a11'/><state id='a12'/></state></state>",
    )
    assert machine.states == ["a12"]
    assert machine.send("in") == ["a11"], "a1 begins where it begins"
    assert machine.send("new") == ["a12"]


def test_the_initial_actions_of_a_region_run_when_another_is_the_target(r: redis.Redis) -> None:
    machine = scxml(
        r,
        "<datamodel><data id='n' expr='0'/></datamodel>"
        "<state id='off'><transition event='go' target='q2'/></state>"
        "<parallel id='on'><state id='p'><initial><transition target='p1'><assign location='n' expr='n + 1'/>"
        "</transition></initial><state id='p1'/></state><state id='q'><state id='q1'/><state id='q2'/></state>"
        "</parallel>",
    )
    assert machine.send("go") == ["p1", "q2"]
    assert machine.context == {"n": 1}


def test_what_is_sent_elsewhere_and_what_is_foreign_is_an_effect(r: redis.Redis) -> None:
    machine = scxml(
        r,
        "<datamodel><data id='n' expr='2'/></datamodel><state id='a'><transition event='go' target='b'>"
        "<send event='order' target='http://shop' type='http' id='s1'><param name='n' expr='n * 2'/></send>"
        "<x:mail xmlns:x='urn:x' to='me'/><log label='n' expr='n'/></transition></state><state id='b'/>",
    )
    machine.send("go")
    assert machine.effects == [
        {
            "type": "send",
            "params": {"event": "order", "target": "http://shop", "type": "http", "id": "s1", "data": {"n": 4}},
        },
        {"type": "mail", "params": {"to": "me"}},
        {"type": "@xstate.log", "params": {"args": ["n", 2]}},
    ]


def test_what_is_invoked_is_a_task(r: redis.Redis) -> None:
    machine = scxml(
        r,
        "<datamodel><data id='n' expr='2'/><data id='got'/></datamodel>"
        "<state id='a'><invoke id='charge' src='pay'><param name='amount' expr='n'/></invoke>"
        "<transition event='done.invoke.charge' target='b'><assign location='got' expr='_event.data.ref'/></transition>"
        "<transition event='error' target='c'/></state><state id='b'/><state id='c'/>",
    )
    (task,) = machine.pending.values()
    assert (task["src"], json.loads(task["input"])) == ("pay", {"amount": 2})
    r.execute_command("SM.DONE", "converted", task["handle"], '{"ref": "x"}')
    assert machine.states == ["b"]
    assert machine.context["got"] == "x"
    r.execute_command("SM.RESET", "converted")
    (task,) = machine.pending.values()
    r.execute_command("SM.FAIL", "converted", task["handle"], '"no"')
    assert machine.states == ["c"], "'error' matches a task that failed"


def test_done_events_are_heard_from_elsewhere(r: redis.Redis) -> None:
    machine = scxml(
        r,
        "<parallel id='p'><state id='a'><state id='a1'><transition event='go' target='a2'/></state><final id='a2'/>"
        "</state>"
        "<state id='b'><state id='b1'><transition event='done.state.a' target='b2'/></state><final id='b2'/></state>"
        "<transition event='done.state.p' target='end'/></parallel><state id='end'/>",
    )
    assert machine.send("go") == ["end"]


# What cannot be said


def test_what_is_lost_is_named_by_its_path() -> None:
    found = errors(
        "<datamodel><data id='x' expr='f(1)'/><data id='y' src='y.json'/></datamodel><script>x = 1</script>"
        "<state id='a'><onentry><foreach array='x' item='i'/><assign location='x.y' expr='1'/>"
        "<assign location='z' expr='1'/><send event='e' delay='soon'/></onentry>"
        "<transition event='e' cond='x &gt; y ?? 1' target='a'/><transition event='e' target='nowhere'/>"
        "<invoke autoforward='true' src='s'><finalize/></invoke></state>"
    )
    assert sorted(found) == sorted(
        [
            ("/scxml/script[1]", "a script is code: it is left out"),
            ("/scxml/state[@id='a']/onentry[1]/foreach[1]", "there are no loops: it is left out"),
            ("/scxml/state[@id='a']/invoke[1]/@autoforward", "a task is not sent the machine's events"),
            (
                "/scxml/state[@id='a']/invoke[1]/finalize[1]",
                "a task reports its end alone: what is done about each event is left out",
            ),
            ("/scxml/datamodel[1]/data[@id='y']/@src", "what another file holds is not read: null"),
            ("/scxml/datamodel[1]/data[@id='x']/@expr", "the function 'f' is not known here: null"),
            (
                "/scxml/state[@id='a']/onentry[1]/assign[1]",
                "it changes a part of data, 'x.y': only a whole item can be assigned here: left out",
            ),
            ("/scxml/state[@id='a']/onentry[1]/assign[2]", "there is no data 'z': left out"),
            ("/scxml/state[@id='a']/onentry[1]/send[1]", "'soon' is no time, as '1.5s' is: left out"),
            (
                "/scxml/state[@id='a']/transition[1]/@cond",
                "'??' is not known here at column 7: a guard of that name, which the client decides",
            ),
            ("/scxml/state[@id='a']/transition[2]", "there is no state 'nowhere'"),
            ("/scxml/state[@id='a']/transition[2]", "without its target it only does its actions"),
        ]
    )


def test_a_condition_that_is_not_understood_never_leaves_a_transition_unguarded(r: redis.Redis) -> None:
    conversion = convert(
        HEAD + "<state id='a'><transition event='go' cond='x.match(/a/)' target='b'/></state><state id='b'/></scxml>"
    )
    machine = Played(r, conversion)
    assert len(conversion.errors) == 1
    with pytest.raises(redis.ResponseError, match="GUARD"):
        machine.send("go")
    assert machine.send("go", guards=[]) == ["a"]


def test_a_comparison_of_different_kinds_is_warned_of() -> None:
    conversion = convert(
        HEAD + "<datamodel><data id='n' expr='5'/><data id='m' expr=\"n == '5' ? 1 : 2\"/></datamodel><state id='a'>"
        "<transition event='go' cond=\"n == '5'\" target='a'/><transition event='go' cond='n === 5' target='a'/>"
        "<transition event='no'><assign location='n' expr='_event.data.x &gt; n ? 1 : 2'/>"
        "<assign location='n' expr=\"n == '6' || f(1)\"/>"
        "<if cond='_event.data.x &lt; 2'><assign location='n' expr='3'/></if></transition></state></scxml>"
    )
    assert [finding.path for finding in conversion.errors] == ["/scxml/state[@id='a']/transition[3]/assign[2]"]
    warnings = [finding.path for finding in conversion.findings if finding.severity == "warning"]
    assert warnings == [
        "/scxml/datamodel[1]/data[@id='m']/@expr",
        "/scxml/state[@id='a']/transition[1]/@cond",  # n has no known kind here, and so it is said once
    ]


def test_lines_are_told() -> None:
    (finding,) = convert("<scxml>\n<state id='a'>\n<onentry>\n<script>1</script></onentry></state></scxml>").errors
    assert finding.line == 4
    assert str(finding).startswith("error: /scxml/state[@id='a']/onentry[1]/script[1] (line 4): a script is code")


def test_one_event_that_is_taken_inside_a_region_and_outside_it_is_warned_of() -> None:
    conversion = convert(
        HEAD + "<parallel id='p'><transition event='go' target='end'/><state id='a'><transition event='go'/></state>"
        "<state id='b'/></parallel><state id='end'/></scxml>"
    )
    warnings = [finding.path for finding in conversion.findings if finding.severity == "warning"]
    assert warnings == ["/scxml/parallel[@id='p']/transition[1]"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("<!DOCTYPE scxml [<!ENTITY a 'b'>]><scxml/>", "document type"),
        ("<!DOCTYPE scxml SYSTEM 'file:///etc/passwd'><scxml/>", "document type"),
        ("<scxml><state></scxml>", "not well-formed"),
        ("<state/>", "the root is <state>"),
        ("<scxml>" + "<state>" * 200 + "</state>" * 200 + "</scxml>", "nested deeper"),
        ("<scxml>" + "<state/>" * 20000 + "</scxml>", "more than"),
        ("<scxml>" + " " * 1_000_001 + "</scxml>", "larger than"),
        ("", "neither JSON"),
    ],
)
def test_hostile_documents_are_refused(source: str, message: str) -> None:
    with pytest.raises(ConversionError, match=message):
        convert(source)


def test_paths_are_bounded_whatever_the_names_are() -> None:
    long = "A" * 20_000
    root = xml.read((f"<scxml><state id='{long}'>" + "<state><onentry/></state>" * 2000 + "</state></scxml>").encode())
    paths = [inner.path for child in root.children[0].children for inner in (child, *child.children)]
    assert max(map(len, paths)) <= 2 * 128 + len(" ... ")
    assert paths[-1].startswith("/scxml/state[@id='AAA")
    assert paths[-1].endswith("A']/state[2000]/onentry[1]")
    ids = "".join(f"<state id='{level:03}{'B' * 90}'>" for level in range(90))
    deepest = xml.read(f"<scxml>{ids}{'</state>' * 90}</scxml>".encode())
    while deepest.children:
        (deepest,) = deepest.children
    assert len(deepest.path) <= 2 * 128 + len(" ... ")
    assert deepest.path.endswith(f"/state[@id='089{'B' * 90}']")


def test_data_are_never_code() -> None:
    conversion = convert(
        HEAD + "<datamodel><data id='x'>{\"@expr\": \"now\"}</data></datamodel><state id='a'/></scxml>"
    )
    assert conversion.document["context"] == {"x": None}
    assert [finding.path for finding in conversion.errors] == ["/scxml/datamodel[1]/data[@id='x']"]


# Beside another interpreter


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("player", "on next off on resume skip next off resume off on again"),
        ("microwave", "turn.on door.open time door.close time time time time time turn.on door.open turn.off"),
        ("regions", "both key both key up down stop close"),
        ("events", "job back job.late x error.execution x stopped.now y ready job z job.late"),
    ],
)
def test_it_goes_where_python_statemachine_goes(r: redis.Redis, name: str, events: str) -> None:
    theirs: Any = load(FIXTURES / "scxml" / f"{name}.scxml", format="scxml")()
    ours = played(r, name)
    for event in ["", *events.split()]:
        if event:
            theirs.send(event)
            ours.send(event)
        expected = sorted(state.id for state in theirs.configuration if not state.states)
        assert ours.states == expected, event


def test_a_choice_among_more_than_assignments_is_a_transition_for_each_branch(r: redis.Redis) -> None:
    machine = scxml(
        r,
        "<datamodel><data id='n' expr='0'/></datamodel><state id='a'><transition event='go' cond='n &lt; 9' target='b'>"
        "<log label='first'/><if cond='_event.data.n &gt; 5'><raise event='high'/><elseif cond='_event.data.n &gt; 2'/>"
        "<raise event='mid'/><assign location='n' expr='n + 1'/></if></transition></state>"
        "<state id='b'><transition event='high' target='c'/><transition event='mid' target='d'/>"
        "<transition event='back' target='a'/></state>"
        "<state id='c'><transition event='back' target='a'/></state>"
        "<state id='d'><transition event='back' target='a'/></state>",
    )
    for number, state in ((7, "c"), (3, "d"), (1, "b")):
        assert machine.send("go", {"n": number}) == [state]
        assert [effect["params"]["args"] for effect in machine.effects] == [["first"]]
        machine.send("back")
    assert machine.context == {"n": 1}


def test_a_choice_that_depends_on_what_is_changed_before_it_is_refused() -> None:
    ((path, message),) = errors(
        "<datamodel><data id='n' expr='0'/></datamodel><state id='a'><transition event='go'>"
        "<assign location='n' expr='1'/><if cond='n == 1'><raise event='x'/></if></transition></state>"
    )
    assert path == "/scxml/state[@id='a']/transition[1]/if[1]"
    assert "only assignments may depend on an if" in message
