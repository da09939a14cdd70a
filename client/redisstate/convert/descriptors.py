"""Event descriptors of SCXML, to the keys of ``on``.

In SCXML ``a`` matches ``a`` and ``a.b``, the first transition of a state that matches is taken, and what the machine
tells itself has names like ``done.state.s``. Here ``a.*`` matches both, the most exact key is asked first, and those
events are ``xstate.done.state.s``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

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

    def meets(self, other: Descriptor) -> bool:
        """Is there an event that both match?"""
        return self.covers(other) or other.covers(self)


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


def candidates(transitions: Iterable[tuple[list[Descriptor], T]]) -> dict[str, list[T]]:
    """The transitions of each key, in the order in which they are to be asked.

    The server asks those of the most exact key first, then those of less exact ones. Where a less exact descriptor
    comes first in the source, its transition stands in the list of the more exact key too.
    """
    listed = [(descriptors, transition) for descriptors, transition in transitions]
    last: dict[str, tuple[int, Descriptor]] = {}
    for index, (descriptors, _) in enumerate(listed):
        for one in descriptors:
            last[one.key] = (index, one)
    found: dict[str, list[T]] = {}
    for key, (end, wanted) in last.items():
        found[key] = [
            transition
            for descriptors, transition in listed[: end + 1]
            if any(one.key == key or one.covers(wanted) for one in descriptors)
        ]
    return found
