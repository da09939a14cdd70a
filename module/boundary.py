"""The functions that the shim calls (module/shim/engine_api.h declares them).

Each fills a verdict and returns its code. The shim copies what it is told: nothing is kept here for it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from itertools import count
from typing import Any

from _redisstate import ffi, lib

from sm_core import (
    Definition,
    DocumentError,
    EngineError,
    Limits,
    Move,
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
STRAY: int = lib.SM_VERDICT_STRAY
INTERNAL: int = lib.SM_VERDICT_INTERNAL

ready = False

_definitions: dict[int, Definition] = {}
_handles = count(1)
_limits = Limits()
_most = 0  # definitions at once, since memory was last given back
_FEW = 64  # definitions, whose memory is not worth the work

_unpack = ffi.unpack  # what cffi looks up by itself each time
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
def sm_python_set_limits(document_bytes: int, states: int, nesting: int) -> None:
    global _limits
    _limits = Limits(document_bytes, states, nesting)


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
    if compiled.configuration is None:
        _tell_error(verdict, compiled.stray or "")
    else:
        _stand(definition, compiled.configuration, verdict)
    _definitions[handle] = definition  # last: where this fails, the shim learns no handle to give back
    return STRAY if compiled.configuration is None else TAKEN


@_answers
def sm_python_describe(handle: int, configuration: Any, length: int, accepted_before: int, verdict: Any) -> int:
    definition = _definitions[handle]
    _stand(definition, definition.admit(_unpack(configuration, length), strict=not accepted_before), verdict)
    return TAKEN


def _stand(definition: Definition, configuration: bytes, verdict: Any) -> None:
    head = definition.head(configuration)
    states = replies.array(definition.states(configuration))
    _tell_stand(verdict, configuration, len(configuration), head, len(head), states, len(states))


_moves: dict[int, Callable[[Definition, bytes, str], Move | None]] = {
    lib.SM_KIND_MUTATE: lambda definition, configuration, state: definition.mutate(configuration, state),
    lib.SM_KIND_FORCE: lambda definition, configuration, state: definition.force(configuration, state),
    lib.SM_KIND_SEND: lambda definition, configuration, event: definition.send(configuration, event),
    lib.SM_KIND_SEND_ACTIONS: lambda definition, configuration, event: definition.send(configuration, event),
    lib.SM_KIND_RESET: lambda definition, configuration, nothing: definition.start(),
    lib.SM_KIND_RESET_ACTIONS: lambda definition, configuration, nothing: definition.start(),
}
_with_actions = (lib.SM_KIND_SEND_ACTIONS, lib.SM_KIND_RESET_ACTIONS)

_questions: dict[int, Callable[[Definition, bytes], bytes]] = {
    lib.SM_KIND_LIST: lambda definition, configuration: replies.array(definition.rows),
    lib.SM_KIND_ALL: lambda definition, configuration: replies.array(definition.known),
    lib.SM_KIND_INITIAL: lambda definition, configuration: replies.bulk(definition.initial),
    lib.SM_KIND_CURRENT: lambda definition, configuration: replies.bulk(definition.current(configuration)),
    lib.SM_KIND_NEXT: lambda definition, configuration: replies.array(definition.next(configuration)),
    lib.SM_KIND_MERMAID: lambda definition, configuration: replies.bulk(diagram(definition, configuration, "MERMAID")),
    lib.SM_KIND_DOT: lambda definition, configuration: replies.bulk(diagram(definition, configuration, "DOT")),
}


@_answers
def sm_python_ask(
    handle: int,
    kind: int,
    configuration: Any,
    configuration_length: int,
    argument: Any,
    argument_length: int,
    accepted_before: int,
    verdict: Any,
) -> int:
    definition = _definitions[handle]
    where = _unpack(configuration, configuration_length)
    question = _questions.get(kind)
    if question is not None:
        reply = question(definition, where)
        _tell_reply(verdict, reply, len(reply))
        return TAKEN
    try:
        text = _unpack(argument, argument_length).decode()
    except UnicodeDecodeError as error:
        if kind == lib.SM_KIND_ENTER:
            raise DocumentError("the third argument", f"not UTF-8: byte {error.start}") from None
        if kind == lib.SM_KIND_WHY_NOT:
            raise EngineError(f"the event is not UTF-8: byte {error.start}") from None
        return REFUSED
    if kind == lib.SM_KIND_WHY_NOT:
        raise EngineError(definition.why_not(where, text))
    if kind == lib.SM_KIND_ENTER:
        move: Move | None = (definition.enter(text, where), ())
    else:
        move = _moves[kind](definition, where, text)
    if move is None:
        return REFUSED
    target, actions = move
    _stand(definition, target, verdict)
    if kind in _with_actions:
        states = replies.array(definition.states(target))
        reply = replies.arrays([states, replies.array(actions)])
        _tell_reply(verdict, reply, len(reply))
    return TAKEN


@_answers
def sm_python_look_at(kind: int, document: Any, length: int, verdict: Any) -> int:
    text = _unpack(document, length)
    if kind == lib.SM_KIND_CHECK:
        reply = replies.arrays([replies.array(finding) for finding in check_document(text, _limits)])
    else:
        reply = replies.bulk(render(text, "DOT" if kind == lib.SM_KIND_DOT else "MERMAID", _limits))
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
