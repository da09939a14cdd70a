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
    except (errors.StateMachineError, UnicodeEncodeError) as error:
        raise _failure(error, ctx.ensure_object(Server)) from None
    except Exception as error:
        if type(error).__module__.partition(".")[0] != "redis":
            raise
        raise _failure(error, ctx.ensure_object(Server)) from None


def _failure(error: Exception, server: Server) -> click.ClickException:
    import redis

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
                f"the server at {server.shown} does not know the command {_command(text)}: "
                "the module is not loaded, or it is older\nLoad it with  redis-server --loadmodule …/redisstate.so"
            )
        case errors.StateMachineError():
            return Failure(text)
        case redis.AuthenticationError() | redis.exceptions.AuthenticationWrongNumberOfArgsError():
            return ServerFailure(
                f"{server.shown} does not let you in: {text}\nUse --url redis://user:password@host:port"
            )
        case redis.ConnectionError() | redis.TimeoutError() | redis.exceptions.RedisClusterException():
            return ServerFailure(f"cannot reach {server.shown}: {_reason(error)}\nSee --url and REDIS_URL")
        case UnicodeEncodeError():
            return click.UsageError("an argument is not UTF-8")
    return ServerFailure(f"{server.shown} refuses it: {text}")


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
