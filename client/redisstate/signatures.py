"""What a worker's function wants, by its signature: the JSON that a machine gives becomes its arguments, or an error
that says what is wrong and where.

Parameters are the members of the input, by name, as if it was called with ``**input``. One that is positional-only
(``def book(trip, /)``) is the whole input. One of the type OutboxEntry, or without a type and of the name ``entry`` or
``effect``, is the entry itself.
"""

from __future__ import annotations

import dataclasses
import difflib
import enum
import inspect
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from .tasks import OutboxEntry

Convert = Callable[[Any], Any]
Arguments = tuple[tuple[Any, ...], dict[str, Any]]

ENTRY_NAMES = ("entry", "effect")
JSON_TYPES = "int, float, str, bool, None, list, tuple, dict, Literal, Enum, dataclass, TypedDict, Any, unions of these"


class ArgumentError(TypeError):
    """What the machine gives is not what the function wants."""


class _Wrong(Exception):
    """A value that does not fit. ``path`` grows from the inside."""

    def __init__(self, fault: str, path: str = "") -> None:
        super().__init__(fault)
        self.fault = fault
        self.path = path

    def inside(self, step: str) -> _Wrong:
        return _Wrong(self.fault, step + self.path)


def shown(value: Any) -> str:
    """A value of JSON, in words for a message."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the string {value if len(value) <= 40 else value[:40] + '…'!r}"
    return "a list" if isinstance(value, list) else "an object"


def _expected(what: str, value: Any) -> _Wrong:
    return _Wrong(f"expected {what}, got {shown(value)}")


def near(name: str, known: Collection[str]) -> str:
    """A hint, where a name is nearly one that is known."""
    found = difflib.get_close_matches(name, known, 1)
    return f" (did you mean {found[0]!r}?)" if found else ""


# ---- from a type to a function that checks and converts ----


def _integer(value: Any) -> int:
    if type(value) is int:
        return value
    if type(value) is float and value.is_integer():  # CEL's doubles
        return int(value)
    raise _expected("an integer", value)


def _number(value: Any) -> float:
    if type(value) is float or type(value) is int:
        return float(value)
    raise _expected("a number", value)


def _string(value: Any) -> str:
    if type(value) is str:
        return value
    raise _expected("a string", value)


def _boolean(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise _expected("true or false", value)


def _null(value: Any) -> None:
    if value is not None:
        raise _expected("null", value)


def _anything(value: Any) -> Any:
    return value


_SIMPLE: dict[Any, Convert] = {
    int: _integer,
    float: _number,
    str: _string,
    bool: _boolean,
    None: _null,
    type(None): _null,
    Any: _anything,
    object: _anything,
    inspect.Parameter.empty: _anything,
}


def _list(convert: Convert, make: Callable[[Any], Any] = list) -> Convert:
    def converted(value: Any) -> Any:
        if type(value) is not list:
            raise _expected("a list", value)
        found = []
        for index, item in enumerate(value):
            try:
                found.append(convert(item))
            except _Wrong as wrong:
                raise wrong.inside(f"[{index}]") from None
        return make(found)

    return converted


def _dict(convert: Convert) -> Convert:
    def converted(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise _expected("an object", value)
        return members(value, dict.fromkeys(value, convert), ())

    return converted


def members(
    given: dict[str, Any], wanted: Mapping[str, Convert], required: Collection[str], rest: Convert | None = None
) -> dict[str, Any]:
    """The members of an object, converted. ``rest`` is for those that are not wanted; without it they are wrong."""
    found = {}
    for name, value in given.items():
        convert = wanted.get(name, rest)
        if convert is None:
            raise _Wrong(f"takes no {name!r}{near(name, wanted.keys() - given.keys())}")
        try:
            found[name] = convert(value)
        except _Wrong as wrong:
            raise wrong.inside(f".{name}") from None
    for name in required:
        if name not in found:
            raise _Wrong(f"{name!r} is missing")
    return found


def _union(choices: Sequence[Convert]) -> Convert:
    def converted(value: Any) -> Any:
        faults = []
        for convert in choices:
            try:
                return convert(value)
            except _Wrong as wrong:
                faults.append(wrong)
        if len({wrong.path for wrong in faults}) == 1 and all(" expected " in f" {wrong.fault}" for wrong in faults):
            wanted = [wrong.fault.removeprefix("expected ").rpartition(", got ")[0] for wrong in faults]
            raise _Wrong(f"expected {' or '.join(wanted)}, got {shown(value)}", faults[0].path)
        raise max(faults, key=lambda wrong: len(wrong.path))

    return converted


def _literal(choices: tuple[Any, ...]) -> Convert:
    names = " or ".join(map(repr, choices))

    def converted(value: Any) -> Any:
        for choice in choices:
            if value == choice and type(value) is type(choice):
                return choice
        raise _expected(names, value)

    return converted


def _enum(kind: type[enum.Enum]) -> Convert:
    literal = _literal(tuple(one.value for one in kind))
    return lambda value: kind(literal(value))


def _object(kind: Any, known: dict[Any, Convert]) -> Convert:
    """A dataclass, or a TypedDict, which may have other members as well."""
    wanted: dict[str, Convert] = {}
    required: set[str] = set()
    rest = None if dataclasses.is_dataclass(kind) else _anything

    def converted(value: Any) -> Any:
        if type(value) is not dict:
            raise _expected("an object", value)
        return kind(**members(value, wanted, required, rest))

    known[kind] = converted  # before its members: one may be of the same type
    hints = typing.get_type_hints(kind, include_extras=True)
    if dataclasses.is_dataclass(kind):
        for field in dataclasses.fields(kind):
            if field.init:
                wanted[field.name] = converter(hints[field.name], known)
                if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                    required.add(field.name)
        return converted
    for name, hint in hints.items():
        wanted[name] = converter(hint, known)
        origin = typing.get_origin(hint)  # which __required_keys__ does not know where annotations are text
        if origin is typing.Required or (origin is not typing.NotRequired and name in kind.__required_keys__):
            required.add(name)
    return converted


def converter(annotation: Any, known: dict[Any, Convert]) -> Convert:
    """What checks and converts a value of JSON. Raises TypeError for a type that no JSON has."""
    if isinstance(annotation, typing.NewType):
        return converter(annotation.__supertype__, known)
    try:
        if annotation in _SIMPLE:
            return _SIMPLE[annotation]
        if annotation in known:
            return known[annotation]
    except TypeError:  # it has no hash
        raise TypeError(f"{annotation!r} is not a type") from None
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Annotated, typing.Required, typing.NotRequired):
        return converter(inner[0], known)
    if origin in (typing.Union, types.UnionType):
        return _union([converter(one, known) for one in inner])
    if origin is typing.Literal:
        return _literal(inner)
    kind = origin or annotation
    if kind in (list, Sequence):
        return _list(converter(inner[0], known) if inner else _anything)
    if kind is tuple and (not inner or inner[1:] == (...,)):
        return _list(converter(inner[0], known) if inner else _anything, tuple)
    if kind in (dict, Mapping) and (not inner or inner[0] is str):
        return _dict(converter(inner[1], known) if inner else _anything)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _enum(kind)
    if typing.is_typeddict(kind) or (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        return _object(kind, known)
    name = repr(annotation) if origin else getattr(annotation, "__name__", repr(annotation))
    raise TypeError(f"{name} is not a type that JSON has ({JSON_TYPES})")


# ---- the signature of a function ----


class Signature:
    """What ``function`` takes. Raises TypeError where no input could be given to it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.name = getattr(function, "__name__", type(function).__name__)
        self._whole: tuple[str, Convert] | None = None
        self._entry: list[str] = []
        self._wanted: dict[str, Convert] = {}
        self._required: list[str] = []
        self._rest: Convert | None = None
        known: dict[Any, Convert] = {}
        try:
            parameters = inspect.signature(function, eval_str=True).parameters.values()
        except (NameError, SyntaxError, ValueError) as error:
            raise TypeError(f"{self.name}(): its signature cannot be read: {error}") from error
        for parameter in parameters:
            try:
                self._add(parameter, known)
            except TypeError as error:
                raise TypeError(f"{self.name}(): parameter {parameter.name!r}: {error}") from None

    def _add(self, parameter: inspect.Parameter, known: dict[Any, Convert]) -> None:
        annotation = parameter.annotation
        untyped = annotation is parameter.empty
        if annotation is OutboxEntry or (untyped and parameter.name in ENTRY_NAMES):
            if parameter.kind is parameter.POSITIONAL_ONLY:
                raise TypeError("the entry is given by name; leave out the '/' behind it")
            self._entry.append(parameter.name)
            return
        if parameter.kind is parameter.VAR_POSITIONAL:
            raise TypeError("members of an input have names; take **rest")
        convert = converter(annotation, known)
        if parameter.kind is parameter.POSITIONAL_ONLY:
            if self._whole is not None:
                raise TypeError("only one positional-only parameter can be the whole input")
            self._whole = parameter.name, convert
        elif parameter.kind is parameter.VAR_KEYWORD:
            self._rest = convert
        else:
            self._wanted[parameter.name] = convert
            if parameter.default is parameter.empty:
                self._required.append(parameter.name)
        if self._whole is not None and (self._wanted or self._rest):
            raise TypeError("a function takes the whole input (positional-only), or members of it by name, not both")

    def arguments(self, value: Any, entry: OutboxEntry) -> Arguments:
        """The arguments for an input, or for an effect's params. Raises ArgumentError."""
        whole: tuple[Any, ...] = ()
        named: dict[str, Any]
        try:
            if self._whole is not None:
                name, convert = self._whole
                try:
                    whole, named = (convert(value),), {}
                except _Wrong as wrong:
                    raise wrong.inside(f".{name}") from None
            elif not self._wanted and self._rest is None and self._entry:
                named = {}  # it looks into the entry itself
            else:
                named = self._members(value)
        except _Wrong as wrong:
            place = f"{wrong.path.removeprefix('.')}: " if wrong.path else ""
            raise ArgumentError(f"{self.name}(): {place}{wrong.fault}") from None
        for name in self._entry:
            named[name] = entry
        return whole, named

    def _members(self, value: Any) -> dict[str, Any]:
        if type(value) is dict:
            return members(value, self._wanted, self._required, self._rest)
        if value is None:
            return members({}, self._wanted, self._required)
        names = ", ".join(map(repr, self._wanted)) or "no parameter"
        hint = f"; `def {self.name}({next(iter(self._wanted), 'value')}, /)` would take it whole"
        raise _Wrong(f"expected an object with members for {names}, got {shown(value)}{hint}")
