/* Commands that store a machine: SM.SET, SM.CREATE, and SM.TEMPLATE, which says what SM.CREATE stores. */
#include "command_functions.h"
#include "commands/keys.h"
#include "reply/errors.h"
#include "reply/server_encoded.h"

static const char template[] = "{\"current\":\"\",\"map\":{},\"initial\":\"\"}";

/* The machine that a document says. */
static enum sm_result read_document(RedisModuleCtx *ctx, sm_bytes document, sm_outcome *outcome) {
    if (sm_engine_known_document(document, outcome)) return SM_TAKEN;
    return sm_engine_document(document, sm_accepted_before(ctx), outcome);
}

static int finish(RedisModuleCtx *ctx, sm_target *target, const sm_outcome *document, const sm_outcome *outcome,
                  const char *event) {
    if (outcome->result != SM_TAKEN) {
        sm_key_close(target);
        return sm_reply_error(ctx, outcome->error);
    }
    target->replaces = true;
    sm_commit(ctx, target, outcome, document->has_reason ? &document->reason : NULL, event);
    return sm_reply_ok(ctx);
}

/* `current` says where the machine stands, or is NULL: where the document says. */
static int set_document(RedisModuleCtx *ctx, RedisModuleString *name, sm_bytes document, const sm_bytes *current,
                        const char *event) {
    sm_outcome outcome, entered;
    sm_target target;

    if (!sm_key_open(ctx, name, REDISMODULE_READ | REDISMODULE_WRITE, &target)) return REDISMODULE_OK;
    if (read_document(ctx, document, &outcome) != SM_ERROR && current) {
        sm_engine_enter(outcome.definition, outcome.has_history ? outcome.node : NULL, *current,
                        sm_accepted_before(ctx), &entered);
        finish(ctx, &target, &outcome, &entered, event);
        sm_outcome_release(&entered);
    } else {
        finish(ctx, &target, &outcome, &outcome, event);
    }
    sm_outcome_release(&outcome);
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
