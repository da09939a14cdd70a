"""The members of a statechart document: which there are, what they hold, and how they are read.

Everything here looks at one member's value by itself; what refers to other states is left to ``compile``.
A fault is reported to ``Faults``, which raises it at once or collects it for SM.CHECK.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..errors import DocumentError, element, member, quote, type_name
from .hints import Names
from .model import FINAL, HISTORY, TYPE_NAMES

NOT_TAKEN = ("delay", "route")
"""What XState gives a meaning to and this engine does not: refused by name, unless it is empty."""
_EMPTY: tuple[object, ...] = (None, [], {})

_COMMON = (
    *("id", "type", "description", "meta", "tags", "initial", "states"),
    *("on", "always", "entry", "exit", "onDone", "history", "output"),
    *("after", "timeout", "onTimeout", "invoke"),
)
_TOOLS = (
    *("types", "schema", "schemas", "tsTypes"),
    *("predictableActionArguments", "preserveActionOrder", "internalEvents"),
)
"""What only tools read. At the top level they are kept, whatever they hold, and mean nothing."""
_RESOLVED = ("key", "order", "transitions")
"""What only JSON.stringify(machine) writes; it may only repeat what is said elsewhere. No person means to write it."""


class Kind:
    """What has members: what it is called, which it has, and what is said of those that XState no longer has."""

    __slots__ = ("allowed", "names", "what", "words")

    def __init__(self, what: str, names: tuple[str, ...], words: dict[str, str], unnamed: tuple[str, ...] = ()) -> None:
        """``unnamed``: members that are no hint for a misspelt one."""
        self.what = what
        self.words = words
        self.allowed = frozenset((*names, *unnamed))
        self.names = Names(names, lasting=True)


_FORMER = {
    "onEntry": "XState 5 calls it 'entry'",
    "onExit": "XState 5 calls it 'exit'",
    "activities": "XState 5 calls it 'invoke'",
    "data": "XState 5 calls it 'output'",
    "parallel": 'XState 5 has "type": "parallel"',
    "strict": "XState 5 has none; a transition for '*' takes what no other does",
    "delimiter": "XState 5 has none; '.' is between the names in a target",
    "maxIterations": "it is a member of the top level's 'options'",
    **dict.fromkeys((*_TOOLS, "options", "context", "guards", "snapshot", "store"), "only the top level has it"),
}
STATE = Kind("a state", (*_COMMON, "target"), _FORMER, (*_RESOLVED, "version"))
_ROOT = (
    *("version", "current", "historyValue", "snapshot", "options"),
    *("context", "guards", "actions", "delays", "store", "@exprLang"),
)
ROOT = Kind("a state", (*_COMMON, *_ROOT, *_TOOLS), _FORMER, _RESOLVED)
OPTIONS = Kind("the member 'options'", ("maxIterations",), {})
TRANSITION = Kind(
    "a transition",
    ("target", "guard", "actions", "context", "reenter", "description", "meta"),
    {
        "cond": "XState 5 calls it 'guard'",
        "internal": "XState 5 has 'reenter', which says the opposite",
        "in": 'XState 5 has the guard {"type": "xstate.stateIn"}',
        "history": "XState 5 has states of the type 'history', which are targets",
    },
    ("source", "eventType"),
)
ACTION = Kind("an action", ("type", "params"), {"exec": "code is not taken: the action's name is its 'type'"})
_TYPES = Names(TYPE_NAMES, lasting=True)


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

    Never as an exception: that would hold the frames that hold it. ``before``: the document was accepted before, and
    null where code stood was taken then.
    """

    def __init__(self, most: int = 0, before: bool = False) -> None:
        self.most = most
        self.before = before
        self.found: list[tuple[str, str]] = []

    def at(self, path: Place, fault: str) -> None:
        if len(self.found) == self.most:
            raise DocumentError(str(path), fault)
        self.found.append((str(path), fault))

    def lost(self, path: Place, what: str) -> None:
        """Null where ``what`` belongs: JSON.stringify writes it for a function."""
        if not self.before:
            self.at(path, f"null where {what} belongs: code was lost on the way to JSON: name it")


class Raw(NamedTuple):
    """A transition as the document has it: ``targets`` with the path of each, not resolved yet; ``behaviour`` has its
    guard, its actions and its ``context``."""

    path: str
    targets: list[tuple[str, Place]] | None
    behaviour: dict[str, Any]
    reenter: bool
    source: str | None = None
    event: str | None = None


NOTHING: dict[str, Any] = {}


def members(faults: Faults, path: str, value: dict[str, Any], kind: Kind) -> None:
    """Refuses members that ``kind`` does not have."""
    if value.keys() <= kind.allowed:
        return
    for name, inner in value.items():
        if name in kind.allowed:
            continue
        if name in NOT_TAKEN:
            if inner not in _EMPTY:
                faults.at(member(path, name), f"{quote(name)} is not supported yet")
        elif inner in _EMPTY and (name == "context" or (name == "guard" and faults.before)):
            continue  # 1.0 passed over it
        else:
            word = f": {kind.words[name]}" if name in kind.words else kind.names.hint(name)
            faults.at(member(path, name), f"{kind.what} has no member {quote(name)}{word}")


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
    members(faults, path, options, OPTIONS)
    most = options.get("maxIterations")
    if most is None:
        return 0
    if isinstance(most, bool) or not isinstance(most, (int, float)) or most < 1:
        faults.at(member(path, "maxIterations"), "expected a number that is at least 1")
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


def transitions(faults: Faults, path: str, value: object) -> Iterator[Raw]:
    """The transitions of one descriptor, of ``always`` or of ``onDone``."""
    if value is None:
        yield Raw(path, None, NOTHING, False)
    for item, place in listed(path, value):
        yield transition(faults, str(place), item)


def transition(faults: Faults, path: str, value: object) -> Raw:
    """One transition: the name of its target, or an object."""
    if isinstance(value, str):
        return Raw(path, [(value, path)] if value else None, NOTHING, False)
    if not isinstance(value, dict):
        faults.at(path, f"expected a target (a string), an object or an array of these, got {type_name(value)}")
        return Raw(path, None, NOTHING, False)
    members(faults, path, value, TRANSITION)
    text(faults, path, value, "description")
    reenter = value.get("reenter")
    if reenter is not None and not isinstance(reenter, bool):
        faults.at(member(path, "reenter"), f"expected true or false, got {type_name(reenter)}")
    return Raw(
        path,
        targets(faults, member(path, "target"), value.get("target")),
        value,
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
            faults.at(place, f"no type {quote(said)}{_TYPES.hint(said)}")
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
        place = member(path, "history")
        faults.at(place, "expected 'shallow' or 'deep'; where it leads while it holds nothing is its 'target'")
    return bool(said == "deep")


def has_output(faults: Faults, path: str, value: dict[str, Any], of_type: int) -> bool:
    """Is there an ``output``, and may it be here: in a final state or at the top level?"""
    said = value.get("output")
    if said is None or ((said == [] or said == {}) and of_type != FINAL and path != "$"):
        return False
    if of_type == FINAL or path == "$":
        return True
    faults.at(member(path, "output"), "only a final state and the top level have an output")
    return False
