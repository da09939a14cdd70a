/* What the SM.* commands share: their words and their key. */
#include "commands/keys.h"

#include "reply/effects.h"
#include "reply/errors.h"
#include "reply/server_encoded.h"
#include "settings.h"

int sm_word(const RedisModuleString *argument, const char *const *words) {
    sm_bytes bytes = sm_bytes_of(argument);

    for (int i = 0; words[i]; i++)
        if (sm_is_word(bytes, words[i])) return i;
    return -1;
}

int sm_reply_unknown_word(RedisModuleCtx *ctx, const RedisModuleString *command, const RedisModuleString *argument,
                          const char *known) {
    return sm_reply_error_about(ctx, "syntax error: ", sm_bytes_of(argument), " is no option of ", sm_bytes_of(command),
                                known);
}

int sm_reply_step(RedisModuleCtx *ctx, enum sm_reply reply, const sm_target *target, const sm_outcome *outcome) {
    bool has_error = outcome->data && outcome->data->parts[SM_PART_ERROR].ptr;
    sm_answer answer = {.node = outcome->node,
                        .effects = outcome->reply,
                        .revision = target->revision,
                        .status = sm_status(outcome->node, has_error)};

    if (!reply) return sm_reply_states(ctx, outcome->node);
    return reply == SM_REPLY_ACTIONS ? sm_reply_actions(ctx, &answer) : sm_reply_effects(ctx, &answer);
}

__attribute__((cold)) bool sm_key_is_empty(RedisModuleCtx *ctx, RedisModuleKey *key) {
    if (!key || RedisModule_KeyType(key) == REDISMODULE_KEYTYPE_EMPTY) return true;
    RedisModule_CloseKey(key);
    RedisModule_ReplyWithError(ctx, REDISMODULE_ERRORMSG_WRONGTYPE);
    return false;
}

__attribute__((cold)) int sm_reply_no_machine(RedisModuleCtx *ctx, const RedisModuleString *name) {
    if (!sm_config.invalid_transition) return RedisModule_ReplyWithNull(ctx);
    return sm_reply_error_about(ctx, "no such key: ", sm_bytes_of(name), "", (sm_bytes){NULL, 0}, "");
}

__attribute__((cold)) int sm_reply_is_there(RedisModuleCtx *ctx, const RedisModuleString *name) {
    if (!sm_config.invalid_transition) return RedisModule_ReplyWithNull(ctx);
    return sm_reply_error_about(ctx, "the key is there already: ", sm_bytes_of(name), "", (sm_bytes){NULL, 0}, "");
}
