#!/usr/bin/env python3
"""Builds build/redisstate.so and, beside it, build/redisstate/: the bundle of Python files that it needs.

    python build.py [--sanitize] [--output build]

The interpreter that runs this is the one that the module embeds: it needs headers, a shared libpython and cffi.
``--sanitize`` compiles the shim with AddressSanitizer and UndefinedBehaviorSanitizer.
"""

from __future__ import annotations

import argparse
import compileall
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent
SHIM = ROOT / "module" / "shim"
NAME = "redisstate"
OWN_FLAGS = ["-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wstrict-prototypes", "-Wvla"]
FLAGS = ["-std=gnu11", "-O2", "-g", "-fPIC", "-fvisibility=hidden", "-D_GNU_SOURCE"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer", "-O1"]

START = """
try:
    import module.boot
except BaseException:
    import sys
    import traceback
    from _redisstate import lib
    for line in traceback.format_exc().splitlines():
        text = line.encode("utf-8", "backslashreplace")
        lib.sm_log_failure(text, len(text))
"""


def fail(message: str) -> NoReturn:
    sys.exit(f"build: {message}")


# ---- what the interpreter offers ----


class Python:
    """The interpreter to embed: where its headers, library and standard library are."""

    def __init__(self) -> None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        if sys.version_info < (3, 11):  # noqa: UP036 (this file also runs where it is not installed)
            fail(f"Python {version} is too old; Python 3.11 or newer is needed")
        self.include = sysconfig.get_path("include")
        if not Path(self.include, "Python.h").exists():
            fail(f"Python.h is missing: install python{version}-dev")
        self.library = sysconfig.get_config_var("INSTSONAME")
        if not sysconfig.get_config_var("Py_ENABLE_SHARED"):
            fail(
                f"this Python {version} has no shared libpython: install libpython{version} and python{version}-dev, "
                "or use another interpreter (make PYTHON=...)"
            )
        folders = [sysconfig.get_config_var(name) for name in ("LIBDIR", "LIBPL")]
        multiarch = sysconfig.get_config_var("MULTIARCH")
        if multiarch:
            folders.append(f"{sysconfig.get_config_var('LIBDIR')}/{multiarch}")
        found = [folder for folder in folders if folder and Path(folder, self.library).exists()]
        if not found:
            fail(f"{self.library} is missing: install libpython{version}")
        self.folder = found[0]
        self.home = sys.base_prefix
        self.stdlib = sysconfig.get_path("stdlib")
        self.dynload = sysconfig.get_config_var("DESTSHARED")
        if importlib.util.find_spec("cffi") is None:
            fail("cffi is missing: pip install cffi, or install python3-cffi")

    def defines(self) -> list[str]:
        """What module/shim/python/interpreter.c has to know."""
        values = {"LIBRARY": self.library, "HOME": self.home, "STDLIB": self.stdlib, "DYNLOAD": self.dynload}
        return [f'-DSM_PYTHON_{name}="{value}"' for name, value in values.items()]


# ---- commands.json to C ----

MODULE_FLAGS = {"WRITE": "write", "READONLY": "readonly", "DENYOOM": "deny-oom", "FAST": "fast", "ADMIN": "admin"}


def c_string(text: str | None) -> str:
    return "NULL" if text is None else json.dumps(text)


def number(version: str) -> int:
    """``2.1.3`` as the number 20103."""
    major, minor, patch = map(int, version.split("."))
    return major * 10_000 + minor * 100 + patch


def c_flags(prefix: str, flags: list[str]) -> str:
    return " | ".join(f"{prefix}{flag}" for flag in flags) or "0"


def acl_categories(command: dict[str, Any]) -> list[str]:
    """The categories of a command but for the module's own, with those that the server's own get from flags."""
    flags = command["command_flags"]
    implied = [
        *(["write"] if "WRITE" in flags else []),
        *(["read"] if "READONLY" in flags else []),
        "fast" if "FAST" in flags else "slow",
    ]
    return implied + [name.lower() for name in command["acl_categories"] if name != "STATEMACHINE"]


class CommandTable:
    """Writes the table of commands as C: what COMMAND INFO, DOCS and GETKEYS answer comes from here."""

    def __init__(self, commands: dict[str, Any], version: str) -> None:
        self.commands = commands
        self.version = version
        self.lines: list[str] = []
        self.serial = 0

    def arguments(self, arguments: list[dict[str, Any]] | None) -> str:
        """Writes an array of arguments, innermost first, and gives its name."""
        if not arguments:
            return "NULL"
        rows = [self.argument(argument) for argument in arguments]
        self.serial += 1
        name = f"arguments_{self.serial}"
        self.lines += [f"static RedisModuleCommandArg {name}[] = {{", *rows, "    {.name = NULL},", "};"]
        return name

    def argument(self, argument: dict[str, Any]) -> str:
        kind = "REDISMODULE_ARG_TYPE_" + argument["type"].upper().replace("-", "_")
        flags = [word.upper() for word in ("optional", "multiple") if argument.get(word)] or ["NONE"]
        return (
            f"    {{.name = {c_string(argument['name'])}, .type = {kind}, "
            f".key_spec_index = {argument.get('key_spec_index', -1)}, .token = {c_string(argument.get('token'))}, "
            f".summary = {c_string(argument.get('summary'))}, .since = {c_string(argument.get('since'))}, "
            f".flags = {c_flags('REDISMODULE_CMD_ARG_', flags)}, "
            f".subargs = {self.arguments(argument.get('arguments'))}}},"
        )

    def key_specs(self, specs: list[dict[str, Any]] | None) -> str:
        if not specs:
            return "NULL"
        self.serial += 1
        name = f"key_specs_{self.serial}"
        self.lines.append(f"static RedisModuleCommandKeySpec {name}[] = {{")
        for spec in specs:
            reach = spec["find_keys"]["range"]
            self.lines.append(
                f"    {{.flags = {c_flags('REDISMODULE_CMD_KEY_', spec['flags'])}, "
                f".begin_search_type = REDISMODULE_KSPEC_BS_INDEX, "
                f".bs.index = {{{spec['begin_search']['index']['pos']}}}, "
                f".find_keys_type = REDISMODULE_KSPEC_FK_RANGE, "
                f".fk.range = {{{reach['lastkey']}, {reach['step']}, {reach['limit']}}}}},"
            )
        self.lines += ["    {.begin_search_type = REDISMODULE_KSPEC_BS_INVALID},", "};"]
        return name

    def write(self, folder: Path) -> None:
        rows = []
        for name, command in self.commands.items():
            arguments = self.arguments(command.get("arguments"))
            specs = self.key_specs(command.get("key_specs"))
            info = "info_" + name.lower().replace(".", "_")
            self.lines += [
                f"static const RedisModuleCommandInfo {info} = {{",
                f"    .version = &info_version, .summary = {c_string(command['summary'])},",
                f"    .complexity = {c_string(command['complexity'])}, .since = {c_string(command['since'])},",
                f"    .arity = {command['arity']}, .key_specs = {specs}, .args = {arguments},",
                "};",
            ]
            flags = " ".join(MODULE_FLAGS[flag] for flag in command["command_flags"])
            categories = " ".join(acl_categories(command))
            rows.append(
                f"    {{{c_string(name)}, {command['function']}, {c_string(flags)}, {c_string(categories)}, "
                f"{int('key_specs' in command)}, &{info}}},"
            )
        functions = sorted({command["function"] for command in self.commands.values()})
        header = [f"int {function}(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);" for function in functions]
        (folder / "command_functions.h").write_text("\n".join(["#pragma once", '#include "redis_api.h"', *header, ""]))
        source = [
            "/* Written by build.py from commands.json. */",
            '#include "command_functions.h"',
            '#include "commands/register.h"',
            '#include "version.h"',
            "static const RedisModuleCommandInfoVersion info_version = {",
            "    1, sizeof(RedisModuleCommandHistoryEntry), sizeof(RedisModuleCommandKeySpec),",
            "    sizeof(RedisModuleCommandArg),",
            "};",
            *self.lines,
            "const sm_command sm_commands[] = {",
            *rows,
            "};",
            "const size_t sm_commands_count = sizeof(sm_commands) / sizeof(*sm_commands);",
            f"const char *const sm_version = {c_string(self.version)};",
            f"const int sm_version_number = {number(self.version)};",
            "",
        ]
        (folder / "command_table.c").write_text("\n".join(source))


# ---- the shim ----


def declarations(header: str) -> str:
    """A header as cffi reads it: without the preprocessor's lines."""
    return "\n".join(line for line in (SHIM / header).read_text().splitlines() if not line.startswith("#"))


def write_boundary(path: Path) -> None:
    """The C that cffi makes: the functions of python/exports.h, which start and call Python."""
    from cffi import FFI

    builder = FFI()
    builder.cdef(declarations("bytes.h") + declarations("python/boundary.h"))
    builder.embedding_api(declarations("python/exports.h"))
    builder.embedding_init_code(START)
    builder.set_source(f"_{NAME}", '#include "python/boundary.h"')
    builder.emit_c_code(str(path))


def run(*command: str) -> None:
    try:
        subprocess.run(command, check=True)
    except FileNotFoundError:
        fail(f"{command[0]} is missing: install gcc")
    except subprocess.CalledProcessError:
        fail("failed: " + shlex.join(command))


def compile_shim(python: Python, output: Path, sanitize: bool) -> None:
    objects = output / "obj"
    objects.mkdir(parents=True, exist_ok=True)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    CommandTable(json.loads((ROOT / "commands.json").read_text()), version).write(objects)
    write_boundary(objects / "boundary.c")

    compiler = shlex.split(os.environ.get("CC", "cc"))
    extra = SANITIZE if sanitize else []
    includes = [f"-I{SHIM}", f"-I{objects}", f"-I{python.include}"]
    sources = [*sorted(SHIM.rglob("*.c")), objects / "command_table.c", objects / "boundary.c"]
    compiled = []
    for source in sources:
        own = [] if source.name == "boundary.c" else OWN_FLAGS
        defines = python.defines() if source.name == "interpreter.c" else []
        place = source.relative_to(SHIM) if source.is_relative_to(SHIM) else Path(source.name)
        target = objects / ("_".join(place.parts) + ".o")
        compiled.append(str(target))
        run(*compiler, *FLAGS, *own, *extra, *includes, *defines, "-c", str(source), "-o", str(target))

    run(
        *compiler,
        "-shared",
        *extra,
        *compiled,
        f"-L{python.folder}",
        f"-l:{python.library}",
        f"-Wl,-rpath,{python.folder}",
        "-Wl,-z,nodelete,-z,relro,-z,now,-z,defs" if not sanitize else "-Wl,-z,nodelete",
        "-lpthread",
        "-ldl",
        "-o",
        str(output / f"{NAME}.so.new"),
    )
    (output / f"{NAME}.so.new").replace(output / f"{NAME}.so")


# ---- the bundle ----


def copy_bundle(output: Path) -> None:
    """The Python files and cffi's backend, which is an extension module and may bring its libffi in cffi.libs."""
    bundle = output / NAME
    shutil.rmtree(bundle, ignore_errors=True)
    bundle.mkdir(parents=True)
    for package in ("sm_core", "module"):
        shutil.copytree(
            ROOT / package, bundle / package, ignore=shutil.ignore_patterns("shim", "stubs", "__pycache__", "*.pyc")
        )
    # The server never writes bytecode, so without this each start compiles every file. By the source's hash, not its
    # time: a file that is changed or damaged afterwards is seen.
    if not compileall.compile_dir(
        bundle, quiet=1, stripdir=str(output), invalidation_mode=PycInvalidationMode.CHECKED_HASH
    ):
        fail(f"cannot compile the files in {bundle}")
    backend = importlib.util.find_spec("_cffi_backend")
    if backend is None or backend.origin is None:
        fail("cffi's backend (_cffi_backend) is missing: pip install cffi, or install python3-cffi-backend")
    shutil.copy(backend.origin, bundle)
    libraries = Path(backend.origin).parent / "cffi.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, bundle / "cffi.libs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sanitize", action="store_true", help="with AddressSanitizer and UBSan")
    parser.add_argument("--output", type=Path, default=ROOT / "build", help="the folder to build in")
    options = parser.parse_args()
    python = Python()
    compile_shim(python, options.output.resolve(), options.sanitize)
    copy_bundle(options.output.resolve())
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"build: {options.output / NAME}.so embeds Python {version} ({python.folder}/{python.library})")


if __name__ == "__main__":
    main()
