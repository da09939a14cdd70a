/* Commands that read: SM.GET, SM.STATE, SM.CAN, SM.NEXT, SM.DIAGRAM, and of a document SM.CHECK and SM.RENDER. */
#include "command_functions.h"
#include "commands/command.h"

static const sm_bytes no_argument = {"", 0};

/* What an answer to a question says. */
static int reply_answer(RedisModuleCtx *ctx, enum sm_outcome outcome, sm_answer *answer) {
    if (outcome == SM_TAKEN) sm_reply_encoded(ctx, answer->reply);
    else sm_reply_error(ctx, answer->error);
    sm_answer_release(answer);
    return REDISMODULE_OK;
}

/* Answers a question that has no argument and is always answered. Its answer is large: not on the stack of those that
 * answer without it. */
static __attribute__((noinline)) int ask(RedisModuleCtx *ctx, sm_definition *definition, sm_node *node, uint8_t kind) {
    sm_answer answer;

    return reply_answer(ctx, sm_engine_ask(definition, node, kind, no_argument, &answer), &answer);
}

int sm_get_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    static const char *const words[] = {"REASON", "CURRENT", "INITIAL", NULL};
    enum { DOCUMENT = -1, REASON, CURRENT, INITIAL };
    int what = DOCUMENT;
    sm_open_key open;

    if (argc < 2 || argc > 3) return RedisModule_WrongArity(ctx);
    if (argc == 3 && (what = sm_word(argv[2], words)) < 0)
        return sm_reply_unknown_word(ctx, argv[0], argv[2], "; known are REASON, CURRENT, INITIAL");
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ, &open)) return REDISMODULE_OK;

    if (what == DOCUMENT) {
        sm_counts.memory_answers++;
        sm_reply_document(ctx, open.machine, open.node);
    } else if (what == REASON) {
        sm_bytes reason;

        sm_counts.memory_answers++;
        sm_machine_reason(open.machine, &reason);
        RedisModule_ReplyWithStringBuffer(ctx, reason.ptr, reason.len);
    } else if (what == CURRENT) {
        ask(ctx, NULL, open.node, SM_KIND_CURRENT);
    } else {
        ask(ctx, open.node->details->definition, NULL, SM_KIND_INITIAL);
    }
    sm_key_close(&open);
    return REDISMODULE_OK;
}

int sm_state_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    static const char *const words[] = {"LIST", "ALL", NULL};
    static const uint8_t kinds[] = {SM_KIND_LIST, SM_KIND_ALL};
    int word = -1;
    sm_open_key open;

    if (argc < 2 || argc > 3) return RedisModule_WrongArity(ctx);
    if (argc == 3 && (word = sm_word(argv[2], words)) < 0)
        return sm_reply_unknown_word(ctx, argv[0], argv[2], "; known are LIST, ALL");
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ, &open)) return REDISMODULE_OK;
    if (word >= 0) {
        ask(ctx, open.node->details->definition, NULL, kinds[word]);
    } else {
        sm_counts.memory_answers++;
        sm_reply_states(ctx, open.node);
    }
    sm_key_close(&open);
    return REDISMODULE_OK;
}

int sm_can_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    sm_answer answer;
    enum sm_outcome outcome;
    sm_open_key open;

    if (argc != 3) return RedisModule_WrongArity(ctx);
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ, &open)) return REDISMODULE_OK;
    outcome = sm_engine_ask(NULL, open.node, SM_KIND_SEND, sm_bytes_of(argv[2]), &answer);
    if (outcome == SM_ERROR) sm_reply_error(ctx, answer.error);
    else RedisModule_ReplyWithLongLong(ctx, outcome == SM_TAKEN);
    sm_answer_release(&answer);
    sm_key_close(&open);
    return REDISMODULE_OK;
}

int sm_next_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    sm_open_key open;

    if (argc != 2) return RedisModule_WrongArity(ctx);
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ, &open)) return REDISMODULE_OK;
    ask(ctx, NULL, open.node, SM_KIND_NEXT);
    sm_key_close(&open);
    return REDISMODULE_OK;
}

/* ---- pictures ---- */

/* The form of a picture: a kind of question, or 0 after an error. */
static uint8_t picture_form(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    static const char *const words[] = {"MERMAID", "DOT", NULL};
    static const uint8_t kinds[] = {SM_KIND_MERMAID, SM_KIND_DOT};
    int word = argc == 3 ? sm_word(argv[2], words) : 0;

    if (word >= 0) return kinds[word];
    sm_reply_unknown_word(ctx, argv[0], argv[2], "; known are MERMAID, DOT");
    return 0;
}

int sm_diagram_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    uint8_t kind;
    sm_open_key open;

    if (argc < 2 || argc > 3) return RedisModule_WrongArity(ctx);
    if (!(kind = picture_form(ctx, argv, argc))) return REDISMODULE_OK;
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ, &open)) return REDISMODULE_OK;
    ask(ctx, NULL, open.node, kind);
    sm_key_close(&open);
    return REDISMODULE_OK;
}

int sm_render_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    sm_answer answer;
    uint8_t kind;

    if (argc < 2 || argc > 3) return RedisModule_WrongArity(ctx);
    if (!(kind = picture_form(ctx, argv, argc))) return REDISMODULE_OK;
    return reply_answer(ctx, sm_engine_look_at(kind, sm_bytes_of(argv[1]), &answer), &answer);
}

int sm_check_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    sm_answer answer;

    if (argc != 2) return RedisModule_WrongArity(ctx);
    return reply_answer(ctx, sm_engine_look_at(SM_KIND_CHECK, sm_bytes_of(argv[1]), &answer), &answer);
}
