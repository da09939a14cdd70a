"""A machine that is played in the engine alone, as a server would hold it: what it keeps goes from step to step."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sm_core import NOT_TAKEN, Given, Limits, Machine, Outcome, compile_document
from tests.core.effect_text import effect_text
from tests.documents import compact

LIMITS = Limits()


def given(
    data: Any = None, guards: Iterable[str] | None = None, input: Any = None, now: int = 0, limits: Limits = LIMITS
) -> Given:
    """What comes in with a step, in Python's values; ``data`` and ``input`` as bytes are taken as they are."""
    texts = [value if value is None or isinstance(value, bytes) else compact(value).encode() for value in (data, input)]
    return Given(texts[0], None if guards is None else frozenset(guards), texts[1], now, limits)


class Played:
    """A started machine. Its ``outcome`` is that of the last step that was taken."""

    def __init__(self, document: dict[str, Any], **options: Any) -> None:
        self.definition = compile_document(compact(document).encode(), Limits()).definition
        self.machine = Machine()
        self.outcome = self.take(self.definition.start(given(**options)))

    def take(self, outcome: Outcome) -> Outcome:
        context = outcome.context if outcome.context is not None else self.machine.context
        self.machine = Machine(outcome.configuration, context, outcome.output, outcome.error)
        return outcome

    def send(self, event: str, **options: Any) -> bool:
        """Whether the event moved the machine, or did something."""
        return self.did(self.definition.send(self.machine, event, given(**options)))

    def mutate(self, state: str, **options: Any) -> bool:
        return self.did(self.definition.mutate(self.machine, state, given(**options)))

    def force(self, state: str, **options: Any) -> bool:
        return self.did(self.definition.force(self.machine, state, given(**options)))

    def did(self, outcome: Outcome | None) -> bool:
        if outcome is None or outcome == NOT_TAKEN:
            return False
        self.outcome = self.take(outcome)
        return True

    def can(self, event: str, **options: Any) -> bool:
        return self.definition.can(self.machine, event, given(**options))

    def why(self, event: str, **options: Any) -> list[tuple[str, str]]:
        return self.definition.why(self.machine, event, given(**options))

    @property
    def context(self) -> Any:
        return None if self.machine.context is None else json.loads(self.machine.context)

    @property
    def output(self) -> Any:
        return None if self.machine.output is None else json.loads(self.machine.output)

    @property
    def states(self) -> list[str]:
        return list(self.definition.states(self.machine.configuration))

    @property
    def effects(self) -> list[str]:
        """The names of the effects of the last step that was taken."""
        return [effect.name for effect in self.outcome.effects]

    @property
    def texts(self) -> list[Any]:
        return [json.loads(effect_text(effect)) for effect in self.outcome.effects]
