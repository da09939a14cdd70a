"""A configuration as bytes: what is stored beside the canonical document.

The format, which is persisted (a change needs a new encoding version of the data type). All numbers are
unsigned LEB128 (seven bits a byte, the least significant first, the high bit set on all but the last), in
their shortest form. States are their numbers in document order, the root 0.

    configuration = set, { history }        to the end of the bytes
    set           = count, first, { gap }   count states, ascending: the first, then number - previous - 1
    history       = state, set              ascending by the number of the history state

The first set holds the active atomic and final states; their ancestors are active with them. A history's set
holds what it will restore: for a shallow one the parent's active children, for a deep one the active atomic
and final states inside the parent. Equal configurations give equal bytes, and no other bytes give them.
"""

from __future__ import annotations

from ..errors import DocumentError
from .legal import check_active, check_history, with_ancestors
from .model import HISTORY, Configuration, Tables, ascending

PLACE = "configuration"


def encode(tables: Tables, configuration: Configuration) -> bytes:
    """The bytes of ``configuration``."""
    out = bytearray()
    _write_set(out, configuration.active & tables.leaves)
    for state, states in configuration.history:
        _write(out, state)
        _write_set(out, states)
    return bytes(out)


def _write(out: bytearray, number: int) -> None:
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def _write_set(out: bytearray, states: int) -> None:
    _write(out, states.bit_count())
    previous = -1
    for state in ascending(states):
        _write(out, state - previous - 1)
        previous = state


class _Reader:
    """Reads the numbers and sets of ``data``, refusing what ``encode`` does not write."""

    def __init__(self, tables: Tables, data: bytes) -> None:
        self.data = data
        self.place = 0
        self.states = len(tables.kinds)

    def number(self) -> int:
        number = shift = 0
        while True:
            if self.place == len(self.data):
                raise DocumentError(PLACE, "it ends too early")
            byte = self.data[self.place]
            self.place += 1
            number |= (byte & 0x7F) << shift
            if byte <= 0x7F:
                if byte == 0 and shift:
                    raise DocumentError(PLACE, f"a number before byte {self.place} is not in its shortest form")
                return number
            shift += 7
            if shift > 28:
                raise DocumentError(PLACE, f"a number before byte {self.place} is too large")

    def state(self, after: int) -> int:
        state = self.number() + after + 1
        if state >= self.states:
            raise DocumentError(PLACE, f"there is no state {state}")
        return state

    def set(self) -> int:
        states, previous = 0, -1
        count = self.number()
        if count > self.states:
            raise DocumentError(PLACE, f"a set of {count} states, and there are {self.states}")
        for _ in range(count):
            previous = self.state(previous)
            states |= 1 << previous
        return states


def decode(tables: Tables, data: bytes) -> Configuration:
    """The configuration that ``data`` says.

    Raises DocumentError for bytes that ``encode`` does not give for a legal configuration of this chart.
    """
    reader = _Reader(tables, data)
    leaves = reader.set()
    if leaves & ~tables.leaves:
        raise DocumentError(PLACE, "a state that has children, or a history state, is listed as atomic")
    active = with_ancestors(tables, leaves, 0)
    fault = check_active(tables, active)
    if fault:
        raise DocumentError(PLACE, fault)
    history: list[tuple[int, int]] = []
    while reader.place < len(data):
        state = reader.state(-1)
        if tables.kinds[state] != HISTORY or (history and state <= history[-1][0]):
            raise DocumentError(PLACE, f"state {state} is not the next history state")
        states = reader.set()
        fault = check_history(tables, state, states)
        if fault:
            raise DocumentError(PLACE, fault)
        history.append((state, states))
    return Configuration(active, tuple(history))
