"""What is asked of a document, before there is a machine: whether it is right, and what it looks like.

The functions that begin with ``async_`` are for clients whose replies are awaited.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from . import arguments, errors, replies
from .arguments import DiagramKind, Document, Words
from .clients import AsyncClient, Client, keyless, know_nodes
from .replies import Finding

T = TypeVar("T")


def _ask(client: Client, words: Words, parse: Callable[[Any], T]) -> T:
    with errors.translated():
        return parse(client.execute_command(*words, **keyless(client)))


async def _async_ask(client: AsyncClient, words: Words, parse: Callable[[Any], T]) -> T:
    with errors.translated():
        await know_nodes(client)
        return parse(await client.execute_command(*words, **keyless(client)))


def check(client: Client, document: Document) -> list[Finding]:
    """What is wrong with a document, and what is odd: errors, for which ``set`` would refuse it, and warnings.

    >>> from redisstate import check
    >>> for finding in check(client, {"initial": "cart", "map": {"cart": ["placed"], "paid": []}}):
    ...     print(finding.severity, finding.path, finding.message)
    warning $.map.paid 'paid' cannot be reached from the initial state
    """
    return _ask(client, arguments.check(document), replies.findings)


def render(client: Client, document: Document, kind: DiagramKind = "mermaid") -> str:
    """The document as Mermaid's or Graphviz's text (``kind="dot"``). Raises InvalidDocument.

    >>> from redisstate import render
    >>> print(render(client, {"initial": "cart", "map": {"cart": ["placed"]}}).splitlines()[0])
    stateDiagram-v2
    """
    return _ask(client, arguments.render(document, kind), replies.text)


def template(client: Client) -> dict[str, Any]:
    """The document of a machine without states, for filling in.

    >>> from redisstate import template
    >>> template(client)
    {'current': '', 'map': {}, 'initial': ''}
    """
    return _ask(client, arguments.template(), replies.decoded)


async def async_check(client: AsyncClient, document: Document) -> list[Finding]:
    """As ``check``."""
    return await _async_ask(client, arguments.check(document), replies.findings)


async def async_render(client: AsyncClient, document: Document, kind: DiagramKind = "mermaid") -> str:
    """As ``render``."""
    return await _async_ask(client, arguments.render(document, kind), replies.text)


async def async_template(client: AsyncClient) -> dict[str, Any]:
    """As ``template``."""
    return await _async_ask(client, arguments.template(), replies.decoded)
