"""``types``: writes a Python module with the types of one chart."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .. import types as chart_types
from . import files
from .failures import Failure

DOCUMENT = click.Path(exists=True, dir_okay=False, allow_dash=True)


@click.command()
@click.argument("file", type=DOCUMENT)
@click.option("-o", "--output", "target", type=click.Path(dir_okay=False), help="The module; stdout without it.")
@click.option("--name", help="What the machine's class is called; the document's id without it.")
@click.option("--async", "asynchronous", is_flag=True, help="The class is an AsyncMachine.")
@click.option("--check", is_flag=True, help="Writes nothing; fails where the module is not what would be written.")
def types(file: str, target: str | None, name: str | None, asynchronous: bool, check: bool) -> None:
    """Write a module with the events, states and context of FILE, a chart; - is stdin.

    With its machine a misspelt event is an error of mypy or pyright.
    """
    if check and target is None:
        raise click.UsageError("--check compares with what -o names")
    source = None if file == "-" else Path(file).name
    try:
        document = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        text = chart_types.write(document, name=name, asynchronous=asynchronous, source=source)
    except OSError as error:
        raise Failure(f"{file}: {error.strerror}") from None
    except ValueError as error:
        raise Failure(f"{'stdin' if file == '-' else file}: {error}") from None
    if target is None:
        click.echo(text, nl=False)
        return
    if not check:
        files.write(target, text, file)
        return
    try:
        there = Path(target).read_bytes() if Path(target).exists() else None
    except OSError as error:
        raise Failure(f"{target}: {error.strerror}") from None
    if there != text.encode():
        raise Failure(f"{target} is not what {source or 'stdin'} gives: write it anew")


def register(app: click.Group) -> None:
    app.add_command(types)
