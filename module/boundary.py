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
    NOT_TAKEN,
    THIRD_ARGUMENT,
    UNBOUNDED,
    Compiled,
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
    merge,
    render,
)

from . import replies, waits

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
_tell_stand, _tell_reply, _tell_outcome = lib.sm_verdict_stand, lib.sm_verdict_reply, lib.sm_verdict_outcome


def _tell_error(verdict: Any, text: str, code: str = "ERR") -> None:
    line = f"{code} {text}".encode("utf-8", "backslashreplace")
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
            _tell_error(arguments[-1], explain(error), error.code)
            return ERROR
        except BaseException as failure:
            _log_failure(type(failure), failure, failure.__traceback__)
            return INTERNAL

    answer.__name__ = function.__name__
    ffi.def_extern(error=INTERNAL, onerror=_log_failure)(answer)
    return answer


@ffi.def_extern(error=None, onerror=_log_failure)
def sm_python_set_limits(
    document_bytes: int,
    states: int,
    elements: int,
    nesting: int,
    context_bytes: int,
    expression_steps: int,
    history: int,
    idempotency: int,
) -> None:
    global _limits
    _limits = Limits(document_bytes, states, nesting, elements, context_bytes, expression_steps, history, idempotency)


@ffi.def_extern(error=0, onerror=_log_failure)
def sm_python_ready() -> int:
    return int(ready)


# ---- what crosses ----

_INPUTS: int = lib.SM_INPUTS


def _texts(texts: Any, length: int, lengths: Any) -> list[bytes | None]:
    """What comes in, in the order of ``enum sm_input``."""
    whole = _unpack(texts, length)
    parts: list[bytes | None] = []
    at = 0
    for size in _unpack(lengths, _INPUTS):
        if size < 0:
            parts.append(None)
        else:
            parts.append(whole[at : at + size])
            at += size
    return parts


def _given(
    data: bytes | None, input_: bytes | None, guards: bytes | None, now: int, accepted_before: int = False
) -> Given:
    limits = UNBOUNDED if accepted_before else _limits
    return Given(data, None if guards is None else _guards(guards), input_, now, limits)


def _guards(packed: bytes) -> frozenset[str]:
    """The names that commands/options.c has packed."""
    names = []
    count, at = _number(packed, 0)
    for _ in range(count):
        size, at = _number(packed, at)
        try:
            names.append(packed[at : at + size].decode())
        except UnicodeDecodeError as error:
            raise EngineError(f"the name of a guard is not UTF-8: byte {error.start}") from None
        at += size
    return frozenset(names)


def _number(packed: bytes, at: int) -> tuple[int, int]:
    """The number at a position, seven bits a byte and the lowest first, and the position behind it."""
    value = shift = 0
    while True:
        byte = packed[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _stand(definition: Definition, configuration: bytes, verdict: Any) -> None:
    head = definition.head(configuration)
    states = replies.array(definition.states(configuration))
    done = definition.is_done(configuration)
    _tell_stand(verdict, configuration, len(configuration), head, len(head), states, len(states), done)


def _keep(machine: Machine | Outcome, changes: bytes | None, verdict: Any) -> None:
    """Where a machine stands and what it keeps: no more is said of the node, which mostly is there."""
    configuration, context, output, error = machine.configuration, machine.context, machine.output, machine.error
    _tell_outcome(
        verdict,
        configuration,
        len(configuration),
        context or b"",
        -1 if context is None else len(context),
        changes or b"",
        -1 if changes is None else len(changes),
        output or b"",
        -1 if output is None else len(output),
        error or b"",
        -1 if error is None else len(error),
    )


# ---- documents ----


@_answers
def sm_python_compile(accepted_before: int, now: int, texts: Any, length: int, lengths: Any, verdict: Any) -> int:
    _, document, _, _, _, data, input_, guards = _texts(texts, length, lengths)
    given = _given(data, input_, guards, now, accepted_before)
    before = lib.sm_python_bytes()
    compiled = compile_document(document or b"", None if accepted_before else _limits, given)
    held = max(lib.sm_python_bytes() - before, 0)
    definition = compiled.definition
    handle = next(_handles)
    canonical = definition.canonical
    lib.sm_verdict_compiled(verdict, handle, held, canonical, len(canonical), definition.split)
    lib.sm_verdict_traits(
        verdict,
        definition.keeps,
        definition.counts,
        definition.waits,
        definition.nests,
        compiled.starts,
        compiled.history,
    )
    outbox, history, tokens, expire = definition.store
    lib.sm_verdict_store(verdict, history, tokens if definition.counts else 0, expire)
    if outbox is not None:
        stream, steps, maxlen, machine_name = outbox
        said = stream.encode(), machine_name.encode()
        lib.sm_verdict_outbox(verdict, said[0], len(said[0]), said[1], len(said[1]), steps, maxlen)
    if compiled.reason is not None:
        reason = compiled.reason.encode()
        lib.sm_verdict_reason(verdict, reason, len(reason))
    machine = compiled.machine
    if compiled.unknown_current is not None:
        _tell_error(verdict, compiled.unknown_current, compiled.code)
    elif machine is not None:
        if definition.waits:
            _wait(compiled, machine, given, verdict)
        elif machine.context is None and machine.output is None and machine.error is None:
            _stand(definition, machine.configuration, verdict)
        else:
            _keep(machine, None, verdict)
    _definitions[handle] = definition  # last: where this fails, the shim learns no handle to give back
    return TAKEN if compiled.unknown_current is None else UNKNOWN_CURRENT


def _wait(compiled: Compiled, machine: Machine, given: Given, verdict: Any) -> None:
    """A machine that waits, and stands where its document says: for what a snapshot of SM.GET's has, or for what the
    states wait where it stands."""
    if compiled.deadlines is not None or machine.error is not None:
        _keep(machine, None, verdict)
        deadlines, tasks = waits.deadlines(compiled.deadlines or ()), waits.tasks(compiled.tasks)
        lib.sm_verdict_pending(verdict, deadlines, len(deadlines), tasks, len(tasks))
        return
    outcome = compiled.definition.waiting_at(machine, given)
    _keep(outcome, None, verdict)
    changes = waits.changes(outcome) or b""
    lib.sm_verdict_waits(verdict, changes, len(changes))


@_answers
def sm_python_describe(handle: int, configuration: Any, length: int, accepted_before: int, verdict: Any) -> int:
    definition = _definitions[handle]
    _stand(definition, definition.admit(_unpack(configuration, length), strict=not accepted_before), verdict)
    return TAKEN


@_answers
def sm_python_admit(handle: int, texts: Any, length: int, lengths: Any, verdict: Any) -> int:
    configuration, _, context, output, error, _, _, _ = _texts(texts, length, lengths)
    machine = Machine(configuration or b"", context, output, error)
    _keep(_definitions[handle].admit_data(machine, _limits), None, verdict)
    return TAKEN


@_answers
def sm_python_admit_waits(tasks: int, list_: Any, length: int, verdict: Any) -> int:
    waits.admit(_unpack(list_, length), bool(tasks), _limits)
    return TAKEN


@_answers
def sm_python_merge(texts: Any, length: int, lengths: Any, verdict: Any) -> int:
    _, _, context, _, _, changes, _, _ = _texts(texts, length, lengths)
    _keep(Machine(b"", merge(context or b"", changes or b"")), None, verdict)
    return TAKEN


# ---- steps ----

_KIND: int = lib.SM_KINDS - 1
_WITH_EFFECTS: int = lib.SM_WITH_EFFECTS
_SEND, _MUTATE, _FIRE, _ENTER = lib.SM_STEP_SEND, lib.SM_STEP_MUTATE, lib.SM_STEP_FIRE, lib.SM_STEP_ENTER
_REPORTS = (lib.SM_STEP_DONE, lib.SM_STEP_FAIL)


_Said = bool | bytes | tuple[Any, ...]


def step(
    handle: int,
    kind: int,
    accepted_before: int,
    now: int,
    configuration: bytes | None,
    argument: str | bytes,
    context: bytes | None,
    output: bytes | None,
    error: bytes | None,
    data: bytes | None,
    input_: bytes | None,
    guards: bytes | None,
) -> _Said | None:
    """What module/shim/python/step.c calls, and reads the answer of.

    ``argument`` is bytes where it is not UTF-8. A tuple for an outcome (_outcome), or the engine's own where it says
    all; whether to ask again, of a step that is refused; the line of an error; None where the engine failed.
    """
    try:
        if not isinstance(argument, str):
            return _no_text(kind, argument)
        definition = _definitions[handle]
        held = None if guards is None else _guards(guards)
        limits = UNBOUNDED if accepted_before else _limits
        if kind & _KIND == _SEND and configuration is not None and error is None:
            outcome = definition.give(configuration, context, argument, data, held, now, limits)
        else:
            given = Given(data, held, input_, now, limits)
            machine = None if configuration is None else Machine(configuration, context, output, error)
            outcome = _step(definition, kind & _KIND, machine, argument, None if accepted_before else _limits, given)
        if outcome is None or outcome is NOT_TAKEN:
            return outcome is NOT_TAKEN
        if kind == _SEND and outcome.ask_again and not definition.waits:
            return outcome
        return _outcome(definition, outcome, kind & _WITH_EFFECTS)
    except EngineError as fault:
        return f"{fault.code} {explain(fault)}".encode("utf-8", "backslashreplace")
    except BaseException as failure:
        _log_failure(type(failure), failure, failure.__traceback__)
        return None


def _no_text(kind: int, argument: bytes) -> bool:
    """What there is to say to an argument that is not UTF-8."""
    try:
        argument.decode()
    except UnicodeDecodeError as fault:
        if kind == _ENTER:
            raise DocumentError(THIRD_ARGUMENT, f"not UTF-8: byte {fault.start}") from None
    return False


def _outcome(definition: Definition, outcome: Outcome, with_effects: int) -> tuple[Any, ...]:
    """The effects, where they are asked for, as module/shim/reply/effects.h has them, and where the machine stands: the
    node described, or what it keeps there."""
    where, effects, ask_again, context, changes, output, error, timers = outcome
    reply = waiting = None
    if with_effects:
        reply = replies.array([text for effect in effects for text in (effect.name, effect.params_text(), "")])
    if definition.waits and (timers or effects):
        waiting = waits.changes(outcome)
    if ask_again or context is not None or output is not None or error is not None:
        return reply, where, waiting, context, changes, output, error
    states = replies.array(definition.states(where))
    return reply, where, waiting, definition.head(where), states, definition.is_done(where)


def _step(
    definition: Definition, kind: int, machine: Machine | None, argument: str, limits: Limits | None, given: Given
) -> Outcome | None:
    if kind == _SEND and machine is not None:
        return definition.send(machine, argument, given)
    if kind == _ENTER:
        return definition.enter(argument, machine, limits, given)
    if machine is None:
        return definition.start(given)
    if kind == _MUTATE:
        return definition.mutate(machine, argument, given)
    if kind == _FIRE:
        return definition.fire(machine, argument.encode(), given)
    if kind in _REPORTS:
        return definition.report(machine, argument, given.data, kind == lib.SM_STEP_FAIL, given._replace(data=None))
    return definition.force(machine, argument, given)


# ---- questions ----


@_answers
def sm_python_ask(handle: int, kind: int, now: int, texts: Any, length: int, lengths: Any, verdict: Any) -> int:
    configuration, argument, context, output, error, data, input_, guards = _texts(texts, length, lengths)
    machine = Machine(configuration or b"", context, output, error)
    given = _given(data, input_, guards, now)
    definition = _definitions[handle]
    reply = _reply(definition, kind & _KIND, machine, argument or b"", given)
    if kind & _KIND in _DECIDED and b'"@expr"' in definition.canonical:
        lib.sm_verdict_ask_again(verdict)
    _tell_reply(verdict, reply, len(reply))
    return TAKEN


_DECIDED = (lib.SM_ASK_CAN, lib.SM_ASK_WHY)
"""What depends on guards, which may be expressions, and those on the clock."""


def _reply(definition: Definition, kind: int, machine: Machine, argument: bytes, given: Given) -> bytes:
    if kind == lib.SM_ASK_LIST:
        return replies.array(definition.rows)
    if kind == lib.SM_ASK_ALL:
        return replies.array(definition.known)
    if kind == lib.SM_ASK_INITIAL:
        return replies.bulk(definition.initial)
    if kind == lib.SM_ASK_CURRENT:
        return replies.bulk(definition.current(machine.configuration))
    if kind == lib.SM_ASK_NEXT:
        return replies.array(definition.next(machine))
    if kind == lib.SM_ASK_SNAPSHOT:
        return replies.bulk(definition.snapshot(machine))
    if kind in _FORMS:
        return replies.bulk(diagram(definition, machine.configuration, _FORMS[kind]))
    try:
        event = argument.decode()
    except UnicodeDecodeError as error:
        if kind == lib.SM_ASK_WHY_NOT:
            raise EngineError(f"the event is not UTF-8: byte {error.start}") from None
        return replies.number(0) if kind == lib.SM_ASK_CAN else replies.array(())
    if kind == lib.SM_ASK_CAN:
        return replies.number(definition.can(machine, event, given))
    if kind == lib.SM_ASK_WHY:
        return replies.arrays([replies.array(pair) for pair in definition.why(machine, event, given)])
    raise EngineError(definition.why_not(machine, event, given))


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
