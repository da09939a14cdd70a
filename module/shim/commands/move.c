/* Commands that move a machine: SM.MUTATE, SM.SEND, SM.RESET. */
#include <stdio.h>

#include "command_functions.h"
#include "commands/keys.h"
#include "reply/errors.h"
#include "reply/server_encoded.h"
#include "reply/text.h"
#include "reply/tokens.h"
#include "settings.h"

static bool is_good_reason(RedisModuleCtx *ctx, sm_bytes reason) {
    size_t fault = sm_utf8_fault(reason);
    char text[96];
    int len;

    if (reason.len > UINT32_MAX) {
        RedisModule_ReplyWithError(ctx, "ERR the reason is longer than 4294967295 bytes");
        return false;
    }
    if (fault == reason.len) return true;
    len = snprintf(text, sizeof(text), "the reason is not UTF-8: byte %zu is 0x%02x", fault,
                   (unsigned)(unsigned char)reason.ptr[fault]);
    sm_reply_error(ctx, (sm_bytes){text, (size_t)len});
    return false;
}

/* The machine moves where the outcome says so; the key is closed then. */
static void finish(RedisModuleCtx *ctx, sm_target *target, const sm_outcome *outcome, const sm_bytes *reason,
                   const char *event) {
    if (outcome->result == SM_TAKEN) sm_commit(ctx, target, outcome, reason, event);
    else sm_key_close(target);
}

/* ---- SM.MUTATE ---- */

typedef struct mutation {
    uint8_t kind;
    bool has_reason;
    sm_bytes reason;
} mutation;

/* What follows the state: nothing, a reason, FORCE, or both. False after an error. */
static bool read_mutation(RedisModuleCtx *ctx, RedisModuleString **argv, int argc, mutation *read) {
    bool force = false;

    read->has_reason = argc >= 4;
    if (argc == 5) {
        force = sm_is_word(sm_bytes_of(argv[4]), "FORCE");
        if (!force) {
            sm_reply_unknown_word(ctx, argv[0], argv[4], "; behind the reason comes FORCE");
            return false;
        }
    }
    if (read->has_reason) {
        read->reason = sm_bytes_of(argv[3]);
        if (argc == 4 && sm_is_word(read->reason, "FORCE")) {
            read->has_reason = false;
            force = true;
        }
    }
    read->kind = force ? SM_STEP_FORCE : SM_STEP_MUTATE;
    return !read->has_reason || is_good_reason(ctx, read->reason);
}

static __attribute__((cold)) int reply_invalid_transition(RedisModuleCtx *ctx, const sm_node *from, sm_bytes to) {
    sm_bytes states = from->details->states, first = {"", 0};
    uint32_t count = 0;
    char token = 0;

    if (sm_tokens_take(&states, &token, 1) && sm_tokens_take(&states, &count, sizeof(count)))
        sm_tokens_string(&states, &first);
    return sm_reply_error_about(ctx, "invalid state transition: ", first, " to ", to, "");
}

int sm_mutate_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    sm_bytes state;
    sm_outcome outcome;
    sm_target target;
    sm_node *from;
    mutation asked;

    if (argc < 3 || argc > 5) return RedisModule_WrongArity(ctx);
    if (!read_mutation(ctx, argv, argc, &asked)) return REDISMODULE_OK;
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ | REDISMODULE_WRITE, &target)) return REDISMODULE_OK;
    state = sm_bytes_of(argv[2]);
    from = sm_machine_node(target.machine);
    sm_engine_step(from, asked.kind, state, &outcome);
    finish(ctx, &target, &outcome, asked.has_reason ? &asked.reason : NULL, "sm.mutate");
    if (outcome.result == SM_TAKEN) sm_reply_ok(ctx);
    else if (outcome.result == SM_ERROR) sm_reply_error(ctx, outcome.error);
    else if (sm_config.invalid_transition) reply_invalid_transition(ctx, from, state);
    else RedisModule_ReplyWithNull(ctx);
    sm_outcome_release(&outcome);
    return REDISMODULE_OK;
}

/* ---- SM.SEND, SM.RESET ---- */

/* Whether ACTIONS follows at argv[at]; -1 after an error. */
static int read_actions(RedisModuleCtx *ctx, RedisModuleString **argv, int argc, int at) {
    if (argc == at) return 0;
    if (sm_is_word(sm_bytes_of(argv[at]), "ACTIONS")) return SM_STEP_ACTIONS;
    sm_reply_unknown_word(ctx, argv[0], argv[at], "; known is ACTIONS");
    return -1;
}

/* What a step says: its own reply, or the states where the machine stands now. */
static int reply_taken(RedisModuleCtx *ctx, const sm_outcome *outcome) {
    return outcome->reply.len ? sm_reply_tokens(ctx, outcome->reply) : sm_reply_states(ctx, outcome->node);
}

/* That an event is not taken: nil, or why, where the settings want an error. */
static __attribute__((noinline)) int reply_refused(RedisModuleCtx *ctx, sm_node *node, sm_bytes event) {
    sm_outcome why;

    if (!sm_config.invalid_transition) return RedisModule_ReplyWithNull(ctx);
    sm_engine_ask(NULL, node, SM_ASK_WHY_NOT, event, &why);
    sm_reply_error(ctx, why.error);
    sm_outcome_release(&why);
    return REDISMODULE_OK;
}

int sm_send_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    int actions;
    sm_outcome outcome;
    sm_target target;
    sm_node *from;

    if (argc < 3 || argc > 4) return RedisModule_WrongArity(ctx);
    if ((actions = read_actions(ctx, argv, argc, 3)) < 0) return REDISMODULE_OK;
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ | REDISMODULE_WRITE, &target)) return REDISMODULE_OK;
    from = sm_machine_node(target.machine);
    sm_engine_step(from, (uint8_t)(SM_STEP_SEND + actions), sm_bytes_of(argv[2]), &outcome);
    finish(ctx, &target, &outcome, NULL, "sm.send");
    if (outcome.result == SM_TAKEN) reply_taken(ctx, &outcome);
    else if (outcome.result == SM_ERROR) sm_reply_error(ctx, outcome.error);
    else reply_refused(ctx, from, sm_bytes_of(argv[2]));
    sm_outcome_release(&outcome);
    return REDISMODULE_OK;
}

int sm_reset_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    int actions;
    sm_outcome outcome;
    sm_target target;

    if (argc < 2 || argc > 3) return RedisModule_WrongArity(ctx);
    if ((actions = read_actions(ctx, argv, argc, 2)) < 0) return REDISMODULE_OK;
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ | REDISMODULE_WRITE, &target)) return REDISMODULE_OK;
    sm_engine_reset(sm_machine_node(target.machine)->details->definition, (uint8_t)(SM_STEP_RESET + actions), &outcome);
    finish(ctx, &target, &outcome, NULL, "sm.reset");
    if (outcome.result != SM_TAKEN) sm_reply_error(ctx, outcome.error);
    else if (actions) reply_taken(ctx, &outcome);
    else sm_reply_ok(ctx);
    sm_outcome_release(&outcome);
    return REDISMODULE_OK;
}
