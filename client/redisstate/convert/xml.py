"""Reading XML that may come from anywhere: no document type, no entities, bounds on size and depth, lines kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from .findings import ConversionError, Place

DEEPEST = 100
"""Elements inside one another."""
MOST = 10_000
"""Elements of a document."""


_LONGEST = 128
"""Characters of a path's beginning and of its end that are kept: each element holds its own, and findings do."""


def _shortened(path: str) -> str:
    return path if len(path) <= 2 * _LONGEST + 5 else f"{path[:_LONGEST]} ... {path[-_LONGEST:]}"


@dataclass(eq=False)
class Element:
    namespace: str
    name: str
    attributes: dict[str, str]
    """Those of a namespace are called ``{namespace}name``."""
    line: int
    path: str
    text: list[str] = field(default_factory=list)
    children: list[Element] = field(default_factory=list)

    @property
    def place(self) -> Place:
        return Place(self.path, self.line, True)

    @property
    def content(self) -> str:
        """The text directly in it."""
        return "".join(self.text).strip()

    def named(self, name: str) -> Iterator[Element]:
        """Its children of that name, in its own namespace."""
        return (child for child in self.children if child.name == name and child.namespace == self.namespace)


class _Reader:
    def __init__(self) -> None:
        self.root: Element | None = None
        self.open: list[Element] = []
        self.counts: list[dict[str, int]] = [{}]
        self.elements = 0
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.StartDoctypeDeclHandler = self.refuse
        self.parser.EntityDeclHandler = self.refuse

    def refuse(self, *_: object) -> NoReturn:
        raise ConversionError(f"line {self.parser.CurrentLineNumber}: a document type is not read, nor are entities")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition("}")
        line = self.parser.CurrentLineNumber
        self.elements += 1
        if len(self.open) == DEEPEST or self.elements > MOST:
            bound = f"nested deeper than {DEEPEST} elements" if self.elements <= MOST else f"more than {MOST} elements"
            raise ConversionError(f"line {line}: {bound}")
        counts = self.counts[-1]
        counts[name] = counts.get(name, 0) + 1
        step = f"{name}[@id='{attributes['id']}']" if "id" in attributes else f"{name}[{counts[name]}]"
        path = _shortened(f"{self.open[-1].path}/{step}" if self.open else f"/{name}")
        written = {("{" + key if "}" in key else key): value for key, value in attributes.items()}
        element = Element(namespace, name, written, line, path)
        if self.open:
            self.open[-1].children.append(element)
        else:
            self.root = element
        self.open.append(element)
        self.counts.append({})

    def end(self, _: str) -> None:
        self.open.pop()
        self.counts.pop()

    def characters(self, text: str) -> None:
        self.open[-1].text.append(text)


def read(document: bytes) -> Element:
    """The root element. Raises ConversionError."""
    reader = _Reader()
    try:
        reader.parser.Parse(document, True)
    except ConversionError:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: an encoding that is not known
        raise ConversionError(f"not well-formed XML: {error}") from None
    finally:
        root, parser = reader.root, reader.parser
        parser.StartElementHandler = parser.EndElementHandler = parser.CharacterDataHandler = None
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = None
    assert root is not None
    return root
