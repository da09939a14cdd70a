/* Commands that store a machine: SM.SET, SM.CREATE, and SM.TEMPLATE, which says what SM.CREATE stores. */
#include "command_functions.h"
#include "commands/command.h"

static const char template[] = "{\"current\":\"\",\"map\":{},\"initial\":\"\"}";

/* The machine that a document says, standing where `current` says where it is not NULL. SM_STRAY never comes out. */
static enum sm_outcome read_document(RedisModuleCtx *ctx, sm_bytes document, const sm_bytes *current,
                                     sm_definition **held, sm_answer *answer, sm_answer *entered) {
    enum sm_outcome outcome = sm_engine_known_document(document, held, answer)
                                  ? SM_TAKEN
                                  : sm_engine_document(document, sm_accepted_before(ctx), held, answer);

    if (outcome == SM_ERROR || !current) return outcome == SM_STRAY ? SM_ERROR : outcome;
    outcome = sm_engine_enter(*held, answer->has_history ? answer->node : NULL, *current, sm_accepted_before(ctx),
                              entered);
    answer->node = entered->node;
    answer->error = entered->error;
    return outcome;
}

static int set_document(RedisModuleCtx *ctx, RedisModuleString *name, sm_bytes document, const sm_bytes *current,
                        const char *event) {
    sm_definition *definition = NULL;
    sm_answer answer, entered = {.node = NULL};
    enum sm_outcome outcome;
    sm_open_key open;

    if (!sm_key_open(ctx, name, REDISMODULE_READ | REDISMODULE_WRITE, &open)) return REDISMODULE_OK;
    outcome = read_document(ctx, document, current, &definition, &answer, &entered);
    if (outcome == SM_TAKEN && sm_key_store(&open, answer.node, answer.has_reason ? &answer.reason : NULL))
        sm_commit(ctx, name, &open, event);
    else
        sm_key_close(&open);
    if (outcome == SM_TAKEN) sm_reply_ok(ctx);
    else sm_reply_error(ctx, answer.error);
    if (current && definition) sm_answer_release(&entered);
    if (definition) sm_definition_release(definition);
    sm_answer_release(&answer);
    return REDISMODULE_OK;
}

int sm_set_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    sm_bytes current;

    if (argc < 3 || argc > 4) return RedisModule_WrongArity(ctx);
    if (argc == 4) current = sm_bytes_of(argv[3]);
    return set_document(ctx, argv[1], sm_bytes_of(argv[2]), argc == 4 ? &current : NULL, "sm.set");
}

int sm_create_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    if (argc != 2) return RedisModule_WrongArity(ctx);
    return set_document(ctx, argv[1], (sm_bytes){template, sizeof(template) - 1}, NULL, "sm.create");
}

int sm_template_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    (void)argv;
    if (argc != 1) return RedisModule_WrongArity(ctx);
    return RedisModule_ReplyWithStringBuffer(ctx, template, sizeof(template) - 1);
}
