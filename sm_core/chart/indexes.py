"""What a step looks up at once, worked out when a chart is compiled: who answers what, who is whose child."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from .listen import partial_prefix
from .model import FINAL, HISTORY, Handler, Transition


def bits(states: Iterable[int]) -> int:
    """The set of ``states`` as an integer."""
    found = bytearray()
    for state in states:
        if len(found) <= state >> 3:
            found.extend(bytes((state >> 3) + 1 - len(found)))
        found[state >> 3] |= 1 << (state & 7)
    return int.from_bytes(found, "little")


def families(offspring: list[dict[str, int]], kinds: list[int]) -> tuple[tuple[tuple[int, ...], ...], ...]:
    """For every state, its children: those that can be active, the history states, the final ones."""
    children: list[tuple[int, ...]] = []
    histories: list[tuple[int, ...]] = []
    finals: list[tuple[int, ...]] = []
    for found in offspring:
        states = tuple(found.values())
        kept = tuple([child for child in states if kinds[child] == HISTORY]) if states else ()
        children.append(tuple([child for child in states if kinds[child] != HISTORY]) if kept else states)
        histories.append(kept)
        finals.append(tuple([child for child in states if kinds[child] == FINAL]) if states else ())
    return tuple(children), tuple(histories), tuple(finals)


_SMALL = 32
"""Tables of so many states are shared."""

_Values = TypeVar("_Values", bound=tuple[Any, ...])


def shared(values: _Values) -> _Values:
    """Equal tuples as one object, where a chart is small: most have many in common with others."""
    return _remembered(values) if len(values) <= _SMALL else values


_remembered: Callable[[Any], Any] = lru_cache(maxsize=512)(lambda values: values)


_Transitions = tuple[Transition, ...]


class Index(NamedTuple):
    """The handlers of all states by what they match; see Tables."""

    exact: tuple[dict[str, _Transitions], ...]
    partial: tuple[dict[str, _Transitions], ...]
    lengths: tuple[frozenset[int], ...]
    wildcard: tuple[_Transitions, ...]
    catching: int
    listening: Mapping[str, Sequence[int]]


@lru_cache(maxsize=_SMALL)
def _empty(count: int) -> tuple[dict[str, _Transitions], ...]:
    return ({},) * count


_Answers = tuple[dict[str, _Transitions], dict[str, _Transitions], frozenset[int], _Transitions]
_NOTHING: _Answers = ({}, {}, frozenset(), ())


def index(on: list[tuple[Handler, ...]]) -> Index:
    """What each state answers, and which states listen to an event."""
    listening: dict[str, list[int]] = {}
    found = [_answers(state, handlers, listening) if handlers else _NOTHING for state, handlers in enumerate(on)]
    exact, partial, lengths, wildcard = zip(*found, strict=True)
    if not any(partial):
        partial = _empty(len(partial))
    catching = bits(state for state, (_, some, _, every) in enumerate(found) if some or every)
    heard = {event: tuple(states) for event, states in listening.items()}
    return Index(exact, partial, lengths, wildcard, catching, heard)


def _answers(state: int, handlers: tuple[Handler, ...], listening: dict[str, list[int]]) -> _Answers:
    """A state's handlers by what they match: exactly, by prefix, anything."""
    exact: dict[str, _Transitions] = {}
    partial: dict[str, _Transitions] = {}
    wildcard: _Transitions = ()
    for descriptor, transitions in handlers:
        if not transitions:
            continue
        exact[descriptor] = transitions
        listening.setdefault(descriptor, []).append(state)
        if descriptor[-1:] == "*":
            prefix = partial_prefix(descriptor)
            if descriptor == "*":
                wildcard = transitions
            elif prefix is not None:
                partial[prefix] = transitions
    return exact, partial, frozenset(map(len, partial)), wildcard
