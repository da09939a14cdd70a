"""XState 4's machine config, as JSON, to XState 5's: members that were renamed, and those whose meaning changed.

Both forms are read: a config as a person writes it, and what JSON.stringify(machine) gives. Code is lost on the way to
JSON: null where it stood is an error. What was dropped without a trace cannot be told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .findings import ConversionError, Findings, Place

Json = dict[str, Any]

_ROOT = (
    *("context", "version", "schema", "tsTypes", "predictableActionArguments", "preserveActionOrder"),
    *("strict", "delimiter", "key"),
)
_STATE = (
    *("id", "type", "initial", "states", "on", "always", "after", "entry", "exit", "onEntry", "onExit", "onDone"),
    *("invoke", "activities", "history", "target", "meta", "tags", "description", "data", "parallel", "key", "order"),
)
_ALIKE_ROOT = ("guards", "actions", "delays", "store", "types", "schemas", "options", "@exprLang")
_ALIKE_STATE = ("output", "timeout", "onTimeout")
_ALIKE_TRANSITION = ("guard", "reenter", "context")
"""Members of XState 5 and of our documents, kept as they are: one who has begun to rewrite a config has both."""
_PASSED_OVER = ("key", "order", "version", "transitions", "machine")
"""What JSON.stringify(machine) writes and says elsewhere too."""
_TRANSITION = ("target", "cond", "actions", "internal", "in", "meta", "description")
_INVOKE = ("id", "src", "data", "input", "onDone", "onError", "meta", "type")
_EVENTS = (
    (re.compile(r"done\.invoke\.(.+)", re.DOTALL), r"xstate.done.actor.\1"),
    (re.compile(r"error\.platform\.(.+)", re.DOTALL), r"xstate.error.actor.\1"),
    (re.compile(r"done\.state\.(.+)", re.DOTALL), r"xstate.done.state.\1"),
    (re.compile(r"xstate\.after\(([^)]*)\)#(.+)", re.DOTALL), r"xstate.after.\1.\2"),
)
_LOST = {
    "xstate.choose": "a choice among actions has no form as data: make a transition of each branch",
    "xstate.pure": "code has no form as data",
    "xstate.start": "what a state starts is its 'invoke'",
    "xstate.stop": "what a state stops is its 'invoke'",
    "xstate.invoke": "what a state starts is its 'invoke'",
    "xstate.update": "a machine inside a machine is not known",
    "xstate.error": "a machine inside a machine is not known",
}
STAYS = "what is active inside its source and is a target stays there; here it is left and entered again"
REGIONS = "the other regions of the parallel state stay as they are there; here all of them are left and entered"
LOST = "code was lost on the way to JSON: name it"


def convert(source: Mapping[str, Any], findings: Findings) -> Json:
    """Our document. Raises ConversionError where the source has no states."""
    if not isinstance(source.get("states"), Mapping):
        raise ConversionError("it has no states")
    return _Converter(source, findings).state(source, Place("$"), ())


def event_name(name: str) -> str:
    """What XState 5 calls an event."""
    for pattern, instead in _EVENTS:
        if pattern.fullmatch(name):
            return pattern.sub(instead, name)
    return name


def listed(place: Place, value: object) -> Iterator[tuple[Any, Place]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield item, place.item(index)
    else:
        yield value, place


class _Converter:
    def __init__(self, source: Mapping[str, Any], findings: Findings) -> None:
        self.source = source
        self.findings = findings
        delimiter = source.get("delimiter")
        self.delimiter = delimiter if isinstance(delimiter, str) and delimiter else "."
        delays = source.get("delays")
        self.delays: tuple[Any, ...] = tuple(delays) if isinstance(delays, Mapping) else ()
        self.acting: set[tuple[str, ...]] = set()
        self.states: dict[tuple[str, ...], Mapping[str, Any]] = {}
        self.ids: dict[str, tuple[str, ...]] = {}
        self.root_id = str(source.get("id") or source.get("key") or "(machine)")
        self.number(source, ())

    def number(self, state: Any, path: tuple[str, ...]) -> None:
        """Where the ids are."""
        if not isinstance(state, Mapping):
            return
        identity = state.get("id") or self.delimiter.join((self.root_id, *path))
        self.ids.setdefault(str(identity), path)
        self.states[path] = state
        if any(state.get(word) for word in ("entry", "exit", "onEntry", "onExit")):
            self.acting.update(path[:length] for length in range(len(path)))
        states = state.get("states")
        for name, inner in states.items() if isinstance(states, Mapping) else ():
            self.number(inner, (*path, name))

    # States

    def state(self, source: Any, place: Place, path: tuple[str, ...]) -> Json:
        if not isinstance(source, Mapping):
            self.findings.error(place, "expected a state (an object)")
            return {}
        written: Json = {}
        for name, value in source.items():
            if (not path and name in _ROOT) or name in _STATE or (path and name in _PASSED_OVER):
                continue
            if name in _ALIKE_STATE or (not path and name in _ALIKE_ROOT):
                written[name] = value
                continue
            if value not in (None, [], {}) and name not in _PASSED_OVER:
                self.findings.error(place.at(name), f"{name!r} is not known here: it is left out")
        if not path:
            self.root(source, place, written)
        for name in ("id", "initial", "meta", "tags", "description"):
            if source.get(name) not in (None, [], ""):
                written[name] = source[name]
        if source.get("parallel") is True:
            written["type"] = "parallel"
        elif isinstance(source.get("type"), str) and source["type"] not in ("atomic", "compound"):
            written["type"] = source["type"]
        self.history(source, place, written)
        self.initial(source, place, written)
        for name, former in (("entry", "onEntry"), ("exit", "onExit")):
            actions = []
            for key in (former, name):
                if source.get(key) is not None:
                    actions += self.actions(place.at(key), source[key])
            if actions:
                written[name] = actions
        if source.get("data") is not None:
            written["output"] = self.plain(source["data"], place.at("data"))
        self.invokes(source, place, path, written)
        self.events(source, place, path, written)
        if isinstance(source.get("states"), Mapping) and source["states"]:
            written["states"] = {
                name: self.state(inner, place.at("states").at(name), (*path, name))
                for name, inner in source["states"].items()
            }
        return written

    def root(self, source: Mapping[str, Any], place: Place, written: Json) -> None:
        if "id" not in source and isinstance(source.get("key"), str):
            written["id"] = source["key"]
        for name in ("version", "context"):
            if source.get(name) is not None:
                written[name] = self.plain(source[name], place.at(name)) if name == "context" else source[name]
        if source.get("strict"):
            self.findings.note(place.at("strict"), "an event that nothing takes is nil here, and no error")
        if self.delimiter != ".":
            self.findings.note(place.at("delimiter"), "between the names in targets stands a dot here")

    def plain(self, value: Any, place: Place) -> Any:
        """Data as they are, but for a member that would be an expression here."""
        pending = [value]
        while pending:
            one = pending.pop()
            if isinstance(one, Mapping):
                if "@expr" in one:
                    self.findings.error(place, "a member '@expr' would be an expression here: null")
                    return None
                pending.extend(one.values())
            elif isinstance(one, list):
                pending.extend(one)
        return value

    def history(self, source: Mapping[str, Any], place: Place, written: Json) -> None:
        said = source.get("history")
        if source.get("type") != "history" and said in (None, False):
            return
        written["type"] = "history"
        written["history"] = "deep" if said == "deep" else "shallow"
        if source.get("target"):
            targets = [self.target(str(one), (), False, at) for one, at in listed(place.at("target"), source["target"])]
            written["target"] = targets[0] if len(targets) == 1 else targets

    def initial(self, source: Mapping[str, Any], place: Place, written: Json) -> None:
        said = source.get("initial")
        if isinstance(said, Mapping):
            targets = [str(one) for one, _ in listed(place, said.get("target"))]
            actions = self.actions(place.at("initial").at("actions"), said["actions"]) if said.get("actions") else []
            written["initial"] = {"target": targets[0], "actions": actions} if actions else targets[0]

    def invokes(self, source: Mapping[str, Any], place: Place, path: tuple[str, ...], written: Json) -> None:
        found = []
        for name in ("invoke", "activities"):
            if source.get(name) in (None, []):
                continue
            for item, at in listed(place.at(name), source[name]):
                one = self.invoke(item, at, path, name == "activities")
                if one is not None:
                    found.append(one)
        if found:
            written["invoke"] = found[0] if len(found) == 1 else found

    def invoke(self, value: Any, place: Place, path: tuple[str, ...], activity: bool) -> Json | None:
        if isinstance(value, str):
            value = {"src": value}
        if activity:
            self.findings.note_once(place, "an activity is a task: a worker begins it and ends it with its state")
            value = {"src": value.get("type")} if isinstance(value, Mapping) and "src" not in value else value
        if not isinstance(value, Mapping):
            self.findings.error(place, LOST if value is None else "expected a task (an object)")
            return None
        for name, inner in value.items():
            if name in ("autoForward", "autoforward") and inner:
                self.findings.error(place.at(name), "a task is not sent the machine's events")
            elif name not in (*_INVOKE, "autoForward", "autoforward") and inner not in (None, [], {}):
                self.findings.error(place.at(name), f"{name!r} of a task is not known here: it is left out")
        written: Json = {"id": value["id"]} if isinstance(value.get("id"), str) else {}
        src, params = value.get("src"), value.get("data", value.get("input"))
        if isinstance(src, Mapping) and "states" in src:
            self.findings.error(place.at("src"), "a machine inside a machine is not known: it is a task")
            src = src.get("id", "machine")
        elif isinstance(src, Mapping):
            more = {name: inner for name, inner in src.items() if name != "type"}
            src, params = src.get("type"), params if params is not None else more or None
        if not isinstance(src, str):
            self.findings.error(place.at("src"), LOST)
            return None
        written["src"] = src
        if params is not None:
            written["input"] = self.plain(params, place.at("data"))
        for name in ("onDone", "onError"):
            if value.get(name) is not None:
                written[name] = _one(self.transitions(value[name], place.at(name), path))
        return written

    # Transitions

    def events(self, source: Mapping[str, Any], place: Place, path: tuple[str, ...], written: Json) -> None:
        on: Json = {}
        always = []
        said = source.get("on")
        for name, value in said.items() if isinstance(said, Mapping) else ():
            found = self.transitions(value, place.at("on").at(name), path)
            if name == "":
                always += found
            else:
                on.setdefault(event_name(name), []).extend(found)
        if source.get("always") is not None:
            always += self.transitions(source["always"], place.at("always"), path)
        if source.get("onTimeout") is not None:
            written["onTimeout"] = _one(self.transitions(source["onTimeout"], place.at("onTimeout"), path))
        if source.get("onDone") is not None:
            written["onDone"] = _one(self.transitions(source["onDone"], place.at("onDone"), path))
        self.after(source.get("after"), place.at("after"), path, written)
        if on:
            written["on"] = {name: _one(found) for name, found in on.items()}
        if always:
            written["always"] = _one(always)

    def after(self, value: Any, place: Place, path: tuple[str, ...], written: Json) -> None:
        found: Json = {}
        if isinstance(value, list):
            for item, at in listed(place, value):
                delay = item.get("delay") if isinstance(item, Mapping) else None
                if delay is None:
                    self.findings.error(at.at("delay"), LOST)
                    continue
                more = {name: inner for name, inner in item.items() if name != "delay"}
                found.setdefault(str(delay), []).extend(self.transitions(more, at, path))
        elif isinstance(value, Mapping):
            for name, inner in value.items():
                found[name] = self.transitions(inner, place.at(name), path)
        for name in found:
            if not re.fullmatch(r"\d+(\.\d+)?", name) and name not in self.delays:
                message = f"what the delay {name!r} is was in the machine's options: say it in the root's 'delays'"
                self.findings.error(place.at(name), message)
        if found:
            written["after"] = {name: _one(transitions) for name, transitions in found.items()}

    def transitions(self, value: Any, place: Place, path: tuple[str, ...]) -> list[Any]:
        return [self.transition(item, at, path) for item, at in listed(place, value)]

    def transition(self, value: Any, place: Place, path: tuple[str, ...]) -> Any:
        if value is None:
            return {}
        if isinstance(value, str):
            value = {"target": value}
        if not isinstance(value, Mapping):
            self.findings.error(place, "expected a target or an object: it is left out")
            return {}
        written: Json = {}
        for name, inner in value.items():
            known = (*_TRANSITION, "event", "eventType", "source", "toJSON")
            if name in _ALIKE_TRANSITION:
                written[name] = inner
            elif name not in known and inner not in (None, [], {}):
                self.findings.error(place.at(name), f"{name!r} of a transition is not known here: it is left out")
        guard = self.guard(value, place, path)
        if guard is not None:
            written["guard"] = guard
        targets = [(one, at) for one, at in listed(place.at("target"), value.get("target")) if one not in (None, "")]
        if targets:
            names = [self.target(str(one), path, True, at) for one, at in targets]
            written["target"] = names[0] if len(names) == 1 else names
            internal = value.get("internal")
            if internal is None:
                internal = any(str(one).startswith(self.delimiter) for one, _ in targets)
            paths = [self.path_of(str(one), path) for one, _ in targets]
            if (
                "reenter" not in written
                and not internal
                and all(one is not None and one[: len(path)] == path for one in paths)
            ):
                written["reenter"] = True
            elif internal and self.acts_inside(path):
                self.findings.warning(place, STAYS)
        if value.get("actions") not in (None, []):
            actions = self.actions(place.at("actions"), value["actions"])
            if actions:
                written["actions"] = actions
        elif "actions" in value and value["actions"] is None:
            self.findings.error(place.at("actions"), LOST)
        for name in ("description", "meta"):
            if value.get(name) is not None:
                written[name] = value[name]
        return written["target"] if written.keys() == {"target"} and len(targets) == 1 else written

    def acts_inside(self, path: tuple[str, ...]) -> bool:
        """Whether a state inside another does something when it is entered or left."""
        return path in self.acting

    def look_at_regions(self, path: tuple[str, ...], targets: list[tuple[str, ...] | None], place: Place) -> None:
        """Warns of a transition that moves one region of a parallel state, from that state or from another region."""
        for target in targets:
            if target is None:
                continue
            shared = 0
            while shared < min(len(path), len(target)) and path[shared] == target[shared]:
                shared += 1
            around = self.states.get(path[:shared], {})
            parallel = around.get("type") == "parallel" or around.get("parallel") is True
            if parallel and len(target) > shared and len(around.get("states") or ()) > 1:
                self.findings.warning(place, REGIONS)

    def target(self, name: str, path: tuple[str, ...], transition: bool, place: Place) -> str:
        """A target in the words of XState 5: at the root a bare name was that of a child."""
        if self.delimiter != "." and name[:1] != "#":
            name = name.replace(".", "\\.").replace(self.delimiter, ".")
        if transition and not path and name[:1] not in ("#", "."):
            name = "." + name
        return name

    def path_of(self, name: str, path: tuple[str, ...]) -> tuple[str, ...] | None:
        """Where a target is; None where that is not known."""
        if name.startswith("#"):
            if name[1:] in self.ids:
                return self.ids[name[1:]]
            identity, _, rest = name[1:].partition(self.delimiter)
            start = self.ids.get(identity)
            return None if start is None else (*start, *rest.split(self.delimiter))
        if name.startswith(self.delimiter):
            return (*path, *name[len(self.delimiter) :].split(self.delimiter))
        return (*path[:-1], *name.split(self.delimiter))

    # Guards and actions

    def guard(self, value: Mapping[str, Any], place: Place, path: tuple[str, ...]) -> Any:
        guards: list[Any] = [value["guard"]] if "guard" in value else []
        if "cond" in value:
            said = value["cond"]
            if isinstance(said, Mapping) and said.get("type") == "xstate.guard":
                said = said.get("name")
            if isinstance(said, Mapping) and isinstance(said.get("type"), str) and said["type"]:
                params = {name: inner for name, inner in said.items() if name not in ("type", "predicate")}
                params = self.plain(params, place.at("cond"))
                guards.append({"type": said["type"], "params": params} if params else said["type"])
            elif isinstance(said, str) and said:
                guards.append(said)
            else:
                self.findings.error(place.at("cond"), f"{LOST}; until then it never holds")
                guards.append({"type": "xstate.or", "guards": []})
        if value.get("in") is not None:
            guards.append({"type": "xstate.stateIn", "stateValue": self.state_in(value["in"], path)})
        return {"type": "xstate.and", "guards": guards} if len(guards) > 1 else guards[0] if guards else None

    def state_in(self, said: Any, path: tuple[str, ...]) -> Any:
        """A state value of XState 4 is seen from the parent of the state's parent."""
        if isinstance(said, str) and said.startswith("#"):
            found = self.ids.get(said[1:])
            return said if found is None else ".".join(found)
        value = said.replace(self.delimiter, ".") if isinstance(said, str) else said
        for name in reversed(path[:-2]):
            value = {name: value}
        return value

    def actions(self, place: Place, value: Any) -> list[Any]:
        found = []
        for item, at in listed(place, value):
            one = self.action(item, at)
            if one is not None:
                found.append(one)
        return found

    def action(self, value: Any, place: Place) -> Any:
        if isinstance(value, str) and value:
            return value
        if not isinstance(value, Mapping) or not isinstance(value.get("type"), str) or not value["type"]:
            self.findings.error(place, LOST)
            return None
        name = value["type"]
        if name.startswith("@xstate.") or (value.keys() == {"type", "params"} and isinstance(value["params"], Mapping)):
            return dict(value)
        if name in ("xstate.raise", "xstate.send"):
            return self.send(value, place)
        if name == "xstate.assign":
            assignment = value.get("assignment")
            if not isinstance(assignment, Mapping) or not assignment:
                self.findings.error(place.at("assignment"), LOST)
                return None
            for member, inner in assignment.items():
                if inner is None:
                    self.findings.warning(place.at("assignment").at(member), "null: it may be code that was lost")
            return {"type": "@xstate.assign", "context": self.plain(dict(assignment), place)}
        if name == "xstate.cancel":
            if not isinstance(value.get("sendId"), str):
                self.findings.error(place.at("sendId"), LOST)
                return None
            return {"type": "@xstate.cancel", "id": value["sendId"]}
        if name == "xstate.log":
            if value.get("expr") is None:
                self.findings.warning(place, "what it logs is code, and was lost; its label stays")
            args = [one for one in (value.get("label"), value.get("expr")) if one is not None]
            return {"type": "@xstate.log", "args": self.plain(args, place)}
        if name.startswith("xstate."):
            self.findings.error(place, f"{name!r}: {_LOST.get(name, 'it is not known here')}: it is left out")
            return None
        params = {key: inner for key, inner in value.items() if key != "type" and not (key == "exec" and inner is None)}
        params = self.plain(params, place)
        return {"type": name, "params": params} if params else name

    def send(self, value: Mapping[str, Any], place: Place) -> Any:
        event = value.get("event")
        if isinstance(event, str) and event:
            event = {"type": event}
        if isinstance(event, Mapping) and event.get("$$type") == "scxml":
            event = event.get("data")
        if not isinstance(event, Mapping) or not isinstance(event.get("type"), str):
            self.findings.error(place.at("event"), LOST)
            return None
        event = {**(self.plain(event, place.at("event")) or {}), "type": event_name(event["type"])}
        if value.get("to") is not None:
            self.findings.note(place, "what is sent to another is the effect 'send', which the application does")
            params = {"event": event, "to": value["to"], "delay": value.get("delay"), "id": value.get("id")}
            return {"type": "send", "params": {name: inner for name, inner in params.items() if inner is not None}}
        written: Json = {"type": "@xstate.raise", "event": event}
        delay = value.get("delay")
        if delay is not None:
            written["delay"] = delay
            if not isinstance(delay, (int, float)) and delay not in self.delays:
                message = f"what the delay {delay!r} is was in the machine's options: say it in the root's 'delays'"
                self.findings.error(place.at("delay"), message)
            if isinstance(value.get("id"), str):
                written["id"] = value["id"]
        return written


def _one(found: list[Any]) -> Any:
    return found[0] if len(found) == 1 else found
