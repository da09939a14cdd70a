"""What SM.CHECK finds odd in the expressions, guards and assignments of a document that can be stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import quote
from ..store import store_of
from .behaviour import Behaviour
from .data import Expression
from .hints import Names
from .templates import EXPRESSION

Oddity = tuple[str, str, str]
"""As a Finding: ``warning``, JSON path, message."""


def oddities(document: dict[str, Any], behaviour: Behaviour) -> Iterator[Oddity]:
    """The warnings about a parsed document, by the work of its compilation."""
    outbox = store_of(document, None).outbox
    if outbox is not None and outbox.maxlen and behaviour.has_tasks:
        message = f"the stream keeps about {outbox.maxlen} entries, and forgets tasks that nobody has read by then"
        yield "warning", "$.store.outbox.maxlen", message
    yield from _guards(behaviour)
    context = document.get("context")
    members = None  # of a context that an expression makes nothing is known
    if context is None or (isinstance(context, dict) and EXPRESSION not in context):
        members = context or {}
        yield from _assignments(members, behaviour)
    known = Names([] if members is None else [*members, *(name for name, _ in behaviour.assigned)])
    there = {*(members or ()), *(name for name, _ in behaviour.assigned)}
    for expression in behaviour.expressions:
        if members is not None:
            yield from _names(expression, there, known)
        for line, column in expression.program.divisions:
            message = f"the division at line {line}, column {column} gives a whole number where both sides are whole"
            yield "warning", expression.place, f"{message}: write double(x) of one side, or int(x) of both"


def _guards(behaviour: Behaviour) -> Iterator[Oddity]:
    """The client's guards: one truth serves all uses of a name in a step."""
    defined = Names(behaviour.meanings)
    for name, uses in behaviour.client_guards.items():
        first, params = uses[0]
        yield "warning", first, f"no guard {quote(name)} is defined: the client decides it{defined.hint(name)}"
        other = next((place for place, others in uses if others != params), None)
        if other is not None:
            message = f"guard {quote(name)} has other params than at {first}: what the client says of it holds for both"
            yield "warning", other, message


def _assignments(members: dict[str, Any], behaviour: Behaviour) -> Iterator[Oddity]:
    """Members that are assigned, and that the document's context does not have; each is told once."""
    names = Names(members)
    told = set(members)
    for name, place in behaviour.assigned:
        if name not in told:
            told.add(name)
            yield "warning", place, f"the document's context has no member {quote(name)}{names.hint(name)}"


def _names(expression: Expression, there: set[str], known: Names) -> Iterator[Oddity]:
    """Members of the context that an expression reads, and that are never there."""
    for path, line, column in expression.program.paths:
        if path[0] == "context" and len(path) > 1 and path[1] not in there:
            message = f"the context never has a member {quote(path[1])}, read at line {line}, column {column}"
            yield "warning", expression.place, message + known.hint(path[1])
