"""What the tests of deadlines and tasks share: small charts of which one state waits, and what a step asks for."""

from __future__ import annotations

import json
from typing import Any

from sm_core import Definition, Given, Limits, Machine, Outcome, compile_document
from sm_core.definition import Arm
from tests.core.effect_text import effect_text

FETCH = {"src": "fetch"}


def document(a: dict[str, Any], **root: Any) -> bytes:
    """A chart whose initial state is ``a``; ``b`` is beside it."""
    chart = {"id": "m", "initial": "a", "states": {"a": a, "b": {}}}
    return json.dumps({**chart, **root}).encode()


def compiled(a: dict[str, Any], **root: Any) -> Definition:
    return compile_document(document(a, **root), Limits()).definition


def started(a: dict[str, Any], **root: Any) -> Outcome:
    return compiled(a, **root).start(Given())


def at_start(definition: Definition) -> Machine:
    outcome = definition.start(Given())
    return Machine(outcome.configuration, outcome.context)


def stands(definition: Definition, outcome: Outcome | None) -> list[str]:
    assert outcome is not None
    return list(definition.states(outcome.configuration))


def effects(outcome: Outcome | None) -> list[Any]:
    assert outcome is not None
    return [json.loads(effect_text(effect)) for effect in outcome.effects]


def ids(outcome: Outcome) -> list[str]:
    return [timer.id for timer in outcome.timers]


def arm(name: str, delay: int) -> Arm:
    return Arm(name, b'{"type":"%s"}' % name.encode(), delay)


def spawn(**params: Any) -> dict[str, Any]:
    return {"type": "xstate.spawnChild", "params": params}


def raised(**members: Any) -> dict[str, Any]:
    return {"type": "@xstate.raise", "event": "LATE", "delay": 5, **members}
