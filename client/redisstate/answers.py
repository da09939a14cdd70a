"""What nil and an error mean: nothing happened, or there is no machine. One place for machines, asynchronous ones and
pipelines, which differ in how they ask.

nil alone does not say whether the machine refused or is missing. Where that matters the machine is looked at, with
SM.STATE, but only then: what is taken costs one round trip.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Final

from . import errors, replies
from .arguments import Key, Words


class Nil(Enum):
    """What nil means as the answer to a command."""

    MISSING = "there is no machine"
    REFUSED = "the step was not taken, or there is no machine"
    EMPTY = "there is no such value, or no machine"
    NONE = "None: a condition of SM.SET does not hold"
    FALSE = "False: there is no machine"


LOOK: Final = object()
"""Only where the machine stands can say what this nil means."""


def of_nothing(answer: Exception | None, key: Key, nil: Nil, strict: bool = False) -> Any:
    """The result of nil or of an error: None, False or LOOK. Raises the error that it is.

    Where the setting redisstate.invalid-transition is ``error``, the server says as an error what nil says else.
    """
    if answer is None:
        if nil is Nil.MISSING:
            raise errors.NoSuchMachine(key)
        return None if nil is Nil.NONE else False if nil is Nil.FALSE else LOOK
    ours = errors.of(answer, key)
    if ours is None:
        raise answer
    if isinstance(ours, errors.NoSuchMachine) and nil in (Nil.NONE, Nil.FALSE):
        return None if nil is Nil.NONE else False
    if isinstance(ours, errors.NotTaken):
        if nil is Nil.NONE:
            return None
        if nil is Nil.REFUSED and not strict:
            return LOOK
    raise ours from answer


def of_a_look(states: Any, key: Key, nil: Nil, words: Words, strict: bool = False) -> Any:
    """The result after a look: ``states`` is what SM.STATE answers, or the error that it is.

    A user who may send but not look gets a step that does not say where the machine stands. Raises NoSuchMachine, and
    NotTaken if ``strict``.
    """
    if isinstance(states, Exception):
        if not errors.is_forbidden(states):
            of_nothing(states, key, Nil.MISSING)
        states = ()
    if states is None:
        raise errors.NoSuchMachine(key)
    if nil is Nil.EMPTY:
        return None
    where = replies.names(states)
    if strict:
        what = " ".join(replies.text(word) for word in (words[0], *words[2:3]))
        raise errors.NotTaken(f"not taken in {', '.join(where)}: {what}" if where else f"not taken: {what}")
    return replies.Step(where, taken=False)
