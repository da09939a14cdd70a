"""Event descriptors of SCXML, to the keys of ``on``.

In SCXML ``a`` matches ``a`` and ``a.b``, the first transition of a state that matches is taken, and what the machine
tells itself has names like ``done.state.s``. Here ``a.*`` matches both, the most exact key is asked first, and those
events are ``xstate.done.state.s``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from .findings import ConversionError

T = TypeVar("T")

DONE_STATE = "xstate.done.state."
DONE_TASK = "xstate.done.actor."
FAILED_TASK = "xstate.error.actor."
PLATFORM = ("error.execution", "error.communication", "error.platform")


class Descriptor(NamedTuple):
    """One key of ``on``, and what it matches in the words of SCXML: a name and, with ``prefix``, all that go on behind
    it with a dot."""

    key: str
    name: str
    prefix: bool

    def covers(self, other: Descriptor) -> bool:
        """Does it match all that ``other`` matches?"""
        if self.name == "*" or self.name == other.name:
            return True
        return self.prefix and other.name.startswith(self.name + ".")


class Naming(NamedTuple):
    """What descriptors depend on."""

    exact: bool
    """A name without ``.*`` matches only itself."""
    tasks: bool
    """There are tasks, which may fail."""
    identity: Callable[[str], str | None]
    """The id of a state in our document, where there is one of that name."""

    def descriptors(self, written: str) -> list[Descriptor]:
        """The keys for one descriptor as it is written."""
        name = written.removesuffix(".*").removesuffix(".")
        if name in ("*", ""):
            return [Descriptor("*", "*", True)]
        found = []
        if name in ("done", "done.state"):
            found.append(Descriptor(f"{DONE_STATE}*", "done.state", True))
        if name in ("done", "done.invoke"):
            found.append(Descriptor(f"{DONE_TASK}*", "done.invoke", True))
        if name.startswith("done.state."):
            said = name.removeprefix("done.state.")
            found.append(Descriptor(DONE_STATE + (self.identity(said) or said), name, False))
        elif name.startswith("done.invoke."):
            found.append(Descriptor(DONE_TASK + name.removeprefix("done.invoke."), name, False))
        elif name not in ("done.state", "done.invoke"):
            prefix = not self.exact or written != name or name in ("error", "done")
            found.append(Descriptor(f"{name}.*" if prefix else name, name, prefix))
        if self.tasks and name in ("error", "error.communication", "error.platform"):
            found.append(Descriptor(f"{FAILED_TASK}*", "error.communication", True))
        return found


MOST = 100_000
"""Transitions of a document that is written, those counted again that stand in several lists."""


class Index(Generic[T]):
    """Items by their descriptors: which of them match what another descriptor matches."""

    def __init__(self, items: Iterable[tuple[Descriptor, T]]) -> None:
        self.by_name: dict[str, list[tuple[Descriptor, T]]] = {}
        for descriptor, item in items:
            self.by_name.setdefault(descriptor.name, []).append((descriptor, item))
        self.names = sorted(self.by_name)

    def covering(self, wanted: Descriptor) -> Iterator[tuple[Descriptor, T]]:
        """Those that match all that ``wanted`` matches."""
        names = [wanted.name, "*"] if wanted.name != "*" else ["*"]
        end = wanted.name.rfind(".")
        while end > 0:
            names.append(wanted.name[:end])
            end = wanted.name.rfind(".", 0, end)
        for name in names:
            for descriptor, item in self.by_name.get(name, ()):
                if descriptor.covers(wanted):
                    yield descriptor, item

    def meeting(self, wanted: Descriptor) -> T | None:
        """One that matches an event that ``wanted`` matches; None where there is none."""
        for _, item in self.covering(wanted):
            return item
        if wanted.name == "*":
            return self.by_name[self.names[0]][0][1] if self.names else None
        at = bisect_left(self.names, wanted.name + ".") if wanted.prefix else len(self.names)
        if at < len(self.names) and self.names[at].startswith(wanted.name + "."):
            return self.by_name[self.names[at]][0][1]
        return None


def candidates(transitions: Iterable[tuple[list[Descriptor], T]]) -> dict[str, list[T]]:
    """The transitions of each key, in the order in which they are to be asked.

    The server asks those of the most exact key first, then those of less exact ones. Where a less exact descriptor
    comes first in the source, its transition stands in the list of the more exact key too. Raises ConversionError
    where that makes too many.
    """
    listed = list(transitions)
    last: dict[str, tuple[int, Descriptor]] = {}
    for position, (descriptors, _) in enumerate(listed):
        for one in descriptors:
            last[one.key] = (position, one)
    index = Index((one, position) for position, (descriptors, _) in enumerate(listed) for one in descriptors)
    found: dict[str, list[T]] = {}
    left = MOST
    for key, (end, wanted) in last.items():
        positions = sorted({position for _, position in index.covering(wanted) if position <= end})
        left -= len(positions)
        if left < 0:
            raise ConversionError(f"as a document it has more than {MOST} transitions")
        found[key] = [listed[position][1] for position in positions]
    return found
