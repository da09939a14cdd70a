"""The members of a statechart document: which there are, what they hold, and how they are read.

Everything here looks at one member's value by itself; what refers to other states is left to ``compile``.
A fault is reported to ``Faults``, which raises it at once or collects it for SM.CHECK.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..errors import DocumentError, element, member, quote, type_name
from .hints import did_you_mean
from .model import HISTORY, TYPE_NAMES

NOT_TAKEN = ("guard", "after", "invoke", "context", "output", "delay")
"""What XState gives a meaning to and this engine does not: refused by name, unless it is empty."""

_COMMON = (
    *("id", "type", "description", "meta", "tags", "initial", "states"),
    *("on", "always", "entry", "exit", "onDone", "history"),
)
_RESOLVED = ["key", "order", "transitions", "version"]
"""What only JSON.stringify(machine) writes; it may only repeat what is said elsewhere."""

STATE_MEMBERS = frozenset((*_COMMON, "target", *_RESOLVED))
ROOT_MEMBERS = frozenset((*_COMMON, "current", "historyValue", "options", *_RESOLVED))
OPTIONS = frozenset(("maxIterations",))
TRANSITION_MEMBERS = frozenset(["target", "actions", "reenter", "description", "meta", "source", "eventType"])
ACTION_MEMBERS = frozenset(("type", "params"))


class Element(NamedTuple):
    """The place of an element of an array: a path only when it is asked for, as there may be 100,000 of them."""

    array: str
    position: int

    def __str__(self) -> str:
        return element(self.array, self.position)


Place = str | Element
"""A JSON path."""


class Faults:
    """Where faults go: ``at`` keeps up to ``most`` of them, each as its path and its text, and raises the next one.

    Never as an exception: that would hold the frames that hold it.
    """

    def __init__(self, most: int = 0) -> None:
        self.most = most
        self.found: list[tuple[str, str]] = []

    def at(self, path: Place, fault: str) -> None:
        if len(self.found) == self.most:
            raise DocumentError(str(path), fault)
        self.found.append((str(path), fault))


class Raw(NamedTuple):
    """A transition as the document has it: ``targets`` with the path of each, not resolved yet."""

    path: str
    targets: list[tuple[str, Place]] | None
    actions: tuple[str, ...]
    reenter: bool
    source: str | None = None
    event: str | None = None


def members(faults: Faults, path: str, value: dict[str, Any], allowed: frozenset[str], what: str) -> None:
    """Refuses members that ``what`` does not have."""
    for name, inner in value.items():
        if name in allowed:
            continue
        if name in NOT_TAKEN:
            if inner is not None and inner != [] and inner != {}:
                faults.at(member(path, name), f"{quote(name)} is not supported yet")
        else:
            faults.at(member(path, name), f"{what} has no member {quote(name)}{did_you_mean(name, sorted(allowed))}")


def text(faults: Faults, path: str, value: dict[str, Any], name: str) -> str:
    """The string member ``name``, "" when it is absent."""
    inner = value.get(name)
    if inner is None:
        return ""
    if not isinstance(inner, str):
        faults.at(member(path, name), f"expected a string, got {type_name(inner)}")
        return ""
    return inner


def mapping(faults: Faults, path: str, value: dict[str, Any], name: str) -> dict[str, Any]:
    """The object member ``name``, {} when it is absent."""
    inner = value.get(name)
    if inner is None:
        return {}
    if not isinstance(inner, dict):
        faults.at(member(path, name), f"expected an object, got {type_name(inner)}")
        return {}
    return inner


def max_iterations(faults: Faults, document: dict[str, Any]) -> int:
    """What the top level's ``options`` say of microsteps: see Tables. JSON has no Infinity, XState's default: null."""
    path = member("$", "options")
    options = mapping(faults, "$", document, "options")
    members(faults, path, options, OPTIONS, "the member 'options'")
    most = options.get("maxIterations")
    if most is None:
        return 0
    if isinstance(most, bool) or not isinstance(most, (int, float)) or most < 1:
        said = most if type_name(most) == "a number" else type_name(most)
        faults.at(member(path, "maxIterations"), f"expected a number that is at least 1, got {said}")
        return 0
    return int(most)


def listed(path: str, value: object) -> Iterator[tuple[Any, Place]]:
    """The items of a list, or the one value that stands for a list of it; each with its path."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield item, Element(path, index)
    elif value is not None:
        yield value, path


def tags(faults: Faults, path: str, value: object) -> None:
    for tag, place in listed(path, value):
        if not isinstance(tag, str):
            faults.at(place, f"expected a tag (a string), got {type_name(tag)}")


def actions(faults: Faults, path: str, value: object) -> tuple[str, ...]:
    """The names of the actions that ``value`` lists."""
    if value is None:
        return ()
    if type(value) is str and value and not value.startswith("xstate."):
        return (value,)
    names = []
    for action, place in listed(path, value):
        name = action
        if isinstance(action, dict):
            members(faults, str(place), action, ACTION_MEMBERS, "an action")
            name = action.get("type")
            place = member(str(place), "type") if "type" in action else place
            if name is None:
                faults.at(place, 'an action object needs its name in "type"')
                continue
        if not isinstance(name, str):
            hint = " (a function is lost in JSON: give the action a name)" if name is None else ""
            faults.at(place, f"expected an action (a name or an object), got {type_name(name)}{hint}")
        elif not name:
            faults.at(place, "an action needs a name")
        elif name.startswith("xstate."):
            faults.at(place, f"the built-in action {quote(name)} is not supported yet")
        else:
            names.append(name)
    return tuple(names)


def transitions(faults: Faults, path: str, value: object) -> Iterator[Raw]:
    """The transitions of one descriptor, of ``always`` or of ``onDone``."""
    if value is None:
        yield Raw(path, None, (), False)
    for item, place in listed(path, value):
        yield transition(faults, str(place), item)


def transition(faults: Faults, path: str, value: object) -> Raw:
    """One transition: the name of its target, or an object."""
    if isinstance(value, str):
        return Raw(path, [(value, path)] if value else None, (), False)
    if not isinstance(value, dict):
        faults.at(path, f"expected a target (a string), an object or an array of these, got {type_name(value)}")
        return Raw(path, None, (), False)
    members(faults, path, value, TRANSITION_MEMBERS, "a transition")
    text(faults, path, value, "description")
    reenter = value.get("reenter")
    if reenter is not None and not isinstance(reenter, bool):
        faults.at(member(path, "reenter"), f"expected true or false, got {type_name(reenter)}")
    return Raw(
        path,
        targets(faults, member(path, "target"), value.get("target")),
        actions(faults, member(path, "actions"), value.get("actions")),
        reenter is True,
        text(faults, path, value, "source") or None,
        text(faults, path, value, "eventType") or None,
    )


def targets(faults: Faults, path: str, value: object) -> list[tuple[str, Place]] | None:
    """The names of the targets, each with its path; None for a transition without any."""
    if value is None or value == "":
        return None
    names: list[tuple[str, Place]] = []
    for name, place in listed(path, value):
        if isinstance(name, str):
            names.append((name, place))
        else:
            faults.at(place, f"expected a target (a string), got {type_name(name)}")
    return names


def kind(faults: Faults, path: str, value: dict[str, Any], has_states: bool) -> int:
    """The type of a state, said or inferred as XState infers it."""
    said = value.get("type")
    if said is None:
        if has_states:
            return TYPE_NAMES.index("compound")
        return HISTORY if value.get("history") else TYPE_NAMES.index("atomic")
    if said not in TYPE_NAMES:
        place = member(path, "type")
        if isinstance(said, str):
            faults.at(place, f"no type {quote(said)}{did_you_mean(said, TYPE_NAMES)}")
        else:
            faults.at(place, f"expected one of {', '.join(TYPE_NAMES)}, got {type_name(said)}")
        return TYPE_NAMES.index("compound" if has_states else "atomic")
    return TYPE_NAMES.index(said)


def is_deep(faults: Faults, path: str, value: dict[str, Any], of_type: int) -> bool:
    """Does a history state restore all levels?"""
    said = value.get("history")
    if said in (None, False):
        return False
    if of_type != HISTORY:
        faults.at(member(path, "history"), "only a history state has a history")
    elif said is not True and said not in ("shallow", "deep"):
        faults.at(member(path, "history"), "expected 'shallow' or 'deep'")
    return bool(said == "deep")
