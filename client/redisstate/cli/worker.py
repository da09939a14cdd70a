"""``worker``: runs the worker of a Python module."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import logging
import sys
from typing import Any

import click

from . import output


@click.command()
@click.argument("name", metavar="MODULE:NAME")
@click.option("--drain", is_flag=True, help="Do what is there and what comes of it, and end.")
@click.option("-q", "--quiet", is_flag=True, help="Log warnings and errors alone.")
@click.option("-v", "--verbose", is_flag=True, help="Log everything.")
def worker(name: str, drain: bool, quiet: bool, verbose: bool) -> None:
    """Run the Worker or AsyncWorker called NAME in MODULE, until SIGTERM or Ctrl-C.

    The module is looked for in the current folder, too. Without ":NAME" it is "worker". What runs is finished before
    the end. The worker's own client says which server it is.
    """
    found = _load(name)
    level = logging.WARNING if quiet else logging.DEBUG if verbose else logging.INFO
    logging.basicConfig(level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    result = (found.drain if drain else found.run)()
    if inspect.isawaitable(result):
        asyncio.run(_awaited(result))
    counters = getattr(found, "counters", None)
    if counters is not None:
        output.remark(_told(counters))


async def _awaited(result: Any) -> None:
    await result


def _told(counters: Any) -> str:
    values = counters if isinstance(counters, dict) else vars(counters)
    return ", ".join(f"{value} {name}" for name, value in values.items()) or "nothing was done"


def _load(name: str) -> Any:
    """The worker; a fault in its module is that module's, and is raised as it is."""
    module_name, _, attribute = name.partition(":")
    attribute = attribute or "worker"
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not (module_name == error.name or module_name.startswith(error.name + ".")):
            raise
        raise click.UsageError(f"there is no module {error.name} here or in sys.path") from None
    except (ValueError, TypeError):
        raise click.UsageError(f"'{name}' is no MODULE:NAME") from None
    found = getattr(module, attribute, None)
    if found is None:
        there = sorted(one for one, value in vars(module).items() if callable(getattr(value, "drain", None)))
        hint = f"; it has {', '.join(there)}" if there else ""
        raise click.UsageError(f"the module {module_name} has no {attribute}{hint}")
    if not (callable(getattr(found, "run", None)) and callable(getattr(found, "drain", None))):
        raise click.UsageError(f"{name} is no Worker, but a {type(found).__name__}")
    return found


def register(app: click.Group) -> None:
    app.add_command(worker)
