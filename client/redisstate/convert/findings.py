"""What a conversion has to say: each finding with its place in the source."""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["error", "warning", "note"]


class Place(NamedTuple):
    """Where something stands in the source: a path as of JSON (``$.states.a``) or of XML (``/scxml/state[1]``)."""

    path: str
    line: int = 0
    """Counted from 1; 0 where it is not known, as in JSON."""
    xml: bool = False

    def at(self, name: str) -> Place:
        """An attribute of an XML element, a member of a JSON object."""
        if self.xml:
            return self._replace(path=f"{self.path}/@{name}")
        return self._replace(path=member(self.path, name))

    def item(self, index: int) -> Place:
        return self._replace(path=f"{self.path}[{index}]")


class Finding(NamedTuple):
    """``error``: what the result lacks. ``warning``: what it does otherwise. ``note``: what was decided."""

    severity: Severity
    path: str
    message: str
    line: int = 0

    def __str__(self) -> str:
        where = f"{self.path} (line {self.line})" if self.line else self.path
        return f"{self.severity}: {where}: {self.message}"


class Findings:
    """Where findings go, each once."""

    def __init__(self) -> None:
        self.found: dict[Finding, None] = {}
        self.said: set[str] = set()

    def error(self, place: Place, message: str) -> None:
        self._add("error", place, message)

    def warning(self, place: Place, message: str) -> None:
        self._add("warning", place, message)

    def note(self, place: Place, message: str) -> None:
        self._add("note", place, message)

    def warning_once(self, place: Place, message: str) -> None:
        """A warning that would be the same in many places."""
        self._add_once("warning", place, message)

    def note_once(self, place: Place, message: str) -> None:
        """A note that would be the same in many places."""
        self._add_once("note", place, message)

    def _add_once(self, severity: Severity, place: Place, message: str) -> None:
        if message not in self.said:
            self.said.add(message)
            self._add(severity, place, message)

    def _add(self, severity: Severity, place: Place, message: str) -> None:
        self.found[Finding(severity, place.path, message, place.line)] = None


class ConversionError(ValueError):
    """The source cannot be read at all: it is not JSON, not XML, too large, or of no form that is known."""


def member(path: str, name: str) -> str:
    """The path of a member of a JSON object."""
    if name.isidentifier():
        return f"{path}.{name}"
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"{path}['{escaped}']"
