"""``convert``: machines of other libraries and of SCXML, to documents that SM.SET takes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from .. import convert as conversions
from . import files, output
from .failures import NO, Failure

DOCUMENT = click.Path(exists=True, dir_okay=False, allow_dash=True)
STYLES = {"error": output.BAD, "warning": output.ODD, "note": output.DIM}


@click.command()
@click.argument("file", type=DOCUMENT)
@click.option(
    "--from",
    "form",
    type=click.Choice(conversions.FORMS),
    help="What FILE is: SCXML, python-statemachine's JSON, pytransitions' dict (JSON or Python), or XState 4. "
    "Without it, what it looks like.",
)
@click.option("-o", "--output", "target", type=click.Path(dir_okay=False), help="The document; stdout without it.")
@click.option("--partial", is_flag=True, help="Writes the document also where something cannot be converted.")
@click.option("--exact-events", is_flag=True, help="SCXML: an event's name matches itself alone, not NAME.MORE too.")
@click.option("--auto-transitions", is_flag=True, help="pytransitions: the events to_STATE, from everywhere.")
@click.option("--separator", default="_", show_default=True, help="pytransitions: between the names of nested states.")
@click.option("--quiet", is_flag=True, help="No notes: errors and warnings alone.")
@click.option("--json", "as_json", is_flag=True, help="Prints the document and the findings as one JSON object.")
def convert(
    file: str,
    form: conversions.Form | None,
    target: str | None,
    partial: bool,
    exact_events: bool,
    auto_transitions: bool,
    separator: str,
    quiet: bool,
    as_json: bool,
) -> None:
    """Convert FILE to a document; - is stdin.

    What cannot be converted, and what will behave otherwise, is told on stderr, with its path. Where something cannot
    be, nothing is written, unless --partial says so, and the exit status is 1.
    """
    try:
        source = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        conversion = conversions.convert(
            source,
            form,
            exact_events=exact_events,
            auto_transitions=auto_transitions,
            separator=separator,
        )
    except OSError as error:
        raise Failure(f"{file}: {error.strerror}") from None
    except conversions.ConversionError as error:
        raise Failure(f"{'stdin' if file == '-' else file}: {error}") from None
    writes = partial or not conversion.errors
    if as_json:
        findings = [finding._asdict() for finding in conversion.findings]
        output.say_json({"form": conversion.form, "document": conversion.document, "findings": findings})
    else:
        tell(file, conversion, quiet)
    if writes:
        write(target, conversion, file, as_json)
    if conversion.errors:
        if not writes and not as_json:
            output.complain("nothing was written; --partial writes the rest")
        click.get_current_context().exit(NO)


def tell(file: str, conversion: conversions.Conversion, quiet: bool) -> None:
    """The findings, as compilers print them, to stderr."""
    err = output.console(stderr=True)
    name = "stdin" if file == "-" else file
    for finding in conversion.findings:
        if quiet and finding.severity == "note":
            continue
        place = f"{name}:{finding.line}: " if finding.line else f"{name}: "
        line: list[Any] = [place, (f"{finding.severity}: ", STYLES[finding.severity]), finding.message]
        err.print(output.assembled([*line, ("  " + finding.path, output.DIM)]))


def write(target: str | None, conversion: conversions.Conversion, source: str, as_json: bool) -> None:
    text = conversion.text() + "\n"
    if target is not None:
        files.write(target, text, source)
    elif not as_json:
        click.echo(text, nl=False)


def register(app: click.Group) -> None:
    app.add_command(convert)
