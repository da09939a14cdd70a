"""A machine as a picture: text that Mermaid's stateDiagram-v2 or Graphviz's dot accepts as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..errors import EngineError
from .model import FINAL, HISTORY, NO_STATE, PARALLEL, ascending
from .view import View

_FILL = "#ffd54f"
_FILL_AROUND = "#fff8e1"
"""Of active states that have others inside: what is active there must stand out."""


def draw(view: View, form: str) -> str:
    """``view`` in the form ``MERMAID`` or ``DOT``, in any letter case."""
    draws: dict[str, Callable[[View], Iterator[str]]] = {"MERMAID": _mermaid, "DOT": _dot}
    lines = draws.get(form.upper())
    if lines is None:
        raise EngineError("a diagram is MERMAID or DOT")
    return "".join(line + "\n" for line in lines(view))


_SIGNS = {sign: 0x2400 + sign for sign in range(ord(" "))} | {0x7F: 0x2421}
"""Control characters, and the signs that Unicode has for them."""


def _nested(view: View, first: int, leave: Callable[[int], str]) -> Iterator[tuple[int, str | None]]:
    """The states in document order from ``first``; a text instead where a state that has children ends."""
    open_states: list[int] = []
    for state in range(first, len(view.labels)):
        while open_states and view.ends[open_states[-1]] <= state:
            yield state, leave(open_states.pop())
        yield state, None
        if view.ends[state] > state + 1:
            open_states.append(state)
    while open_states:
        yield 0, leave(open_states.pop())


def _root_is_drawn(view: View) -> bool:
    """The root is drawn only where a transition or its regions need it."""
    return view.kinds[0] == PARALLEL or any(edge.source == 0 or 0 in edge.targets for edge in view.edges)


# Mermaid

_MERMAID_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _.,*/()+=!?'@")
_MERMAID: dict[int, int | str] = {
    **_SIGNS,
    **{sign: f"#{sign};" for sign in range(ord(" "), 0xA0) if chr(sign) not in _MERMAID_PLAIN and sign not in _SIGNS},
}


def _mermaid_text(text: str) -> str:
    """Any text within a Mermaid label: what could be syntax becomes an entity code."""
    return (text or " ").translate(_MERMAID)


def _mermaid(view: View) -> Iterator[str]:
    yield "stateDiagram-v2"
    first = 0 if _root_is_drawn(view) else 1
    depth = 1
    if first and view.initial[0] != NO_STATE:
        yield f"    [*] --> s{view.initial[0]}"
    for state, end in _nested(view, first, lambda _: "}"):
        if end is not None:
            depth -= 1
            yield "    " * depth + end
            continue
        parent = view.parents[state]
        if _separates(view, state, first):
            yield "    " * depth + "--"
        opens = view.ends[state] > state + 1
        text = f'state "{_mermaid_text(view.labels[state])}" as s{state}'
        yield "    " * depth + text + (" {" if opens else "")
        if opens:
            depth += 1
            if view.initial[state] != NO_STATE:
                yield "    " * depth + f"[*] --> s{view.initial[state]}"
        if view.kinds[state] == FINAL and parent != NO_STATE:
            yield "    " * depth + f"s{state} --> [*]"
    for edge in view.edges:
        label = f" : {_mermaid_text(edge.label)}" if edge.label else ""
        for target in edge.targets or (edge.source,):
            yield f"    s{edge.source} --> s{target}{label}"
    marked = [state for state in ascending(view.active) if state >= max(first, 1)]
    for name, fill, boxes in (("active", _FILL, False), ("around", _FILL_AROUND, True)):
        states = [f"s{state}" for state in marked if (view.ends[state] > state + 1) == boxes]
        if states:
            yield f"    classDef {name} fill:{fill},stroke:#333,stroke-width:2px,color:#000"
            yield f"    class {','.join(states)} {name}"


def _separates(view: View, state: int, first: int) -> bool:
    """Does a line between regions come before ``state``?"""
    parent = view.parents[state]
    if parent < first or view.kinds[parent] != PARALLEL or view.kinds[state] == HISTORY:
        return False
    return state > parent + 1


# Graphviz


_DOT: dict[int, int | str] = {**_SIGNS, ord("&"): "&amp;", ord("\\"): "\\\\", ord('"'): '\\"'}


def _dot_text(text: str) -> str:
    """Any text as a quoted string of the DOT language; entities are not expanded in it."""
    return f'"{text.translate(_DOT)}"'


def _dot(view: View) -> Iterator[str]:
    first = 0 if _root_is_drawn(view) else 1
    yield "digraph machine {"
    yield "    compound=true; newrank=true; rankdir=LR;"
    yield '    node [shape=box, style=rounded, fontname="Helvetica"];'
    yield '    edge [fontname="Helvetica", fontsize=10];'
    yield '    fontname="Helvetica";'
    depth = 1
    if first:
        yield from _dot_initial(view, 0, depth)
    for state, end in _nested(view, first, lambda _: "}"):
        if end is not None:
            depth -= 1
            yield "    " * depth + end
            continue
        indent = "    " * depth
        active = bool(view.active >> state & 1)
        if view.ends[state] > state + 1:
            depth += 1
            yield f"{indent}subgraph cluster_{state} {{"
            yield f"{indent}    label={_dot_text(view.labels[state])}; style={_cluster_style(view, state)};"
            yield f"{indent}    penwidth={3 if active and state else 1};"
            yield f'{indent}    a{state} [shape=point, style=invis, width=0, label=""];'
            yield from _dot_initial(view, state, depth)
            continue
        attributes = [f"label={_dot_text(view.labels[state])}"]
        if view.kinds[state] == FINAL:
            attributes.append("peripheries=2")
        if view.kinds[state] == HISTORY:
            attributes.append("shape=circle")
        if active:
            attributes.append(f'style="rounded,filled", fillcolor="{_FILL}"')
        yield f"{indent}s{state} [{', '.join(attributes)}];"
    for edge in view.edges:
        for target in edge.targets or (edge.source,):
            yield "    " + _dot_edge(view, edge.source, target, edge.label)
    yield "}"


def _cluster_style(view: View, state: int) -> str:
    """A region of a parallel state has a dashed border."""
    parent = view.parents[state]
    return "dashed" if parent != NO_STATE and view.kinds[parent] == PARALLEL else "rounded"


def _dot_initial(view: View, state: int, depth: int) -> Iterator[str]:
    if view.initial[state] != NO_STATE:
        yield "    " * depth + f'i{state} [shape=circle, style=filled, fillcolor=black, width=0.12, label=""];'
        yield "    " * depth + _dot_edge(view, state, view.initial[state], "", f"i{state}")


def _dot_edge(view: View, source: int, target: int, label: str, tail: str = "") -> str:
    """An edge, cut off at the border of a state that is drawn as a box around others."""
    attributes = [f"label={_dot_text(label)}"] if label else []
    names = []
    for state, name, other, cut in ((source, tail, target, "ltail"), (target, "", source, "lhead")):
        box = view.ends[state] > state + 1
        if box and not name and not state <= other < view.ends[state]:
            attributes.append(f"{cut}=cluster_{state}")
        names.append(name or (f"a{state}" if box else f"s{state}"))
    return f"{names[0]} -> {names[1]}" + (f" [{', '.join(attributes)}];" if attributes else ";")
