"""The functions that the shim calls (module/shim/python/exports.h declares them).

Each fills a verdict and returns its code. The shim copies what it is told: nothing is kept here for it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from itertools import count
from typing import Any

from _redisstate import ffi, lib

from sm_core import (
    THIRD_ARGUMENT,
    Definition,
    DocumentError,
    EngineError,
    Given,
    Limits,
    Machine,
    Outcome,
    check_document,
    compile_document,
    diagram,
    explain,
    render,
)

from . import replies

TAKEN: int = lib.SM_VERDICT_TAKEN
REFUSED: int = lib.SM_VERDICT_REFUSED
ERROR: int = lib.SM_VERDICT_ERROR
UNKNOWN_CURRENT: int = lib.SM_VERDICT_UNKNOWN_CURRENT
INTERNAL: int = lib.SM_VERDICT_INTERNAL

ready = False

_definitions: dict[int, Definition] = {}
_handles = count(1)
_limits = Limits()
_most = 0  # definitions at once, since memory was last given back
_FEW = 64  # definitions, whose memory is not worth the work

_unpack = ffi.unpack  # what cffi looks up by itself each time
_FORMS = {lib.SM_ASK_MERMAID: "MERMAID", lib.SM_ASK_DOT: "DOT"}
_tell_stand, _tell_reply = lib.sm_verdict_stand, lib.sm_verdict_reply


def _tell_error(verdict: Any, text: str) -> None:
    line = text.encode("utf-8", "backslashreplace")
    lib.sm_verdict_error(verdict, line, len(line))


def _log_failure(*failure: Any) -> None:
    import traceback

    for line in "".join(traceback.format_exception(*failure)).splitlines():
        text = line.encode("utf-8", "backslashreplace")
        lib.sm_log_failure(text, len(text))


def _answers(function: Callable[..., int]) -> Callable[..., int]:
    """What every function of the boundary does: no exception leaves, an error becomes its text."""

    def answer(*arguments: Any) -> int:
        try:
            return function(*arguments)
        except EngineError as error:
            _tell_error(arguments[-1], explain(error))
            return ERROR
        except BaseException as failure:
            _log_failure(type(failure), failure, failure.__traceback__)
            return INTERNAL

    answer.__name__ = function.__name__
    ffi.def_extern(error=INTERNAL, onerror=_log_failure)(answer)
    return answer


@ffi.def_extern(error=None, onerror=_log_failure)
def sm_python_set_limits(document_bytes: int, states: int, elements: int, nesting: int) -> None:
    global _limits
    _limits = Limits(document_bytes, states, nesting, elements)


@ffi.def_extern(error=0, onerror=_log_failure)
def sm_python_ready() -> int:
    return int(ready)


@_answers
def sm_python_compile(document: Any, length: int, accepted_before: int, verdict: Any) -> int:
    before = lib.sm_python_bytes()
    compiled = compile_document(_unpack(document, length), None if accepted_before else _limits)
    held = max(lib.sm_python_bytes() - before, 0)
    definition = compiled.definition
    handle = next(_handles)
    canonical = definition.canonical
    lib.sm_verdict_compiled(verdict, handle, held, canonical, len(canonical), definition.split, compiled.history)
    if compiled.reason is not None:
        reason = compiled.reason.encode()
        lib.sm_verdict_reason(verdict, reason, len(reason))
    machine = compiled.machine
    if machine is None:
        _tell_error(verdict, compiled.unknown_current or "")
    else:
        _stand(definition, machine.configuration, verdict)
    _definitions[handle] = definition  # last: where this fails, the shim learns no handle to give back
    return UNKNOWN_CURRENT if machine is None else TAKEN


@_answers
def sm_python_describe(handle: int, configuration: Any, length: int, accepted_before: int, verdict: Any) -> int:
    definition = _definitions[handle]
    _stand(definition, definition.admit(_unpack(configuration, length), strict=not accepted_before), verdict)
    return TAKEN


def _stand(definition: Definition, configuration: bytes, verdict: Any) -> None:
    head = definition.head(configuration)
    states = replies.array(definition.states(configuration))
    _tell_stand(verdict, configuration, len(configuration), head, len(head), states, len(states))


_WITH_ACTIONS: int = lib.SM_STEP_ACTIONS


@_answers
def sm_python_step(step: Any, verdict: Any) -> int:
    definition = _definitions[step.engine]
    kind = step.kind & ~_WITH_ACTIONS
    configuration = _unpack(step.configuration.ptr, step.configuration.len)
    try:
        argument = _unpack(step.argument.ptr, step.argument.len).decode()
    except UnicodeDecodeError as error:
        if kind == lib.SM_STEP_ENTER:
            raise DocumentError(THIRD_ARGUMENT, f"not UTF-8: byte {error.start}") from None
        return REFUSED
    outcome = _step(definition, kind, configuration, argument, None if step.accepted_before else _limits)
    if outcome is None:
        return REFUSED
    target = outcome.configuration
    _stand(definition, target, verdict)
    if outcome.ask_again:
        lib.sm_verdict_ask_again(verdict)
    if step.kind & _WITH_ACTIONS:
        names = [effect.name for effect in outcome.effects]
        reply = replies.arrays([replies.array(definition.states(target)), replies.array(names)])
        _tell_reply(verdict, reply, len(reply))
    return TAKEN


def _step(
    definition: Definition, kind: int, configuration: bytes, argument: str, limits: Limits | None
) -> Outcome | None:
    machine = Machine(configuration)
    given = Given()
    if kind == lib.SM_STEP_SEND:
        return definition.send(machine, argument, given)
    if kind == lib.SM_STEP_MUTATE:
        return definition.mutate(machine, argument, given)
    if kind == lib.SM_STEP_FORCE:
        return definition.force(machine, argument, given)
    if kind == lib.SM_STEP_RESET:
        return definition.start(given)
    return definition.enter(argument, machine if configuration else None, limits, given)


@_answers
def sm_python_ask(
    handle: int,
    kind: int,
    configuration: Any,
    configuration_length: int,
    argument: Any,
    argument_length: int,
    verdict: Any,
) -> int:
    where = _unpack(configuration, configuration_length)
    reply = _reply(_definitions[handle], kind, where, _unpack(argument, argument_length))
    _tell_reply(verdict, reply, len(reply))
    return TAKEN


def _reply(definition: Definition, kind: int, configuration: bytes, argument: bytes) -> bytes:
    if kind == lib.SM_ASK_LIST:
        return replies.array(definition.rows)
    if kind == lib.SM_ASK_ALL:
        return replies.array(definition.known)
    if kind == lib.SM_ASK_INITIAL:
        return replies.bulk(definition.initial)
    if kind == lib.SM_ASK_CURRENT:
        return replies.bulk(definition.current(configuration))
    if kind == lib.SM_ASK_NEXT:
        return replies.array(definition.next(Machine(configuration)))
    if kind == lib.SM_ASK_WHY_NOT:
        try:
            raise EngineError(definition.why_not(Machine(configuration), argument.decode(), Given()))
        except UnicodeDecodeError as error:
            raise EngineError(f"the event is not UTF-8: byte {error.start}") from None
    return replies.bulk(diagram(definition, configuration, _FORMS[kind]))


@_answers
def sm_python_look_at(kind: int, document: Any, length: int, verdict: Any) -> int:
    text = _unpack(document, length)
    if kind == lib.SM_ASK_CHECK:
        reply = replies.arrays([replies.array(finding) for finding in check_document(text, _limits)])
    else:
        reply = replies.bulk(render(text, _FORMS[kind], _limits))
    _tell_reply(verdict, reply, len(reply))
    return TAKEN


@ffi.def_extern(error=None, onerror=_log_failure)
def sm_python_forget(handle: int) -> None:
    global _most
    _most = max(_most, len(_definitions))
    _definitions.pop(handle, None)
    if _most > _FEW and len(_definitions) <= _most // 4:
        _give_back_memory()


def _give_back_memory() -> None:
    """Most definitions are gone: what a dict and Python's free lists keep would hold on to the memory of all.

    A full collection empties the free lists. Frozen before, all that there is is passed over: no pause.
    """
    global _definitions, _most
    _definitions = dict(_definitions)
    _most = len(_definitions)
    gc.freeze()
    gc.collect()
