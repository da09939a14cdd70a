"""Types of one chart, as a Python module: its events, states, guards, effects, tasks and context, and a machine that
knows them, so that a misspelt event is found by a type checker.

    text = write(json.load(open("order.json")))
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .event_members import members_read

LONGEST = 100
"""Characters of a line, where it can be broken."""
DEEPEST = 64
"""Levels of a document inside one another; the server takes as many."""
MOST_SHAPES = 1000
"""Objects of a context that are described by their members."""

_EFFECTS = ("@xstate.emit", "@xstate.log")
_GUARDS = ("xstate.and", "xstate.or", "xstate.not")
_TRANSITIONS = ("onDone", "onError", "always", "onTimeout")


class Chart(NamedTuple):
    """What a document names, each in its order and once."""

    events: list[str]
    open: bool
    """It takes events by wildcards, too."""
    states: list[str]
    """The paths of the atomic states."""
    paths: list[str]
    """The paths of all states."""
    guards: list[str]
    """Those that the client decides."""
    effects: list[str]
    tasks: list[str]
    context: Mapping[str, Any] | None
    assigned: dict[str, list[Any]]
    """What members of the context are set to."""
    read: set[str] | None
    """The members of events that expressions read; None where one reads an event as a whole."""


def escaped(name: str) -> str:
    """A state's name as a part of a path."""
    return name.replace("\\", "\\\\").replace(".", "\\.")


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


class _Reader:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.events: dict[str, None] = {}
        self.open = False
        self.states: dict[str, None] = {}
        self.paths: dict[str, None] = {}
        self.guards: dict[str, None] = {}
        self.effects: dict[str, None] = {}
        self.tasks: dict[str, None] = {}
        self.assigned: dict[str, list[Any]] = {}
        self.known_guards = _mapping(document.get("guards"))
        self.known_actions = _mapping(document.get("actions"))

    def chart(self) -> Chart:
        document = self.document
        if "map" in document:
            self.flat()
        else:
            self.state(document, ())
            for actions in self.known_actions.values():
                self.actions(actions, known=False)
        context = document.get("context")
        return Chart(
            list(self.events),
            self.open,
            list(self.states),
            list(self.paths),
            list(self.guards),
            list(self.effects),
            list(self.tasks),
            context if isinstance(context, Mapping) and "@expr" not in context else None,
            self.assigned,
            members_read(document),
        )

    def flat(self) -> None:
        """A flat machine's events are the states that it may move to."""
        for name, moves in _mapping(self.document["map"]).items():
            self.states[name] = None
            for target in _listed(moves):
                if isinstance(target, str):
                    self.states[target] = self.events[target] = None
        initial = self.document.get("initial")
        if isinstance(initial, str) and initial:
            self.states[initial] = None
        self.paths = self.states

    def state(self, state: Mapping[str, Any], path: tuple[str, ...]) -> None:
        name = ".".join(map(escaped, path))
        inside = _mapping(state.get("states"))
        history = state.get("type") == "history" or (state.get("type") is None and bool(state.get("history")))
        if path:
            self.paths[name] = None
            if not history and not inside:
                self.states[name] = None
        for event, value in _mapping(state.get("on")).items():
            self.event(event)
            self.transitions(value)
        for member in _TRANSITIONS:
            self.transitions(state.get(member))
        for value in _mapping(state.get("after")).values():
            self.transitions(value)
        self.actions([*_listed(state.get("entry")), *_listed(state.get("exit"))])
        self.actions(_mapping(state.get("initial")).get("actions"))
        for task in _listed(state.get("invoke")):
            self.task(task)
        for key, child in inside.items():
            if isinstance(child, Mapping):
                self.state(child, (*path, key))

    def event(self, descriptor: str) -> None:
        if descriptor.startswith("xstate."):
            return
        if descriptor == "*" or descriptor.endswith(".*"):
            self.open = True
            descriptor = descriptor[:-2]
        if descriptor:
            self.events[descriptor] = None

    def transitions(self, value: object) -> None:
        for one in _listed(value):
            if isinstance(one, Mapping):
                self.guard(one.get("guard"))
                self.actions(one.get("actions"))
                self.assign(one.get("context"))

    def guard(self, guard: object) -> None:
        pending = [guard]
        while pending:
            one = pending.pop()
            if isinstance(one, str):
                name: object = one
            elif isinstance(one, Mapping) and "@expr" not in one:
                name = one.get("type")
                if name in _GUARDS:
                    pending += [*_listed(one.get("guard")), *reversed(_listed(one.get("guards")))]
            else:
                continue
            if isinstance(name, str) and not name.startswith("xstate.") and name not in self.known_guards:
                self.guards[name] = None

    def actions(self, value: object, known: bool = True) -> None:
        for one in _listed(value):
            name = one.get("type") if isinstance(one, Mapping) else one
            if not isinstance(name, str) or (known and name in self.known_actions):
                continue
            if name == "@xstate.assign" and isinstance(one, Mapping):
                self.assign(one.get("context"))
            elif not name.startswith("@xstate.") or name in _EFFECTS:
                self.effects[name] = None

    def assign(self, members: object) -> None:
        for name, value in _mapping(members).items():
            self.assigned.setdefault(name, []).append(value)

    def task(self, task: object) -> None:
        value = {"src": task} if isinstance(task, str) else _mapping(task)
        source = value.get("src")
        source = source.get("type") if isinstance(source, Mapping) else source
        if isinstance(source, str):
            self.tasks[source] = None
        self.transitions(value.get("onDone"))
        self.transitions(value.get("onError"))


def read(document: Mapping[str, Any]) -> Chart:
    """What a document names. Raises ValueError where it is nested too deep, or is no machine's."""
    pending: list[tuple[Any, int]] = [(document, 1)]
    while pending:
        value, depth = pending.pop()
        if depth > DEEPEST:
            raise ValueError(f"nested deeper than {DEEPEST} levels")
        if isinstance(value, Mapping):
            pending += [(inner, depth + 1) for inner in value.values()]
        elif isinstance(value, list):
            pending += [(inner, depth + 1) for inner in value]
    if not isinstance(document.get("states"), Mapping) and not isinstance(document.get("map"), Mapping):
        raise ValueError("it has neither 'states' nor 'map': it is no machine's document")
    return _Reader(document).chart()


# Writing


def quoted(text: str) -> str:
    """A text as Python writes it, in double quotes where it has none."""
    written = repr(text)
    return written if '"' in written or "\\'" in written else f'"{written[1:-1]}"'


def _literal(name: str, what: str, values: Iterable[str]) -> Iterator[str]:
    """The lines of ``name = Literal[…]``."""
    items = [quoted(value) for value in values]
    if not items:
        yield f"{name}: TypeAlias = Never"
    else:
        line = f"{name}: TypeAlias = Literal[{', '.join(items)}]"
        if len(line) <= LONGEST:
            yield line
        else:
            yield f"{name}: TypeAlias = Literal["
            yield from (f"    {item}," for item in items)
            yield "]"
    yield f'"""{what}"""'
    yield ""


class _Shapes:
    """The classes of a context, which come before what they are named in."""

    def __init__(self) -> None:
        self.classes: list[list[str]] = []
        self.names: set[str] = set()

    def type_of(self, value: Any, name: str) -> str:
        """The type of a JSON value. ``name`` is that of the class where it is an object."""
        if value is None:
            return "None"
        if isinstance(value, (bool, int, float, str)):
            return type(value).__name__
        if isinstance(value, list):
            return f"list[{self.union([self.type_of(item, f'{name}Item') for item in value])}]"
        if "@expr" in value:
            return "Any"
        if not value or len(self.classes) >= MOST_SHAPES:
            return "dict[str, Any]"
        return self.shape(name, {key: self.type_of(inner, name + _camel(key)) for key, inner in value.items()})

    def union(self, types: list[str]) -> str:
        found = list(dict.fromkeys(types))
        if not found or "Any" in found or len(found) > 8:
            return "Any"
        if "float" in found and "int" in found:
            found.remove("int")
        if "None" in found:
            found.remove("None")
            found.append("None")
        return " | ".join(found)

    def shape(self, name: str, members: Mapping[str, str], doc: str = "") -> str:
        number = 2
        first = name
        while name in self.names:
            name = f"{first}{number}"
            number += 1
        self.names.add(name)
        if all(map(_can_be_written, members)):
            lines = [f"class {name}(TypedDict):"]
            if doc:
                lines += [f'    """{doc}"""', ""]
            lines += [f"    {key}: {kind}" for key, kind in members.items()] or ["    pass"]
        else:
            lines = [f"{name} = TypedDict(", f"    {quoted(name)},", "    {"]
            lines += [f"        {quoted(key)}: {quoted(kind)}," for key, kind in members.items()]
            lines += ["    },", ")"]
            if doc:
                lines.append(f'"""{doc}"""')
        self.classes.append([*lines, ""])
        return name


def _can_be_written(name: str) -> bool:
    """Whether a member can be one of a class that is written out: a name that is no type's there."""
    types = ("bool", "int", "float", "str", "list", "dict", "Any", "NotRequired")
    if not name.isascii() or not name.isidentifier() or keyword.iskeyword(name):
        return False
    return name[:2] != "__" and name not in types and not name.startswith("Context")


def _member_type(shapes: _Shapes, name: str, first: list[Any], later: list[Any]) -> str:
    """The type of a member of the context: what it begins with, and what is assigned to it.

    What an expression gives is taken to be of the type that the member has else; of a number, to be any number.
    """
    kind = "Context" + _camel(name)
    said = [value for value in (*first, *later) if not (isinstance(value, Mapping) and "@expr" in value)]
    types = list(dict.fromkeys(shapes.type_of(value, kind) for value in said))
    worked_out = len(said) < len(first) + len(later)
    if worked_out and set(types) <= {"None"}:
        return "Any"
    if worked_out and "int" in types:
        types.append("float")
    return shapes.union(types)


def _camel(name: str) -> str:
    words = re.findall(r"[A-Za-z0-9]+", name)
    return "".join(word[:1].upper() + word[1:] for word in words)


def class_name(document: Mapping[str, Any], name: str | None = None) -> str:
    """What the machine's class is called: by ``name``, or the document's id."""
    identity = document.get("id")
    found = _camel(name or (identity if isinstance(identity, str) else "")) or "Chart"
    if found[0].isdigit() or found in ("Typed", "TypedMachine", "TypedAsync", "TypedAsyncMachine"):
        found = "Chart" + found
    return (found.removesuffix("Machine") or "Chart") + "Machine"


def _context(chart: Chart) -> tuple[list[str], str]:
    """The classes of the context, and its type."""
    if chart.context is None and not chart.assigned:
        return [], "Any"
    shapes = _Shapes()
    shapes.names.add("Context")
    first = chart.context or {}
    members = {}
    for name in dict.fromkeys((*first, *chart.assigned)):
        kind = _member_type(shapes, name, [first[name]] if name in first else [], chart.assigned.get(name, []))
        members[name] = kind if name in first else f"NotRequired[{kind}]"
    shapes.names.discard("Context")
    shapes.shape("Context", members, "The machine's data, as the chart's values show them.")
    return [line for lines in shapes.classes for line in (*lines, "")], "Context"


_CLASS = '''\
class {name}({base}[Event, State, Path, Guard, {context}]):
    """A machine of this chart: a type checker knows its events and states."""

    __slots__ = ()
'''
_METHODS = """\

    if TYPE_CHECKING:

        {waits}def send(  # type: ignore[override]
            self,
            event: Event,
            data: Mapping[str, Any] | None = None,
            /,
            *,
            guards: Iterable[Guard] | None = None,
            reason: str | None = None,
            if_revision: int | None = None,
            if_state: Path | None = None,
            idempotency_key: str | None = None,
            **members: Unpack[EventData],
        ) -> TypedStep[State]: ...

        {waits}def can(  # type: ignore[override]
            self,
            event: Event,
            data: Mapping[str, Any] | None = None,
            /,
            *,
            guards: Iterable[Guard] | None = None,
            **members: Unpack[EventData],
        ) -> bool: ...
"""
_PARAMETERS = ("guards", "reason", "if_revision", "if_state", "idempotency_key", "self")
"""Names that a member cannot have where it is given by name."""


def _event_data(chart: Chart, asynchronous: bool) -> tuple[list[str], str]:
    """The class of the members of events, and the methods that take them by name; nothing where any may be read.

    Which event has which is not told: the actions of a state read what has led there.
    """
    named = sorted(name for name in chart.read or () if not keyword.iskeyword(name) and name not in _PARAMETERS)
    if not named:
        return [], ""
    shapes = _Shapes()
    shapes.shape("EventData", dict.fromkeys(named, "NotRequired[Any]"), "What the chart's expressions read of events.")
    classes = [line for lines in shapes.classes for line in (*lines, "")]
    return classes, _METHODS.format(waits="async " if asynchronous else "")


def write(
    document: Mapping[str, Any] | str | bytes,
    *,
    name: str | None = None,
    asynchronous: bool = False,
    source: str | None = None,
) -> str:
    """The text of a module with the types of a document.

    Args:
        document: a document, or its JSON.
        name: what the machine's class is called; the document's id where it is left out.
        asynchronous: the class is an AsyncMachine.
        source: what the module says it was written from.

    Raises:
        ValueError: it is no document of a machine.
    """
    if isinstance(document, (str, bytes)):
        try:
            document = json.loads(document)
        except RecursionError:
            raise ValueError(f"nested deeper than {DEEPEST} levels") from None
    if not isinstance(document, Mapping):
        raise ValueError("expected an object: it is no machine's document")
    chart = read(document)
    classes, context = _context(chart)
    base = "TypedAsyncMachine" if asynchronous else "TypedMachine"
    data, methods = _event_data(chart, asynchronous)
    machine = _CLASS.format(name=class_name(document, name), base=base, context=context) + methods
    classes += data
    events = chart.events
    lines = [
        *_literal("Event", _events(chart), events),
        *_literal("State", "The atomic states, as the paths that the machine answers.", chart.states),
        *_literal("Path", "All states.", chart.paths),
        *_literal("Guard", "The guards that the client decides.", chart.guards),
    ]
    if not events and chart.open:
        lines[0] = "Event: TypeAlias = str"
    if chart.effects:
        lines += _literal("EffectName", "What the application is asked to do.", chart.effects)
    if chart.tasks:
        lines += _literal("TaskName", "What workers do.", chart.tasks)
    body = "\n".join([*lines, "", *classes, machine])
    typing = [one for one in _TYPING if re.search(rf"\b{one}\b", body)]
    typed = f"{base}, TypedStep" if methods else base
    head = [
        f'"""Types of a chart, written by `redisstate types`{_source(source)}.',
        "",
        "What is changed here is lost when it is written anew.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        *(["from collections.abc import Iterable, Mapping"] if methods else []),
        f"from typing import {', '.join(typing)}",
        "",
        f"from redisstate.typed import {typed}",
        "",
    ]
    return "\n".join([*head, body])


_TYPING = ("TYPE_CHECKING", "Any", "Literal", "Never", "NotRequired", "TypeAlias", "TypedDict", "Unpack")


def _source(name: str | None) -> str:
    """What a docstring says of the file; nothing where its name does not go into one as it is."""
    plain = name is not None and name.isprintable() and '"' not in name and "\\" not in name
    return f" from {name}" if plain else ""


def _events(chart: Chart) -> str:
    if not chart.open:
        return "The events that the chart takes."
    return "The events that the chart names. It takes others too, by wildcards: a Machine sends those."
