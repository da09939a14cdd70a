"""State machines in Redis and Valkey, from Python: a client of the module redisstate.

    order = Machine(Redis(), "order:1")
    order.set(document, input={"total": 30})
    step = order.send("PAY", amount=20)

Needs redis-py or valkey-py for the client alone; nothing of either is imported here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .async_machine import AsyncMachine
from .documents import async_check, async_render, async_template, check, render, template
from .errors import (
    Conflict,
    ExpressionError,
    GuardError,
    InvalidDocument,
    NoModule,
    NoSuchMachine,
    NotAMachine,
    NotTaken,
    ServerError,
    StateMachineError,
    TokenReused,
)
from .machine import Machine
from .pipeline import AsyncPipeline, Pipeline
from .replies import Effect, Entry, Finding, Pending, Step, Verdict

if TYPE_CHECKING:
    from .async_machines import AsyncMachines
    from .async_worker import AsyncWorker
    from .machines import Machines
    from .tasks import OutboxEntry, TaskFailed
    from .worker import Worker

__all__ = [
    "AsyncMachine",
    "AsyncMachines",
    "AsyncPipeline",
    "AsyncWorker",
    "Conflict",
    "Effect",
    "Entry",
    "ExpressionError",
    "Finding",
    "GuardError",
    "InvalidDocument",
    "Machine",
    "Machines",
    "NoModule",
    "NoSuchMachine",
    "NotAMachine",
    "NotTaken",
    "OutboxEntry",
    "Pending",
    "Pipeline",
    "ServerError",
    "StateMachineError",
    "Step",
    "TaskFailed",
    "TokenReused",
    "Verdict",
    "Worker",
    "async_check",
    "async_render",
    "async_template",
    "check",
    "render",
    "template",
]

_LATER = {
    "AsyncMachines": "async_machines",
    "AsyncWorker": "async_worker",
    "Machines": "machines",
    "OutboxEntry": "tasks",
    "TaskFailed": "tasks",
    "Worker": "worker",
}
"""What is imported when it is first asked for: {name: module}."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_LATER[name]}", __name__), name)
