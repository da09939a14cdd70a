"""Errors of a client library that a worker meets, by their names and texts: there is more than one library."""

from __future__ import annotations

from typing import Any, Literal

from . import errors, replies

_NO_WAITING = {"AuthenticationError", "AuthorizationError", "NoPermissionError"}
_WAITING = {"ConnectionError", "TimeoutError", "OSError", "BusyLoadingError", "ReadOnlyError", "OutOfMemoryError"}
_WAITING |= {"MasterDownError", "MasterNotFoundError", "ClusterDownError", "ClusterError", "SlotNotCoveredError"}
_WAITING |= {"TryAgainError", "MovedError", "AskError", "RedisClusterException", "ValkeyClusterException"}
_CODES = ("OOM", "TRYAGAIN", "LOADING", "READONLY", "NOREPLICAS", "MISCONF", "BUSY", "MASTERDOWN", "CLUSTERDOWN")
_LATE = errors.NotTaken | errors.NoSuchMachine | errors.TokenReused
_NO_GROUP = ("NOGROUP", "UNBLOCKED")


def trouble_of(error: BaseException) -> Literal["wait", "group", "final"]:
    """Whether an error goes away by itself, or when the group is made, or not at all."""
    names = {kind.__name__ for kind in type(error).__mro__}
    said = str(error)
    if names & _NO_WAITING:
        return "final"
    if said.startswith(_NO_GROUP):
        return "group"
    return "wait" if names & _WAITING or said.startswith(_CODES) else "final"


def exists_already(error: BaseException) -> bool:
    return str(error).startswith("BUSYGROUP")


def not_permitted(error: BaseException) -> bool:
    return type(error).__name__ == "NoPermissionError" or str(error).startswith("NOPERM")


def is_vain(answer: Exception) -> bool:
    """Whether a report was refused for a reason that the function's next result would have, too: the worker's user may
    not report, or the machine asks for guards that only a client can tell."""
    return not_permitted(answer) or isinstance(errors.of(answer), errors.GuardError)


def is_late(answer: object) -> bool:
    """Whether a report was for a task that is over: nil, or, by a setting of the server, an error. Also where another
    report was taken, of which this one has the token."""
    if answer is None:
        return True
    return isinstance(answer, Exception) and isinstance(errors.of(answer), _LATE)


def active_tasks(answer: Any) -> set[str] | None:
    """The handles of a machine's active tasks, by the answer to SM.PENDING; None where that does not say it."""
    if isinstance(answer, Exception):
        return set() if isinstance(errors.of(answer), errors.NoSuchMachine) else None
    return {one.handle for one in replies.pending(answer or ())}


def shortest_timeout(client: Any) -> float | None:
    """Seconds after which the client thinks that an answer does not come; None: it waits for ever."""
    for place in ("connection_pool", "nodes_manager"):
        settings = getattr(getattr(client, place, None), "connection_kwargs", None)
        if settings and settings.get("socket_timeout"):
            return float(settings["socket_timeout"])
    return None
