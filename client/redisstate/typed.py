"""The machines of which ``redisstate types`` writes classes: events, states, guards and context are those of one chart.

A type checker finds what is misspelt; when the program runs they are Machine and AsyncMachine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from .arguments import Document
from .async_machine import AsyncMachine
from .machine import Machine
from .pipeline import AsyncPipeline, Pipeline
from .replies import Step, Verdict

Event = TypeVar("Event", bound=str)
State = TypeVar("State", bound=str)
Path = TypeVar("Path", bound=str)
Guard = TypeVar("Guard", bound=str)
Context = TypeVar("Context")


class TypedStep(Step, Generic[State]):
    """What a type checker takes the steps of a TypedMachine for."""

    __slots__ = ()

    if TYPE_CHECKING:
        states: tuple[State, ...]


class TypedPipeline(Pipeline, Generic[Event, Path, Guard]):
    """What a type checker takes the pipeline of a TypedMachine for. Its other machines may be of any chart."""

    if TYPE_CHECKING:

        def set(  # type: ignore[override]
            self,
            document: Document,
            *,
            input: Mapping[str, Any] | None = None,
            current: Any = None,
            guards: Iterable[Guard] | None = None,
            if_absent: bool = False,
            if_present: bool = False,
            if_revision: int | None = None,
            if_state: Path | None = None,
        ) -> None: ...

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
        ) -> None: ...

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
        ) -> None: ...

        def reset(  # type: ignore[override]
            self,
            *,
            input: Mapping[str, Any] | None = None,
            guards: Iterable[Guard] | None = None,
            reason: str | None = None,
            if_revision: int | None = None,
            if_state: Path | None = None,
            idempotency_key: str | None = None,
        ) -> None: ...

        def can(  # type: ignore[override]
            self,
            event: Event,
            data: Mapping[str, Any] | None = None,
            /,
            *,
            guards: Iterable[Guard] | None = None,
            **members: Any,
        ) -> None: ...

        def why(  # type: ignore[override]
            self,
            event: Event,
            data: Mapping[str, Any] | None = None,
            /,
            *,
            guards: Iterable[Guard] | None = None,
            **members: Any,
        ) -> None: ...


class TypedAsyncPipeline(AsyncPipeline, Generic[Event, Path, Guard]):
    """What a type checker takes the pipeline of a TypedAsyncMachine for."""

    if TYPE_CHECKING:

        def set(  # type: ignore[override]
            self,
            document: Document,
            *,
            input: Mapping[str, Any] | None = None,
            current: Any = None,
            guards: Iterable[Guard] | None = None,
            if_absent: bool = False,
            if_present: bool = False,
            if_revision: int | None = None,
            if_state: Path | None = None,
        ) -> None: ...

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
        ) -> None: ...

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
        ) -> None: ...

        def reset(  # type: ignore[override]
            self,
            *,
            input: Mapping[str, Any] | None = None,
            guards: Iterable[Guard] | None = None,
            reason: str | None = None,
            if_revision: int | None = None,
            if_state: Path | None = None,
            idempotency_key: str | None = None,
        ) -> None: ...

        def can(  # type: ignore[override]
            self,
            event: Event,
            data: Mapping[str, Any] | None = None,
            /,
            *,
            guards: Iterable[Guard] | None = None,
            **members: Any,
        ) -> None: ...

        def why(  # type: ignore[override]
            self,
            event: Event,
            data: Mapping[str, Any] | None = None,
            /,
            *,
            guards: Iterable[Guard] | None = None,
            **members: Any,
        ) -> None: ...


class TypedMachine(Machine, Generic[Event, State, Path, Guard, Context]):
    """A Machine of one chart."""

    __slots__ = ()

    if TYPE_CHECKING:

        @overload  # type: ignore[override]
        def set(
            self,
            document: Document,
            *,
            input: Mapping[str, Any] | None = None,
            current: Any = None,
            guards: Iterable[Guard] | None = None,
            if_absent: Literal[False] = False,
            if_present: Literal[False] = False,
            if_revision: int | None = None,
            if_state: Path | None = None,
        ) -> TypedStep[State]: ...

        @overload
        def set(
            self,
            document: Document,
            *,
            input: Mapping[str, Any] | None = None,
            current: Any = None,
            guards: Iterable[Guard] | None = None,
            if_absent: bool = False,
            if_present: bool = False,
            if_revision: int | None = None,
            if_state: Path | None = None,
        ) -> TypedStep[State] | None: ...

        def set(self, *args: Any, **kwargs: Any) -> Any: ...

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
        ) -> TypedStep[State]: ...

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
        ) -> TypedStep[State]: ...

        def reset(  # type: ignore[override]
            self,
            *,
            input: Mapping[str, Any] | None = None,
            guards: Iterable[Guard] | None = None,
            reason: str | None = None,
            if_revision: int | None = None,
            if_state: Path | None = None,
            idempotency_key: str | None = None,
        ) -> TypedStep[State]: ...

        def done(  # type: ignore[override]
            self,
            task: str,
            result: Any = None,
            *,
            guards: Iterable[Guard] | None = None,
            idempotency_key: str | None = None,
        ) -> TypedStep[State]: ...

        def fail(  # type: ignore[override]
            self,
            task: str,
            error: Any = None,
            *,
            guards: Iterable[Guard] | None = None,
            idempotency_key: str | None = None,
        ) -> TypedStep[State]: ...

        def retry(self, task: str) -> TypedStep[State]: ...

        def fire(self, timer: str, *, guards: Iterable[Guard] | None = None) -> TypedStep[State]: ...  # type: ignore[override]

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

        def pipeline(self, *, transaction: bool = True) -> TypedPipeline[Event, Path, Guard]: ...

        @property
        def states(self) -> tuple[State, ...]: ...

        def all_states(self) -> tuple[Path, ...]: ...

        @property
        def context(self) -> Context: ...


class TypedAsyncMachine(AsyncMachine, Generic[Event, State, Path, Guard, Context]):
    """An AsyncMachine of one chart."""

    __slots__ = ()

    if TYPE_CHECKING:

        @overload  # type: ignore[override]
        async def set(
            self,
            document: Document,
            *,
            input: Mapping[str, Any] | None = None,
            current: Any = None,
            guards: Iterable[Guard] | None = None,
            if_absent: Literal[False] = False,
            if_present: Literal[False] = False,
            if_revision: int | None = None,
            if_state: Path | None = None,
        ) -> TypedStep[State]: ...

        @overload
        async def set(
            self,
            document: Document,
            *,
            input: Mapping[str, Any] | None = None,
            current: Any = None,
            guards: Iterable[Guard] | None = None,
            if_absent: bool = False,
            if_present: bool = False,
            if_revision: int | None = None,
            if_state: Path | None = None,
        ) -> TypedStep[State] | None: ...

        async def set(self, *args: Any, **kwargs: Any) -> Any: ...

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
        ) -> TypedStep[State]: ...

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
        ) -> TypedStep[State]: ...

        async def reset(  # type: ignore[override]
            self,
            *,
            input: Mapping[str, Any] | None = None,
            guards: Iterable[Guard] | None = None,
            reason: str | None = None,
            if_revision: int | None = None,
            if_state: Path | None = None,
            idempotency_key: str | None = None,
        ) -> TypedStep[State]: ...

        async def done(  # type: ignore[override]
            self,
            task: str,
            result: Any = None,
            *,
            guards: Iterable[Guard] | None = None,
            idempotency_key: str | None = None,
        ) -> TypedStep[State]: ...

        async def fail(  # type: ignore[override]
            self,
            task: str,
            error: Any = None,
            *,
            guards: Iterable[Guard] | None = None,
            idempotency_key: str | None = None,
        ) -> TypedStep[State]: ...

        async def retry(self, task: str) -> TypedStep[State]: ...

        async def fire(self, timer: str, *, guards: Iterable[Guard] | None = None) -> TypedStep[State]: ...  # type: ignore[override]

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

        def pipeline(self, *, transaction: bool = True) -> TypedAsyncPipeline[Event, Path, Guard]: ...

        async def states(self) -> tuple[State, ...]: ...

        async def all_states(self) -> tuple[Path, ...]: ...

        async def context(self) -> Context: ...
