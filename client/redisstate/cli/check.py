"""``check``: what the server finds in documents, at the line and column of each finding."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from .. import errors, replies
from ..replies import Finding
from . import output, places
from .connection import Server, server_of, url_option
from .failures import NO, Failure

DOCUMENT = click.Path(exists=True, dir_okay=False, allow_dash=True)
"""The path of a document; ``-`` is stdin."""
STYLES = {"error": output.BAD, "warning": output.ODD}


def read(path: str) -> bytes:
    """The text of a document; ``-`` is stdin."""
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from None


def name(path: str) -> str:
    return "stdin" if path == "-" else path


def line(path: str, document: bytes, found: Finding) -> output.Line:
    """A finding as compilers print it, so that editors and CI find the place."""
    row, column = places.place(document, found.path, found.message)
    severity, style = found.severity, STYLES.get(found.severity, "")
    return [f"{name(path)}:{row}:{column}: ", (f"{severity}: ", style), found.message, ("  " + found.path, output.DIM)]


def refused(path: str, document: bytes, error: errors.InvalidDocument) -> Failure:
    """What a command says of a document that the server does not take."""
    row, column = places.place(document, error.path, error.fault)
    return Failure(f"{name(path)}:{row}:{column}: {error.fault}  {error.path}")


@click.command()
@click.argument("files", type=DOCUMENT, nargs=-1, required=True, metavar="FILE...")
@click.option("--strict", is_flag=True, help="Warnings fail, too.")
@output.json_option
@url_option
@server_of
def check(server: Server, files: tuple[str, ...], strict: bool, as_json: bool) -> None:
    """Ask the server what is wrong or odd in documents. Nothing is stored.

    The exit status is 1 where there are errors, so that CI stops.
    """
    node = server.node()
    found: list[tuple[str, bytes, Finding]] = []
    for path in files:
        document = read(path)
        with errors.translated():
            reply = node.execute_command("SM.CHECK", document)
        found += [(path, document, finding) for finding in replies.findings(reply)]
    if as_json:
        output.say_json([_as_dict(*one) for one in found])
    else:
        output.say(*[line(*one) for one in found])
        output.remark(_summary(len(files), [finding.severity for _, _, finding in found]))
    if any(strict or finding.severity == "error" for _, _, finding in found):
        click.get_current_context().exit(NO)


def _as_dict(path: str, document: bytes, found: Finding) -> dict[str, Any]:
    row, column = places.place(document, found.path, found.message)
    return {"file": name(path), "line": row, "column": column, **found._asdict()}


def _summary(files: int, severities: Iterable[str]) -> str:
    listed = list(severities)
    counts = [(files, "document"), (listed.count("error"), "error"), (listed.count("warning"), "warning")]
    return ", ".join(output.counted(number, word) for number, word in counts)


def register(app: click.Group) -> None:
    app.add_command(check)
