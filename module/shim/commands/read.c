/* Commands that read a machine, and those that look at a document which is not stored. */
#include "command_functions.h"
#include "commands/keys.h"
#include "reply/errors.h"
#include "reply/server_encoded.h"
#include "reply/tokens.h"

static const sm_bytes no_argument = {"", 0};

static int reply_and_release(RedisModuleCtx *ctx, sm_outcome *outcome) {
    if (outcome->result == SM_TAKEN) sm_reply_tokens(ctx, outcome->reply);
    else sm_reply_error(ctx, outcome->error);
    sm_outcome_release(outcome);
    return REDISMODULE_OK;
}

/* Answers a question that has no argument. Its outcome is large: not on the stack of those that answer without it. */
static __attribute__((noinline)) int ask(RedisModuleCtx *ctx, sm_definition *definition, sm_node *node, uint8_t kind) {
    sm_outcome outcome;

    sm_engine_ask(definition, node, kind, no_argument, &outcome);
    return reply_and_release(ctx, &outcome);
}

static int ask_of_node(RedisModuleCtx *ctx, const sm_target *target, uint8_t kind) {
    return ask(ctx, NULL, sm_machine_node(target->machine), kind);
}

static int ask_of_definition(RedisModuleCtx *ctx, const sm_target *target, uint8_t kind) {
    return ask(ctx, sm_machine_node(target->machine)->details->definition, NULL, kind);
}

static int reply_reason(RedisModuleCtx *ctx, const sm_target *target) {
    sm_bytes reason;

    sm_engine_counts.memory_answers++;
    sm_machine_reason(target->machine, &reason);
    return RedisModule_ReplyWithStringBuffer(ctx, reason.ptr, reason.len);
}

int sm_get_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    static const char *const words[] = {"REASON", "CURRENT", "INITIAL", NULL};
    enum { DOCUMENT = -1, REASON, CURRENT, INITIAL };
    int what = DOCUMENT;
    sm_target target;

    if (argc < 2 || argc > 3) return RedisModule_WrongArity(ctx);
    if (argc == 3 && (what = sm_word(argv[2], words)) < 0)
        return sm_reply_unknown_word(ctx, argv[0], argv[2], "; known are REASON, CURRENT, INITIAL");
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ, &target)) return REDISMODULE_OK;
    if (what == DOCUMENT) {
        sm_engine_counts.memory_answers++;
        sm_reply_document(ctx, target.machine);
    } else if (what == REASON) {
        reply_reason(ctx, &target);
    } else if (what == CURRENT) {
        ask_of_node(ctx, &target, SM_ASK_CURRENT);
    } else {
        ask_of_definition(ctx, &target, SM_ASK_INITIAL);
    }
    sm_key_close(&target);
    return REDISMODULE_OK;
}

int sm_state_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    static const char *const words[] = {"LIST", "ALL", NULL};
    static const uint8_t kinds[] = {SM_ASK_LIST, SM_ASK_ALL};
    int word = -1;
    sm_target target;

    if (argc < 2 || argc > 3) return RedisModule_WrongArity(ctx);
    if (argc == 3 && (word = sm_word(argv[2], words)) < 0)
        return sm_reply_unknown_word(ctx, argv[0], argv[2], "; known are LIST, ALL");
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ, &target)) return REDISMODULE_OK;
    if (word >= 0) {
        ask_of_definition(ctx, &target, kinds[word]);
    } else {
        sm_engine_counts.memory_answers++;
        sm_reply_states(ctx, sm_machine_node(target.machine));
    }
    sm_key_close(&target);
    return REDISMODULE_OK;
}

int sm_can_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    sm_outcome outcome;
    sm_target target;

    if (argc != 3) return RedisModule_WrongArity(ctx);
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ, &target)) return REDISMODULE_OK;
    sm_engine_step(sm_machine_node(target.machine), SM_STEP_SEND, sm_bytes_of(argv[2]), &outcome);
    if (outcome.result == SM_ERROR) sm_reply_error(ctx, outcome.error);
    else RedisModule_ReplyWithLongLong(ctx, outcome.result == SM_TAKEN);
    sm_outcome_release(&outcome);
    sm_key_close(&target);
    return REDISMODULE_OK;
}

int sm_next_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    sm_target target;

    if (argc != 2) return RedisModule_WrongArity(ctx);
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ, &target)) return REDISMODULE_OK;
    ask_of_node(ctx, &target, SM_ASK_NEXT);
    sm_key_close(&target);
    return REDISMODULE_OK;
}

/* ---- documents and pictures ---- */

/* The form of a picture: a kind of question, or 0 after an error. */
static uint8_t picture_form(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    static const char *const words[] = {"MERMAID", "DOT", NULL};
    static const uint8_t kinds[] = {SM_ASK_MERMAID, SM_ASK_DOT};
    int word = argc == 3 ? sm_word(argv[2], words) : 0;

    if (word >= 0) return kinds[word];
    sm_reply_unknown_word(ctx, argv[0], argv[2], "; known are MERMAID, DOT");
    return 0;
}

int sm_diagram_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    uint8_t kind;
    sm_target target;

    if (argc < 2 || argc > 3) return RedisModule_WrongArity(ctx);
    if (!(kind = picture_form(ctx, argv, argc))) return REDISMODULE_OK;
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ, &target)) return REDISMODULE_OK;
    ask_of_node(ctx, &target, kind);
    sm_key_close(&target);
    return REDISMODULE_OK;
}

static int look_at(RedisModuleCtx *ctx, uint8_t kind, const RedisModuleString *document) {
    sm_outcome outcome;

    sm_engine_look_at(kind, sm_bytes_of(document), &outcome);
    return reply_and_release(ctx, &outcome);
}

int sm_render_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    uint8_t kind;

    if (argc < 2 || argc > 3) return RedisModule_WrongArity(ctx);
    if (!(kind = picture_form(ctx, argv, argc))) return REDISMODULE_OK;
    return look_at(ctx, kind, argv[1]);
}

int sm_check_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    if (argc != 2) return RedisModule_WrongArity(ctx);
    return look_at(ctx, SM_ASK_CHECK, argv[1]);
}
