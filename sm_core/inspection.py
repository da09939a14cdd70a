"""Looking at a machine without moving it: findings about a document, and pictures."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from .chart import MOST_FINDINGS, Finding, Names, check, compile_chart, draw, view
from .definition import Definition, Given
from .document import Limits, check_size, parse_document
from .errors import DocumentError, element, member, quote
from .flat import FlatDefinition
from .pending import pending_of
from .statechart import ChartDefinition, machine_members


def check_document(text: bytes, limits: Limits) -> list[Finding]:
    """What SM.SET would refuse, or, where it would not, what is odd."""
    try:
        document = parse_document(text, limits)
        if "states" in document and "map" not in document:
            return _check_chart(document, limits)
        definition = FlatDefinition(document, limits)
        check_size(definition.canonical, limits)
        definition.stand(document)
    except DocumentError as fault:
        return [("error", fault.path, fault.fault)]
    return list(islice(_oddities(document["map"], definition.initial), MOST_FINDINGS))


def _check_chart(document: dict[str, Any], limits: Limits) -> list[Finding]:
    found = check(machine_members(document), limits)
    if document.get("snapshot") is not None and not any(severity == "error" for severity, _, _ in found):
        definition = ChartDefinition(document, limits)
        definition.stand(document, Given(limits=limits))
        pending_of(document["snapshot"], definition.waits)
    return found


def _oddities(rows: dict[str, list[str]], initial: str) -> Iterator[Finding]:
    reached = {initial}
    pending = [initial]
    while pending:
        for target in rows.get(pending.pop(), ()):
            if target not in reached:
                reached.add(target)
                pending.append(target)
    names = Names(rows)
    looked_at: set[str] = set()
    for name, row in rows.items():
        path = member("$.map", name)
        if name not in reached:
            yield "warning", path, f"{quote(name)} cannot be reached from the initial state"
        if name == "*":
            yield "warning", path, "'*' is a state of that name, no wildcard"
        if row and set(row) == {name}:
            yield "warning", path, f"{quote(name)} cannot be left"
        seen: set[str] = set()
        for index, target in enumerate(row):
            if target in seen:
                yield "warning", element(path, index), f"{quote(target)} is listed already"
            seen.add(target)
            if target not in rows and target not in looked_at:
                looked_at.add(target)
                if hint := names.hint(target):
                    yield "warning", element(path, index), f"{quote(target)} has no row{hint}"


def render(text: bytes, form: str, limits: Limits) -> str:
    """A document as a picture, nothing marked. ``form`` as in ``diagram``. Raises DocumentError as SM.SET does."""
    document = parse_document(text, limits)
    if "states" in document and "map" not in document:
        return draw(view(compile_chart(machine_members(document), limits).tables, 0, named=True), form)
    return draw(view(FlatDefinition(document, limits).tables, 0, named=False), form)


def diagram(definition: Definition, configuration: bytes, form: str) -> str:
    """The machine as text for Mermaid or Graphviz, its active states marked. ``form``: ``MERMAID`` or ``DOT``."""
    if isinstance(definition, ChartDefinition):
        chart = definition.chart
        return draw(view(chart.tables, chart.decode(configuration).active, named=True), form)
    assert isinstance(definition, FlatDefinition)
    return draw(view(definition.tables, definition.place(configuration).active, named=False), form)
