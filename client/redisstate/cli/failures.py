"""Errors as a person wants to read them, and the exit status of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from .. import errors
from .connection import Server

NO = 1
"""The exit status where it did not happen: refused, not there, errors found."""


class Failure(click.ClickException):
    """Ends the command with a message on stderr and the exit status NO."""

    exit_code = NO

    def show(self, file: IO[Any] | None = None) -> None:
        from .output import complain

        complain(self.message)


class ServerFailure(Failure):
    """The server cannot be reached, or cannot do it."""

    exit_code = 3


@contextmanager
def told(ctx: click.Context) -> Iterator[None]:
    """What a server or a connection raises inside becomes a Failure. A fault of the program stays as it is."""
    try:
        yield
    except Exception as error:
        failure = _failure(error, ctx.ensure_object(Server).shown)
        if failure is None:
            raise
        raise failure from None


def _failure(error: Exception, server: str) -> click.ClickException | None:
    text = str(error)
    match error:
        case errors.Conflict():
            return Failure(f"nothing was changed: {text}")
        case errors.GuardError():
            named = ", ".join(f"'{name}'" for name in error.guards)
            return Failure(f"you decide {named}\nSay which of them hold with --guard NAME, or --no-guards")
        case errors.NotAMachine():
            return Failure("the key holds a value of another type, no state machine")
        case errors.NoModule():
            return ServerFailure(
                f"the server at {server} does not know the command {_command(text)}: "
                "the module is not loaded, or it is older\nLoad it with  redis-server --loadmodule …/redisstate.so"
            )
        case errors.StateMachineError():
            return Failure(text)
        case UnicodeEncodeError():
            return click.UsageError("an argument is not UTF-8")
    return _of_client(error, server)


def _of_client(error: Exception, server: str) -> Failure | None:
    """An error of the client library: of redis-py, or of valkey-py, which a worker may have."""
    if type(error).__module__.partition(".")[0] not in ("redis", "valkey"):
        return None
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & {"AuthenticationError", "AuthenticationWrongNumberOfArgsError"}:
        text = str(error)
        why = "it wants a password" if text.startswith(("HELLO must be", "Authentication required")) else text
        return ServerFailure(f"{server} does not let you in: {why}\nUse --url redis://user:password@host:port")
    if "MasterNotFoundError" in kinds:
        return ServerFailure(
            f"cannot reach {server}: no sentinel that answers knows a primary of it\nSee --url and REDIS_URL"
        )
    if kinds & {"ConnectionError", "TimeoutError", "RedisClusterException", "ValkeyClusterException"}:
        return ServerFailure(f"cannot reach {server}: {_reason(error)}\nSee --url and REDIS_URL")
    if "unknown command 'SENTINEL'" in str(error):
        return ServerFailure(f"what {server} names is no sentinel\nUse redis://host:port")
    return ServerFailure(f"{server} refuses it: {error}")


def _command(text: str) -> str:
    found = re.search(r"SM\.[A-Z]+", text, re.IGNORECASE)
    return found[0] if found else "asked for"


def _reason(error: BaseException) -> str:
    """What the system says of a connection, without numbers and addresses."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
        cause = cause.__cause__ or cause.__context__
    return str(error)
