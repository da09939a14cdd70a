/* What a step answers that was asked for its effects. */
#include "reply/effects.h"

#include <string.h>

#include "reply/tokens.h"

static void put_effects(RedisModuleCtx *ctx, sm_bytes effects) {
    if (effects.len) sm_reply_tokens(ctx, effects);
    else RedisModule_ReplyWithArray(ctx, 0);
}

static void put_word(RedisModuleCtx *ctx, const char *word) {
    RedisModule_ReplyWithStringBuffer(ctx, word, strlen(word));
}

int sm_reply_actions(RedisModuleCtx *ctx, const sm_node *node, sm_bytes effects) {
    RedisModule_ReplyWithArray(ctx, 2);
    sm_reply_tokens(ctx, node->details->states);
    put_effects(ctx, effects);
    return REDISMODULE_OK;
}

int sm_reply_effects(RedisModuleCtx *ctx, const sm_node *node, sm_bytes effects, uint64_t revision,
                     const char *status) {
    RedisModule_ReplyWithMap(ctx, 4);
    put_word(ctx, "states");
    sm_reply_tokens(ctx, node->details->states);
    put_word(ctx, "effects");
    put_effects(ctx, effects);
    put_word(ctx, "revision");
    if (revision) RedisModule_ReplyWithLongLong(ctx, (long long)revision);
    else RedisModule_ReplyWithNull(ctx);
    put_word(ctx, "status");
    put_word(ctx, status);
    return REDISMODULE_OK;
}
