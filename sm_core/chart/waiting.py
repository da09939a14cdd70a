"""Reading what a state waits for: its ``after`` and ``timeout``, and the tasks that it invokes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..definition import SPAWN, STOP, Effect
from ..document import to_json
from ..durations import as_number
from ..errors import member, type_name
from . import members as read
from .actions import Action, ArmLater, Ask, AskWith, CancelLater
from .behaviour import STEP, Behaviour
from .members import listed, members
from .templates import Template, object_maker

AFTER_EVENT = "xstate.after."
TIMEOUT_EVENT = "xstate.timeout."
DONE_TASK = "xstate.done.actor."
FAILED_TASK = "xstate.error.actor."


class Waiting(NamedTuple):
    """What a state waits for, as actions, and the lists of transitions that answer it, by descriptor."""

    arms: list[Action]
    starts: list[Action]
    cancels: list[Action]
    stops: list[Action]
    answers: list[tuple[str, str, Any]]
    """The descriptor, the place and the value of each."""


def waiting(behaviour: Behaviour, place: str, value: dict[str, Any], identity: str) -> Waiting:
    """What the state ``value`` at ``place``, whose id is ``identity``, waits for."""
    found = Waiting([], [], [], [], [])
    for index, (task, at) in enumerate(listed(f"{place}.invoke", value.get("invoke"))):
        _invoke(behaviour, str(at), task, f"{index}.{identity}", found)
    for written, event, at, transitions in _afters(behaviour, place, value, identity):
        delay = behaviour.delay(at, written)
        if delay is None:
            continue
        name = Template(event, None, 0)
        found.arms.append(ArmLater(Template({"type": event}, None, 1), delay, name, at))
        found.cancels.append(CancelLater(name, at))
        found.answers.append((event, at, transitions))
    behaviour.states.count(len(found.arms) + len(found.starts), place)
    return found


def _afters(
    behaviour: Behaviour, place: str, value: dict[str, Any], identity: str
) -> Iterator[tuple[object, str, str, Any]]:
    """The delays of a state, each with its event, its place and its transitions, in JavaScript's order: what may be an
    index of an array first, ascending. A key that is a number is no name."""
    after = read.mapping(behaviour.faults, place, value, "after")
    numbers = sorted((key for key in after if _is_index(key)), key=int)
    for key in [*numbers, *(key for key in after if not _is_index(key))]:
        delay, word = (key, key) if as_number(key) is None else (float(key), _as_javascript(key))
        yield delay, f"{AFTER_EVENT}{word}.{identity}", member(f"{place}.after", key), after[key]
    if value.get("timeout") is not None:
        at = f"{place}.timeout"
        yield value["timeout"], f"{TIMEOUT_EVENT}{identity}", at, value.get("onTimeout")
    elif value.get("onTimeout") is not None:
        behaviour.faults.at(f"{place}.onTimeout", "there is no 'timeout' that it answers")


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) <= 10 and str(int(key)) == key and int(key) < 2**32 - 1


def _as_javascript(key: str) -> str:
    """A number as JavaScript writes it: ``1e3`` is 1000."""
    number = float(key)
    return str(int(number)) if number.is_integer() else repr(number)


INVOKE = read.Kind(
    "a task",
    ("id", "src", "input", "onDone", "onError", "meta"),
    {
        "onSnapshot": "a task reports its end alone",
        "systemId": "a task is known by its id",
        "data": "XState 5 calls it 'input'",
    },
    ("type",),
)


def _invoke(behaviour: Behaviour, place: str, value: object, default: str, found: Waiting) -> None:
    if isinstance(value, str):
        value = {"src": value}
    if not isinstance(value, dict):
        behaviour.faults.at(place, f"expected a task (an object), got {type_name(value)}")
        return
    members(behaviour.faults, place, value, INVOKE)
    if value.get("type") not in (None, "xstate.invoke"):
        behaviour.faults.at(f"{place}.type", "a task has no type")
    identity = read.text(behaviour.faults, place, value, "id") or default
    source = value.get("src")
    if isinstance(source, dict) and isinstance(source.get("type"), str):
        source = source["type"]
    if not isinstance(source, str) or not source:
        if source is None:
            behaviour.faults.lost(f"{place}.src", "the name of a task")
        else:
            behaviour.faults.at(f"{place}.src", f"expected the name of a task, got {type_name(source)}")
        return
    behaviour.has_tasks = True
    params: dict[str, Any] = {"id": identity, "src": source}
    if "input" in value:
        params["input"] = value["input"]
    template = behaviour.template(f"{place}.input", value.get("input"), STEP)
    if template.make is None:
        found.starts.append(Ask(Effect(SPAWN, params), len(to_json(params))))
    else:
        made = object_maker(params, {"input": template.make})
        found.starts.append(AskWith(SPAWN, Template(None, made, template.cost)))
    found.stops.append(Ask(Effect(STOP, {"id": identity}), len(identity)))
    for name, event in (("onDone", DONE_TASK), ("onError", FAILED_TASK)):
        if value.get(name) is not None:
            found.answers.append((event + identity, f"{place}.{name}", value[name]))
