"""Looking at a machine without moving it: findings about a document, and pictures."""

from __future__ import annotations

from .chart import chart_view, check, draw, flat_view
from .definition import Definition
from .document import Limits, check_size, parse
from .errors import DocumentError
from .flat import FlatDefinition
from .statechart import ChartDefinition, machine_members

Finding = tuple[str, str, str]
"""``error`` or ``warning``, the place in the document, and what is found there."""


def check_document(text: bytes, limits: Limits) -> list[Finding]:
    """What SM.SET would refuse, or, where it would not, what is odd."""
    try:
        document = parse(text, limits)
        if "states" not in document or "map" in document:
            check_size(FlatDefinition(document, limits).canonical, limits)
            document = {name: document[name] for name in document if name != "states"}
        else:
            document = machine_members(document)
    except DocumentError as fault:
        return [("error", fault.path, fault.fault)]
    return check(document, limits)


def diagram(definition: Definition, configuration: bytes, form: str) -> str:
    """The machine as text for Mermaid or Graphviz, its active states marked. ``form``: ``MERMAID`` or ``DOT``."""
    if isinstance(definition, ChartDefinition):
        return draw(chart_view(definition.chart, definition.chart.decode(configuration)), form)
    return draw(flat_view(parse(definition.canonical, None), configuration.decode()), form)
