/* Commands for what a machine waits for: SM.DONE, SM.FAIL, SM.RETRY, SM.FIRE, SM.PENDING, and SM.DUE, by which the
 * server lets deadlines fire. */
#include <string.h>

#include "command_functions.h"
#include "commands/asker.h"
#include "commands/keys.h"
#include "commands/once.h"
#include "commands/options.h"
#include "machine/waits.h"
#include "reply/documents.h"
#include "reply/errors.h"
#include "reply/text.h"
#include "settings.h"

enum { KNOWN = SM_OPTION_GUARDS | SM_OPTION_ACTIONS | SM_OPTION_EFFECTS, LONGEST_FAILURE = 300, FEW = 256 };

/* The machine at a key, and one of its deadlines or tasks. */
typedef struct waiting {
    RedisModuleCtx *ctx;
    sm_target target;
    sm_data held;
    sm_wait wait;
    sm_outcome outcome;
    sm_waiting what;
    sm_token token; /* of ID */
} waiting;

static sm_node *node_of(const waiting *of) {
    return sm_machine_node(of->target.machine);
}

static bool open_machine(waiting *of, RedisModuleString *name) {
    if (!sm_asker_open(of->ctx, name, &of->target)) return false;
    if (of->target.machine) return true;
    sm_key_close(&of->target);
    sm_reply_no_machine(of->ctx, name);
    return false;
}

/* A machine that keeps no tokens has no tasks either: a report comes too late there. */
static bool keeps_tokens(const waiting *of) {
    return node_of(of)->details->definition->tokens != 0;
}

/* Finds the one with a handle; otherwise the client has its answer: what it had before, an error, or nil. */
static bool find(waiting *of, RedisModuleString *name, const RedisModuleString *handle, enum sm_part part,
                 const sm_options *options) {
    if (!open_machine(of, name)) return false;
    if (options->found & SM_OPTION_ID && keeps_tokens(of) &&
        !sm_once_look(of->ctx, &of->target, options, &of->token))
        return false;
    sm_machine_data(of->target.machine, &of->held);
    if (sm_waits_find(of->held.parts[part], sm_bytes_of(handle), &of->wait) &&
        (part != SM_PART_TASKS || of->wait.status == SM_TASK_ACTIVE))
        return true;
    sm_key_close(&of->target);
    if (!sm_config.invalid_transition) RedisModule_ReplyWithNull(of->ctx);
    else sm_reply_error_about(of->ctx, part == SM_PART_TASKS ? "no active task: " : "no pending deadline: ",
                              sm_bytes_of(handle), " at ", sm_bytes_of(name), "");
    return false;
}

/* It ends or fires, whether or not a transition takes it. */
static void step(waiting *of, uint8_t kind, sm_bytes argument, const sm_given *given, bool with_effects) {
    sm_asked asked = {kind, of->ctx, argument, &of->held, given};

    if (with_effects || node_of(of)->details->definition->outbox) asked.kind |= SM_WITH_EFFECTS;

    sm_engine_step(node_of(of), &asked, &of->outcome);
    if (of->outcome.result != SM_REFUSED) return;
    of->what.stays = true;
    of->outcome.result = SM_TAKEN;
    of->outcome.node = node_of(of);
    of->outcome.reply.len = 0;
}

/* Its deadline fires. */
static void fire(waiting *of, const sm_given *given, bool with_effects) {
    char few[FEW], *event = sm_event_most(&of->wait) <= FEW ? few : RedisModule_Alloc(sm_event_most(&of->wait));
    size_t len = (size_t)(sm_event_put(event, &of->wait) - event);

    step(of, SM_STEP_FIRE, (sm_bytes){event, len}, given, with_effects);
    if (event != few) RedisModule_Free(event);
    of->what.fired = of->wait.number;
}

static sm_bytes joined(waiting *of, const char *begin, sm_bytes rest) {
    size_t len = strlen(begin);
    char *name = sm_outcome_room(&of->outcome, len + rest.len), *at = name;

    sm_put(&at, (sm_bytes){begin, len});
    sm_put(&at, rest);
    return (sm_bytes){name, len + rest.len};
}

/* The name of a deadline's event. */
static sm_bytes event_of(waiting *of) {
    static const char begin[] = "{\"type\":";
    sm_bytes event = of->wait.what; /* without one it is the id */
    size_t len = sizeof(begin) - 1;

    if (event.len < len || memcmp(event.ptr, begin, len) != 0) return of->wait.id;
    return sm_read_json((sm_bytes){event.ptr + len, event.len - len}, sm_outcome_room(&of->outcome, event.len));
}

/* What the outbox says of why there is a step. */
static sm_bytes cause_of(waiting *of, enum sm_event event) {
    switch (event) {
    case SM_EVENT_DONE: return joined(of, "xstate.done.actor.", of->wait.id);
    case SM_EVENT_FAIL: return joined(of, "xstate.error.actor.", of->wait.id);
    case SM_EVENT_TIMER: return event_of(of);
    default: return (sm_bytes){NULL, 0};
    }
}

static void commit(waiting *of, enum sm_event event, bool with_effects) {
    of->target.waiting = &of->what;
    of->target.with_effects = with_effects;
    of->target.cause = cause_of(of, event);
    if (of->outcome.result == SM_TAKEN) sm_commit(of->ctx, &of->target, &of->outcome, NULL, event);
    else sm_key_close(&of->target);
}

static void answer(waiting *of, const sm_options *options) {
    if (of->outcome.result == SM_TAKEN) sm_reply_step(of->ctx, options->reply, &of->target, &of->outcome);
    else sm_reply_coded_error(of->ctx, of->outcome.code, of->outcome.error);
    sm_outcome_release(&of->outcome);
}

/* ---- SM.DONE, SM.FAIL, SM.RETRY ---- */

static int report(RedisModuleCtx *ctx, RedisModuleString **argv, int argc, uint8_t kind, enum sm_event event) {
    bool has_result = argc > 3 && !sm_options_is_name(sm_bytes_of(argv[3]), KNOWN | SM_OPTION_ID);
    waiting of = {.ctx = ctx};
    sm_options options;

    if (argc < 3) return RedisModule_WrongArity(ctx);
    sm_options_begin(&options);
    if (argc > 3 + has_result && !sm_options_read(ctx, argv, argc, 3 + has_result, KNOWN | SM_OPTION_ID, &options))
        return REDISMODULE_OK;
    if (has_result) {
        options.given.data = sm_bytes_of(argv[3]);
        options.found |= SM_OPTION_DATA;
    }
    of.token = (sm_token){.command = (uint8_t)event, .argument = sm_bytes_of(argv[2])};
    if (find(&of, argv[1], argv[2], SM_PART_TASKS, &options)) {
        step(&of, kind, of.wait.id, sm_options_given(&options), options.reply || options.found & SM_OPTION_ID);
        of.what.reported = of.wait.number;
        commit(&of, event, options.reply);
        answer(&of, &options);
    }
    sm_options_end(&options);
    return REDISMODULE_OK;
}

int sm_done_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    return report(ctx, argv, argc, SM_STEP_DONE, SM_EVENT_DONE);
}

int sm_fail_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    return report(ctx, argv, argc, SM_STEP_FAIL, SM_EVENT_FAIL);
}

/* An outcome that leaves the machine where it stands. */
static void stay(waiting *of) {
    of->what.stays = true;
    sm_engine_node(node_of(of)->details->definition,
                   (sm_bytes){node_of(of)->details->item.key, node_of(of)->details->item.key_len}, true, &of->outcome);
}

int sm_retry_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    waiting of = {.ctx = ctx};
    sm_options options;

    if (argc < 3 || argc > 4) return RedisModule_WrongArity(ctx);
    sm_options_begin(&options);
    if (argc > 3 && !sm_options_read(ctx, argv, argc, 3, SM_OPTION_ACTIONS | SM_OPTION_EFFECTS, &options))
        return REDISMODULE_OK;
    if (find(&of, argv[1], argv[2], SM_PART_TASKS, &options)) {
        stay(&of);
        of.what.retried = of.wait.number;
        commit(&of, SM_EVENT_RETRY, options.reply);
        answer(&of, &options);
    }
    sm_options_end(&options);
    return REDISMODULE_OK;
}

/* ---- SM.FIRE, SM.DUE ---- */

int sm_fire_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    waiting of = {.ctx = ctx};
    sm_options options;

    if (argc < 3) return RedisModule_WrongArity(ctx);
    sm_options_begin(&options);
    if (argc > 3 && !sm_options_read(ctx, argv, argc, 3, KNOWN, &options)) return REDISMODULE_OK;
    if (find(&of, argv[1], argv[2], SM_PART_TIMERS, &options)) {
        fire(&of, sm_options_given(&options), options.reply);
        commit(&of, SM_EVENT_TIMER, options.reply);
        answer(&of, &options);
    }
    sm_options_end(&options);
    return REDISMODULE_OK;
}

/* Opens the machine that waits for the deadline of a number; otherwise the client has its answer: an error, or nil. */
static bool open_due(waiting *of, RedisModuleString *name, const RedisModuleString *number) {
    char text[SM_HANDLE_BYTES];
    sm_bytes timers;

    if (!sm_key_open_machine(of->ctx, name, REDISMODULE_READ | REDISMODULE_WRITE, &of->target)) return false;
    sm_machine_data(of->target.machine, &of->held);
    timers = of->held.parts[SM_PART_TIMERS];
    while (sm_wait_take(&timers, &of->wait)) {
        size_t len = (size_t)(sm_wait_put_number(text, of->wait.number) - text);

        if (of->wait.status == SM_TIMER_WAITING && sm_same(sm_bytes_of(number), (sm_bytes){text, len})) return true;
    }
    sm_key_close(&of->target);
    RedisModule_ReplyWithNull(of->ctx);
    return false;
}

/* The deadline stays, and does not fire by itself any more. */
static void mark(waiting *of, uint8_t status, sm_bytes error) {
    if (error.len > LONGEST_FAILURE) {
        error.len = LONGEST_FAILURE;
        while (error.len && ((unsigned char)error.ptr[error.len - 1] & 0x80)) error.len--; /* not within a character */
    }
    of->what = (sm_waiting){.marked = of->wait.number, .mark = status, .timer = &of->wait, .error = error};
    stay(of);
    commit(of, SM_EVENT_TIMER, false);
}

/* Once: it is not tried again. */
static void log_failed(const waiting *of, const RedisModuleString *name) {
    char key[SM_LONGEST_QUOTED];
    size_t len = (size_t)(sm_put_quoted(key, sm_bytes_of(name)) - key);

    RedisModule_Log(of->ctx, "warning", "a deadline of %.*s has failed, and waits for SM.FIRE: %.*s", (int)len, key,
                    (int)of->what.error.len, of->what.error.ptr);
}

/* When the deadline was due that is done with, or an error for what is tried again. */
static void reply_due(RedisModuleCtx *ctx, const sm_outcome *outcome, uint64_t ms) {
    if (outcome->result == SM_ERROR && sm_may_pass(outcome->code))
        sm_reply_coded_error(ctx, outcome->code, outcome->error);
    else RedisModule_ReplyWithLongLong(ctx, (long long)ms);
}

/* The number says which, and no clock is asked: so it does the same wherever it comes from, an AOF or a primary. */
int sm_due_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    static const char nobody[] = "(timer)";
    waiting of = {.ctx = ctx};
    sm_outcome failed;

    if (argc != 3) return RedisModule_WrongArity(ctx);
    if (!open_due(&of, argv[1], argv[2])) return REDISMODULE_OK;
    of.target.user = (sm_bytes){nobody, sizeof(nobody) - 1};
    fire(&of, NULL, false);
    commit(&of, SM_EVENT_TIMER, false);
    failed = of.outcome;
    if (failed.result != SM_ERROR || sm_may_pass(failed.code)) {
        reply_due(ctx, &failed, of.wait.ms);
    } else if (open_due(&of, argv[1], argv[2])) {
        bool is_guard = strcmp(failed.code, "GUARD") == 0;

        mark(&of, is_guard ? SM_TIMER_DUE : SM_TIMER_FAILED, is_guard ? (sm_bytes){NULL, 0} : failed.error);
        if (!is_guard && of.outcome.result == SM_TAKEN) log_failed(&of, argv[1]);
        reply_due(ctx, &of.outcome, of.wait.ms);
        sm_outcome_release(&of.outcome);
    }
    sm_outcome_release(&failed);
    return REDISMODULE_OK;
}

/* ---- SM.PENDING ---- */

static void put_word(RedisModuleCtx *ctx, const char *name, const char *word) {
    RedisModule_ReplyWithStringBuffer(ctx, name, strlen(name));
    RedisModule_ReplyWithStringBuffer(ctx, word, strlen(word));
}

static void put_text(RedisModuleCtx *ctx, const char *name, sm_bytes text) {
    RedisModule_ReplyWithStringBuffer(ctx, name, strlen(name));
    RedisModule_ReplyWithStringBuffer(ctx, text.ptr, text.len);
}

static void put_handle(RedisModuleCtx *ctx, const sm_wait *wait) {
    char *handle = RedisModule_Alloc(wait->id.len + SM_HANDLE_BYTES + 1);

    put_text(ctx, "handle", (sm_bytes){handle, (size_t)(sm_wait_put_handle(handle, wait) - handle)});
    RedisModule_Free(handle);
}

static void put_event(RedisModuleCtx *ctx, const sm_wait *timer) {
    char *event = RedisModule_Alloc(sm_event_most(timer));

    put_text(ctx, "event", (sm_bytes){event, (size_t)(sm_event_put(event, timer) - event)});
    RedisModule_Free(event);
}

static void put_wait(RedisModuleCtx *ctx, const sm_wait *wait, bool is_timer) {
    static const char *const words[SM_TIMER_STATUSES] = {"waiting", "due", "failed"};

    RedisModule_ReplyWithMap(ctx, wait->text.len ? 7 : 6);
    put_word(ctx, "kind", is_timer ? "timer" : "task");
    put_handle(ctx, wait);
    put_text(ctx, "id", wait->id);
    if (is_timer) put_event(ctx, wait);
    else put_text(ctx, "src", wait->what);
    RedisModule_ReplyWithStringBuffer(ctx, is_timer ? "due" : "since", strlen(is_timer ? "due" : "since"));
    RedisModule_ReplyWithLongLong(ctx, (long long)wait->ms);
    put_word(ctx, "status", is_timer ? words[wait->status % SM_TIMER_STATUSES] : "active");
    if (wait->text.len) put_text(ctx, is_timer ? "error" : "input", wait->text);
}

static long put_list(RedisModuleCtx *ctx, sm_bytes list, bool is_timer, bool count_only) {
    long count = 0;
    sm_wait wait;

    while (sm_wait_take(&list, &wait)) {
        if (!is_timer && wait.status != SM_TASK_ACTIVE) continue;
        count++;
        if (!count_only) put_wait(ctx, &wait, is_timer);
    }
    return count;
}

int sm_pending_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    sm_target target;
    sm_data held;

    if (argc != 2) return RedisModule_WrongArity(ctx);
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ, &target)) return REDISMODULE_OK;
    sm_machine_data(target.machine, &held);
    RedisModule_ReplyWithArray(ctx, put_list(ctx, held.parts[SM_PART_TIMERS], true, true) +
                                        put_list(ctx, held.parts[SM_PART_TASKS], false, true));
    put_list(ctx, held.parts[SM_PART_TIMERS], true, false);
    put_list(ctx, held.parts[SM_PART_TASKS], false, false);
    sm_key_close(&target);
    return REDISMODULE_OK;
}
