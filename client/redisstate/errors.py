"""What goes wrong with a state machine, as a tree of exceptions:

    StateMachineError               all of these
    ├── NotTaken                    the machine does not take the event where it stands; raised only by strict machines
    ├── NoSuchMachine               there is no machine at the key                                  .key
    ├── Conflict                    IFREV or IFSTATE does not hold: another writer was first        .revision
    ├── InvalidDocument             a document that no machine can be made of                       .path, .fault
    ├── ExpressionError             an expression of the document fails                             .path, .fault
    ├── GuardError                  the step asks for guards that the client has to decide          .guards
    └── ServerError                 whatever else the module refuses
        ├── TokenReused             an idempotency key that was used for something else
        ├── NotAMachine             the key holds another type
        └── NoModule                the server does not know the commands: the module is not loaded

What is not about state machines (no connection, no permission, memory full, a failover) stays the client library's own
exception. Those above have it as their ``__cause__``.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

Key = str | bytes


class StateMachineError(Exception):
    """What the module answers as an error. ``str()`` of it is the server's text."""


class NotTaken(StateMachineError):
    """No transition takes the event where the machine stands, or the task or deadline is over."""


class NoSuchMachine(StateMachineError):
    """There is no machine at ``key``, an attribute."""

    def __init__(self, key: Key) -> None:
        shown = key if isinstance(key, str) else key.decode(errors="backslashreplace")
        super().__init__(f"there is no machine at {shown!r}")
        self.key = key


class Conflict(StateMachineError):
    """A condition does not hold, and nothing has changed. ``revision`` is the machine's, where the server says it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        found = re.match(r"the machine is at revision (\d+)", text)
        self.revision = int(found[1]) if found else None


class InvalidDocument(StateMachineError):
    """``path`` is the place in the document (``$.map.cart[1]``), ``fault`` what is wrong there."""

    def __init__(self, path: str, fault: str) -> None:
        super().__init__(f"invalid document at {path}: {fault}")
        self.path = path
        self.fault = fault


class ExpressionError(StateMachineError):
    """``path`` is the place of the expression in the document, ``fault`` what failed; nothing has changed."""

    def __init__(self, path: str, fault: str) -> None:
        super().__init__(f"{path}: {fault}" if path else fault)
        self.path = path
        self.fault = fault


class GuardError(StateMachineError):
    """The step asks for guards of the client's: ``guards`` has their names. Say with ``guards=[…]`` which hold."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        said = text.partition(": say which")[0]
        self.guards = tuple(re.findall(r"'((?:[^'\\]|\\.)*)'", said))


class ServerError(StateMachineError):
    """Whatever else the module refuses: a word that it does not know, data that is too large."""


class TokenReused(ServerError):
    """The idempotency key was used for another command, event or data."""


class NotAMachine(ServerError):
    """The key holds a value of another type."""


class NoModule(ServerError):
    """The server does not know the commands of the module."""


_PIPELINED = re.compile(r"Command # \d+ \(.*?\) of pipeline(?: \d+)? caused error: ", re.DOTALL)
_PATH = r"""\$.{127} \.\.\. .{128}|\$(?:[^\s:"\[]|\["(?:[^"\\]|\\.)*"\]|\[\d+\])*"""
"""A path as the server writes it: what is no word stands in quotes, and may have ``: `` in it; a long one is cut in its
middle."""
_DOCUMENT = re.compile(rf"invalid document at ({_PATH}|.+?): (.*)", re.DOTALL)
_PLACED = re.compile(rf"({_PATH}|\$.*?): (.*)", re.DOTALL)
_KEY = re.compile(r"no such key: '(.*)'", re.DOTALL)
_TOKEN = re.compile(r"token .* was used for ", re.DOTALL)
_UNKNOWN = re.compile(r"unknown command [`']?SM\.", re.IGNORECASE)
_NOT_TAKEN = (
    "no transition for ",
    "invalid state transition",
    "no active task",
    "no pending deadline",
    "no state ",
    "the key is there already",
)
_OTHER_CODE = re.compile(r"(?!(?:BEFORE|COUNT|CURRENT|DATA|GUARDS|IFREV|IFSTATE|INPUT|REASON) )[A-Z][A-Z0-9]{2,} ")
"""A code that is not the module's. Its refusals may begin with the option that they are about."""


def of_text(text: str, key: Key | None = None) -> StateMachineError | None:
    """The exception for an error's text, with or without ``ERR``; None where it is not about state machines."""
    text = _PIPELINED.sub("", text).removeprefix("ERR ")
    code, _, rest = text.partition(" ")
    if code == "CONFLICT":
        return Conflict(rest)
    if code == "GUARD":
        return GuardError(rest)
    if code == "EXPR":
        placed = _PLACED.fullmatch(rest)
        return ExpressionError(placed[1], placed[2]) if placed else ExpressionError("", rest)
    if code == "WRONGTYPE":
        return NotAMachine(rest)
    if _OTHER_CODE.match(text):
        return None
    if found := _DOCUMENT.fullmatch(text):
        return InvalidDocument(found[1], found[2])
    if found := _KEY.fullmatch(text):
        return NoSuchMachine(found[1] if key is None else key)
    if _UNKNOWN.match(text):
        return NoModule(f"the server has no module redisstate, or an older one: {text}")
    if _TOKEN.match(text):
        return TokenReused(text)
    if text.startswith(_NOT_TAKEN):
        return NotTaken(text)
    return ServerError(text)


def of(error: BaseException, key: Key | None = None) -> StateMachineError | None:
    """The exception for one of the client library (redis-py's or valkey-py's); None where it stays as it is.

    Exactly a ``ResponseError``: its subclasses are errors that the library knows, and none of the module's.
    """
    if type(error).__name__ != "ResponseError":
        return None
    return of_text(str(error), key)


def is_forbidden(error: Exception) -> bool:
    """Whether the user of the connection may not do it (ACL)."""
    return type(error).__name__ == "NoPermissionError" or str(error).startswith("NOPERM")


def is_forbidden_key(error: Exception) -> bool:
    """Whether the user may run the command, but not on that key."""
    return is_forbidden(error) and re.search(r"permissions to access (?:a|one of the) key", str(error)) is not None


@contextlib.contextmanager
def translated(key: Key | None = None) -> Iterator[None]:
    """What the client library raises inside is raised as one of the exceptions of this module, where there is one.

    ``key`` is that of the machine that is asked, for NoSuchMachine.
    """
    try:
        yield
    except Exception as error:
        ours = of(error, key)
        if ours is None:
            raise
        raise ours from error
