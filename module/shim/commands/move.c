/* Commands that move a machine: SM.MUTATE, SM.SEND, SM.RESET. */
#include <stdio.h>

#include "command_functions.h"
#include "commands/command.h"

static const sm_bytes no_argument = {"", 0};

static bool good_reason(RedisModuleCtx *ctx, sm_bytes reason) {
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

/* The machine goes where an answer says, or stays where it says no. The key is closed then. */
static void take(RedisModuleCtx *ctx, RedisModuleString *name, sm_open_key *open, enum sm_outcome outcome,
                 const sm_answer *answer, const sm_bytes *reason, const char *event) {
    if (outcome == SM_TAKEN && sm_key_move(open, answer->node, answer->way, reason)) sm_commit(ctx, name, open, event);
    else sm_key_close(open);
}

/* Why an event is not taken: nil, or an error where the settings want one. */
static __attribute__((noinline)) int reply_refused(RedisModuleCtx *ctx, sm_node *node, sm_bytes event) {
    sm_answer why;

    if (!sm_config.invalid_transition) return RedisModule_ReplyWithNull(ctx);
    sm_engine_ask(NULL, node, SM_KIND_WHY_NOT, event, &why);
    sm_reply_error(ctx, why.error);
    sm_answer_release(&why);
    return REDISMODULE_OK;
}

/* What an answer to SM.SEND or SM.RESET says: its own reply, or the states where the machine stands now. */
static int reply_taken(RedisModuleCtx *ctx, const sm_answer *answer) {
    return answer->reply.len ? sm_reply_encoded(ctx, answer->reply) : sm_reply_states(ctx, answer->node);
}

int sm_mutate_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    bool has_reason = argc >= 4, force = false;
    sm_bytes reason = no_argument;
    sm_answer answer;
    enum sm_outcome outcome;
    sm_open_key open;

    if (argc < 3 || argc > 5) return RedisModule_WrongArity(ctx);
    if (argc == 5) {
        force = sm_is_word(sm_bytes_of(argv[4]), "FORCE");
        if (!force) return sm_reply_unknown_word(ctx, argv[0], argv[4], "; behind the reason comes FORCE");
    }
    if (has_reason) {
        reason = sm_bytes_of(argv[3]);
        if (argc == 4 && sm_is_word(reason, "FORCE")) {
            has_reason = false;
            force = true;
        } else if (!good_reason(ctx, reason)) {
            return REDISMODULE_OK;
        }
    }
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ | REDISMODULE_WRITE, &open)) return REDISMODULE_OK;
    outcome = sm_engine_ask(NULL, open.node, force ? SM_KIND_FORCE : SM_KIND_MUTATE, sm_bytes_of(argv[2]), &answer);
    take(ctx, argv[1], &open, outcome, &answer, has_reason ? &reason : NULL, "sm.mutate");
    if (outcome == SM_TAKEN) sm_reply_ok(ctx);
    else if (outcome == SM_ERROR) sm_reply_error(ctx, answer.error);
    else if (sm_config.invalid_transition) sm_reply_invalid_transition(ctx, open.node, sm_bytes_of(argv[2]));
    else RedisModule_ReplyWithNull(ctx);
    sm_answer_release(&answer);
    return REDISMODULE_OK;
}

int sm_send_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    bool actions = argc == 4;
    sm_answer answer;
    enum sm_outcome outcome;
    sm_open_key open;

    if (argc < 3 || argc > 4) return RedisModule_WrongArity(ctx);
    if (actions && !sm_is_word(sm_bytes_of(argv[3]), "ACTIONS"))
        return sm_reply_unknown_word(ctx, argv[0], argv[3], "; known is ACTIONS");
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ | REDISMODULE_WRITE, &open)) return REDISMODULE_OK;
    outcome = sm_engine_ask(NULL, open.node, actions ? SM_KIND_SEND_ACTIONS : SM_KIND_SEND, sm_bytes_of(argv[2]),
                            &answer);
    take(ctx, argv[1], &open, outcome, &answer, NULL, "sm.send");
    if (outcome == SM_TAKEN) reply_taken(ctx, &answer);
    else if (outcome == SM_ERROR) sm_reply_error(ctx, answer.error);
    else reply_refused(ctx, open.node, sm_bytes_of(argv[2]));
    sm_answer_release(&answer);
    return REDISMODULE_OK;
}

int sm_reset_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    bool actions = argc == 3;
    sm_answer answer;
    enum sm_outcome outcome;
    sm_open_key open;

    if (argc < 2 || argc > 3) return RedisModule_WrongArity(ctx);
    if (actions && !sm_is_word(sm_bytes_of(argv[2]), "ACTIONS"))
        return sm_reply_unknown_word(ctx, argv[0], argv[2], "; known is ACTIONS");
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ | REDISMODULE_WRITE, &open)) return REDISMODULE_OK;
    outcome = sm_engine_ask(open.node->details->definition, NULL, actions ? SM_KIND_RESET_ACTIONS : SM_KIND_RESET,
                            no_argument, &answer);
    take(ctx, argv[1], &open, outcome, &answer, NULL, "sm.reset");
    if (outcome != SM_TAKEN) sm_reply_error(ctx, answer.error);
    else if (actions) reply_taken(ctx, &answer);
    else sm_reply_ok(ctx);
    sm_answer_release(&answer);
    return REDISMODULE_OK;
}
