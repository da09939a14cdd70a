"""``draw``: a machine or a document as a picture."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Literal

import click

from .. import arguments, errors, replies
from ..machine import Machine
from . import files, output
from .check import read, refused
from .connection import Server, server_of, url_option
from .failures import Failure

SUFFIXES = {".svg": "svg", ".dot": "dot", ".gv": "dot"}
"""The form that a file's name asks for; any other: Mermaid."""


@click.command()
@click.argument("what", metavar="KEY|FILE")
@click.option("--key", "as_key", is_flag=True, help="It is a key, although there is a file of that name.")
@click.option(
    "-f", "--format", "form", type=click.Choice(["mermaid", "dot", "svg"]), help="Else by OUT's name, else mermaid."
)
@click.option("-o", "--output", "out", metavar="OUT", type=click.Path(dir_okay=False), help="A file to write.")
@url_option
@server_of
def draw(server: Server, what: str, as_key: bool, form: str | None, out: str | None) -> None:
    """Draw a machine, or the document in a file.

    Of a machine the active states are marked. Mermaid and Graphviz's DOT come from the server; SVG needs Graphviz on
    this machine.
    """
    form = form or (SUFFIXES.get(Path(out).suffix.lower(), "mermaid") if out else "mermaid")
    graphviz = shutil.which("dot") if form == "svg" else None
    if form == "svg" and graphviz is None:
        raise Failure(
            "SVG is drawn by Graphviz, whose program dot is not there\n"
            "Install it (apt install graphviz, brew install graphviz), or take --format dot or mermaid",
        )
    text = _text(server, what, as_key, "mermaid" if form == "mermaid" else "dot")
    if graphviz:
        drawn = subprocess.run([graphviz, "-Tsvg"], input=text.encode(), capture_output=True, check=False)
        if drawn.returncode:
            raise Failure(f"dot failed: {drawn.stderr.decode(errors='replace').strip()}")
        text = drawn.stdout.decode()
    if out:
        files.write(out, text.rstrip("\n") + "\n", None if _is_key(what, as_key) else what)
    else:
        click.echo(text.rstrip("\n"))


def _is_key(what: str, as_key: bool) -> bool:
    return as_key or (what != "-" and not Path(what).is_file())


def _text(server: Server, what: str, as_key: bool, kind: Literal["mermaid", "dot"]) -> str:
    if _is_key(what, as_key):
        try:
            return Machine(server.client(), os.fsencode(what)).diagram(kind)
        except errors.NoSuchMachine:
            raise Failure(f"{output.shown(what)} is neither a file nor the key of a machine") from None
    document = read(what)
    node: Any = server.node()
    try:
        with errors.translated():
            return replies.text(node.execute_command(*arguments.render(document, kind)))
    except errors.InvalidDocument as error:
        raise refused(what, document, error) from None


def register(app: click.Group) -> None:
    app.add_command(draw)
