"""The machines of which ``redisstate types`` writes classes: events, states, guards and context are those of one chart.

A type checker finds what is misspelt; when the program runs they are Machine and AsyncMachine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .async_machine import AsyncMachine
from .machine import Machine
from .replies import Step, Verdict

Event = TypeVar("Event", bound=str)
State = TypeVar("State", bound=str)
Path = TypeVar("Path", bound=str)
Guard = TypeVar("Guard", bound=str)
Context = TypeVar("Context")


class TypedMachine(Machine, Generic[Event, State, Path, Guard, Context]):
    """A Machine of one chart."""

    __slots__ = ()

    if TYPE_CHECKING:

        def send(  # type: ignore[override]
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
            **members: Any,
        ) -> Step: ...

        def mutate(  # type: ignore[override]
            self,
            state: Path,
            data: Mapping[str, Any] | None = None,
            /,
            *,
            reason: str | None = None,
            force: bool = False,
            guards: Iterable[Guard] | None = None,
            if_revision: int | None = None,
            if_state: Path | None = None,
            idempotency_key: str | None = None,
            **members: Any,
        ) -> Step: ...

        def can(  # type: ignore[override]
            self,
            event: Event,
            data: Mapping[str, Any] | None = None,
            /,
            *,
            guards: Iterable[Guard] | None = None,
            **members: Any,
        ) -> bool: ...

        def why(  # type: ignore[override]
            self,
            event: Event,
            data: Mapping[str, Any] | None = None,
            /,
            *,
            guards: Iterable[Guard] | None = None,
            **members: Any,
        ) -> list[Verdict]: ...

        @property
        def states(self) -> tuple[State, ...]: ...

        @property
        def context(self) -> Context: ...


class TypedAsyncMachine(AsyncMachine, Generic[Event, State, Path, Guard, Context]):
    """An AsyncMachine of one chart."""

    __slots__ = ()

    if TYPE_CHECKING:

        async def send(  # type: ignore[override]
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
            **members: Any,
        ) -> Step: ...

        async def mutate(  # type: ignore[override]
            self,
            state: Path,
            data: Mapping[str, Any] | None = None,
            /,
            *,
            reason: str | None = None,
            force: bool = False,
            guards: Iterable[Guard] | None = None,
            if_revision: int | None = None,
            if_state: Path | None = None,
            idempotency_key: str | None = None,
            **members: Any,
        ) -> Step: ...

        async def can(  # type: ignore[override]
            self,
            event: Event,
            data: Mapping[str, Any] | None = None,
            /,
            *,
            guards: Iterable[Guard] | None = None,
            **members: Any,
        ) -> bool: ...

        async def why(  # type: ignore[override]
            self,
            event: Event,
            data: Mapping[str, Any] | None = None,
            /,
            *,
            guards: Iterable[Guard] | None = None,
            **members: Any,
        ) -> list[Verdict]: ...

        async def states(self) -> tuple[State, ...]: ...

        async def context(self) -> Context: ...
