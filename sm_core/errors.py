"""The errors of the engine.

EngineError
├── DocumentError     a document that is refused: where in it, and why
│   └── LimitError    a document that is well formed but larger than a limit allows
├── GuardError        a step asks for a guard that the client did not say
└── ExpressionError   an expression of the document fails, or takes too many steps
"""

from __future__ import annotations

import json
import re

_PLAIN_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*\Z")
_LONGEST_QUOTE = 64
_LONGEST_PATH = 256
"""In a message, whose end says what is wrong and must be seen."""

type_names = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}


THIRD_ARGUMENT = "the third argument"
"""How the path begins of what SM.SET takes beside the document; a JSON path in it follows: ``… at $.a.b``."""

ARGUMENTS = (THIRD_ARGUMENT, "DATA", "INPUT", "the result")
"""How paths begin in what is no document."""


class EngineError(Exception):
    """The root of every error that the engine raises on purpose."""

    code = "ERR"
    """How the error begins that a client reads."""


class GuardError(EngineError):
    """A step asks for a guard that only the client can decide, and the client did not say."""

    code = "GUARD"


class ExpressionError(EngineError):
    """An expression of the document fails. The step that asked for it does not happen."""

    code = "EXPR"


class DocumentError(EngineError):
    """A document, or where it shall stand, is refused. ``path`` says where (``$.map.a[1]``, or THIRD_ARGUMENT),
    ``fault`` says why."""

    def __init__(self, path: str, fault: str) -> None:
        super().__init__(f"{path if len(path) <= _LONGEST_PATH else _shortened(path)}: {fault}")
        self.path = path
        self.fault = fault


def _shortened(path: str) -> str:
    return f"{path[: _LONGEST_PATH // 2]} ... {path[-_LONGEST_PATH // 2 :]}"


class LimitError(DocumentError):
    """A document is larger than a limit allows."""


def member(path: str, name: str) -> str:
    """The path of the member ``name`` of the object at ``path``: ``$.map.a``, ``$.map["a b"]``; cut when long."""
    if len(name) <= _LONGEST_QUOTE and _PLAIN_NAME.match(name):
        return f"{path}.{name}"
    quoted = quote(name, '"')
    return f"{path}[{quoted}]"


def element(path: str, index: int) -> str:
    """The path of an element of the array at ``path``: ``$.map.a[1]``."""
    return f"{path}[{index}]"


def quote(name: str, mark: str = "'", longest: int = _LONGEST_QUOTE) -> str:
    """``name`` in quotes for a message: one line of ASCII, cut behind ``longest`` characters."""
    if len(name) > longest:
        name = name[:longest] + "..."
    escaped = json.dumps(name)[1:-1]
    if mark == "'":
        escaped = escaped.replace('\\"', '"').replace("'", "\\'")
    return f"{mark}{escaped}{mark}"


def type_name(value: object) -> str:
    """What a JSON value is, in words: ``an object``, ``a string``."""
    return type_names.get(type(value), "an unknown value")


def explain(error: EngineError) -> str:
    """The error in one line, as a client reads it."""
    if isinstance(error, DocumentError) and not error.path.startswith(ARGUMENTS):
        return f"invalid document at {error}"
    return str(error)
