"""From text to tokens. One token is read when the parser asks for it, so that a text with a fault costs no more than
what stands before the fault."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from .errors import ExpressionFault, Place
from .values import LEAST_INT, MOST_INT, MOST_UINT, UInt, quoted

_TOKEN = re.compile(
    r"""
[ \t]*(?:
    (?P<end>     \Z )
  | (?P<space>   [\n\f\r][ \t\n\f\r]* | //[^\n]* )
  | (?P<foreign> ===|!==|=>|\?\?|\?\.(?![0-9])|\*\*|\.\.\.|<<|>>|&(?!&)|\|(?!\|)|=(?!=)|[`;^~@$\#\\] )
  | (?P<number>  0x[0-9a-fA-F]+[uU]? | (?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[uU]? )
  | (?P<quote>   (?:[bB][rR]?|[rR])?(?:'''|\"\"\"|'|\") )
  | (?P<name>    [A-Za-z_][A-Za-z0-9_]* )
  | (?P<sign>    &&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,()\[\]{}] )
  | (?P<other>   . )
)
    """,
    re.VERBOSE | re.DOTALL,
)
_WORD = re.compile(r"[A-Za-z0-9_]+")
_WHOLE = re.compile(r"[0-9]+\Z")

_FOREIGN = {
    "===": "write ==",
    "!==": "write !=",
    "=": "write == to compare; an expression assigns nothing",
    "=>": "write list.exists(x, x > 1), with the variable as the first argument",
    "?.": "write has(a.b) ? a.b : a default",
    "??": "write has(a.b) ? a.b : a default",
    "&": "write &&",
    "|": "write ||",
    "**": "powers are not known here; write a product",
    "...": "write a + b to join two lists",
    "<<": "bits are not known here; write a product",
    ">>": "bits are not known here; write a quotient",
    "^": "bits are not known here",
    "~": "bits are not known here",
    ";": "an expression is one value; take the semicolon out",
    "`": "write texts as 'a' or \"a\", and join them with +",
    "$": "names are of letters, digits and _",
    "#": "a comment begins with //",
}

_BODIES = {
    "'": re.compile(r"[^\\'\r\n]*(?:\\[^\r\n][^\\'\r\n]*)*'"),
    '"': re.compile(r'[^\\"\r\n]*(?:\\[^\r\n][^\\"\r\n]*)*"'),
    "'''": re.compile(r"(?:[^\\]|\\.)*?'''", re.DOTALL),
    '"""': re.compile(r'(?:[^\\]|\\.)*?"""', re.DOTALL),
}
_RAW_BODIES = {
    "'": re.compile(r"[^'\r\n]*'"),
    '"': re.compile(r'[^"\r\n]*"'),
    "'''": re.compile(r".*?'''", re.DOTALL),
    '"""': re.compile(r'.*?"""', re.DOTALL),
}
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\?\"'`])|[xX]([0-9a-fA-F]{2})|([0-3][0-7]{2})"
    r"|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.?))",
    re.DOTALL,
)
_PLAIN_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class Token(NamedTuple):
    """``kind``: name, sign, literal, end. ``text``: as it was written; ``value``: what a literal stands for."""

    kind: str
    text: str
    at: Place
    value: Any = None


class Lexer:
    """Reads tokens one after the other."""

    __slots__ = ("_line", "_line_start", "_offset", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._offset = 0
        self._line = 1
        self._line_start = 0

    def next(self, negative: bool = False) -> Token:
        """The next token. ``negative``: a minus stands before it, so that the least int of all may follow.
        Raises ExpressionFault."""
        while True:
            match = _TOKEN.match(self._text, self._offset)
            assert match is not None and match.lastgroup is not None  # one of the groups takes any character
            kind = match.lastgroup
            text = match[kind]
            self._offset = match.end()
            if kind == "space":
                self._count_lines(text)
                continue
            at = self._line, self._offset - len(text) - self._line_start + 1
            if kind == "name" or kind == "sign" or kind == "end":
                return Token(kind, text, at)
            if kind == "number":
                return self._number(text, at, negative)
            if kind == "quote":
                return self._string(text, at)
            hint = _FOREIGN.get(text)
            raise ExpressionFault(f"{quoted(text)} is not known here" + (f": {hint}" if hint else ""), *at)

    def _count_lines(self, text: str) -> None:
        lines = text.count("\n")
        if lines:
            self._line += lines
            self._line_start = self._offset - (len(text) - text.rindex("\n") - 1)

    def _number(self, text: str, at: Place, negative: bool) -> Token:
        tail = _WORD.match(self._text, self._offset)
        if tail:
            raise ExpressionFault(f"{quoted(text + tail[0])} is no number", *at)
        unsigned = text[-1] in "uU"
        digits = text[:-1] if unsigned else text
        if digits.startswith("0x"):
            number = int(digits, 16)
        elif _WHOLE.match(digits):
            digits = digits.lstrip("0") or "0"
            number = int(digits) if len(digits) <= 20 else MOST_UINT + 1
        elif unsigned:
            raise ExpressionFault(f"{quoted(text)} is no number: only a whole number can be unsigned", *at)
        else:
            return Token("literal", text, at, float(digits))
        if unsigned:
            if number > MOST_UINT:
                raise ExpressionFault(f"{quoted(text)} is outside 64 bits: the most is {MOST_UINT}u", *at)
            return Token("literal", text, at, UInt(number))
        if number > (-LEAST_INT if negative else MOST_INT):
            raise ExpressionFault(f"{quoted(text)} is outside 64 bits: the most is {MOST_INT}", *at)
        return Token("literal", text, at, number)

    def _string(self, opening: str, at: Place) -> Token:
        quote = opening.lstrip("bBrR")
        prefix = opening[: len(opening) - len(quote)].lower()
        bodies = _RAW_BODIES if "r" in prefix else _BODIES
        match = bodies[quote].match(self._text, self._offset)
        if match is None:
            raise ExpressionFault(f"the text that {quote} begins does not end: {quote} is missing", *at)
        self._offset = match.end()
        self._count_lines(match[0])
        body = match[0][: -len(quote)].replace("\r\n", "\n").replace("\r", "\n")
        value: str | bytes
        if "b" in prefix:
            value = body.encode() if "r" in prefix else _unescape_bytes(body, at)
        else:
            value = body if "r" in prefix or "\\" not in body else _unescape(body, at)
        return Token("literal", opening + match[0], at, value)


def _unescape(body: str, at: Place) -> str:
    parts: list[str] = []
    end = 0
    for match in _ESCAPE.finditer(body):
        parts.append(body[end : match.start()])
        end = match.end()
        plain, byte, octal, short, long, _ = match.groups()
        if plain:
            parts.append(_PLAIN_ESCAPES.get(plain, plain))
        else:
            code = int(octal, 8) if octal else int(byte or short or long or "-1", 16)
            if not 0 <= code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF:
                raise _bad_escape(match[0], at)
            parts.append(chr(code))
    parts.append(body[end:])
    return "".join(parts)


def _unescape_bytes(body: str, at: Place) -> bytes:
    parts: list[bytes] = []
    end = 0
    for match in _ESCAPE.finditer(body):
        parts.append(body[end : match.start()].encode())
        end = match.end()
        plain, byte, octal, *_ = match.groups()
        if plain:
            parts.append(_PLAIN_ESCAPES.get(plain, plain).encode())
        elif byte or octal:
            parts.append(bytes([int(byte, 16) if byte else int(octal, 8)]))
        else:
            raise _bad_escape(match[0], at)
    parts.append(body[end:].encode())
    return b"".join(parts)


def _bad_escape(escape: str, at: Place) -> ExpressionFault:
    return ExpressionFault(f"{quoted(escape)} in a text is not known: a backslash is written \\\\", *at)
