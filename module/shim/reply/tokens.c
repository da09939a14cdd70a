/* Replies in tokens, sent. */
#include "reply/tokens.h"

#include <stdint.h>
#include <string.h>

bool sm_tokens_take(sm_bytes *tokens, void *into, size_t len) {
    if (tokens->len < len) return false;
    memcpy(into, tokens->ptr, len);
    tokens->ptr += len;
    tokens->len -= len;
    return true;
}

static bool take_bytes(sm_bytes *tokens, sm_bytes *string) {
    uint32_t len = 0;

    if (!sm_tokens_take(tokens, &len, sizeof(len)) || len > tokens->len) return false;
    *string = (sm_bytes){tokens->ptr, len};
    tokens->ptr += len;
    tokens->len -= len;
    return true;
}

bool sm_tokens_string(sm_bytes *tokens, sm_bytes *string) {
    char token = 0;

    return sm_tokens_take(tokens, &token, 1) && token == '$' && take_bytes(tokens, string);
}

int sm_reply_tokens(RedisModuleCtx *ctx, sm_bytes tokens) {
    while (tokens.len) {
        char token = 0;
        uint32_t count = 0;
        sm_bytes string;

        if (!sm_tokens_take(&tokens, &token, 1)) break;
        if (token == '*' && sm_tokens_take(&tokens, &count, sizeof(count))) {
            RedisModule_ReplyWithArray(ctx, (long)count);
        } else if (token == '$' && take_bytes(&tokens, &string)) {
            RedisModule_ReplyWithStringBuffer(ctx, string.ptr, string.len);
        } else if (token == ':' && sm_tokens_take(&tokens, &count, sizeof(count))) {
            RedisModule_ReplyWithLongLong(ctx, count);
        } else {
            RedisModule_Log(ctx, "warning", "a reply of the engine is not well formed");
            break;
        }
    }
    return REDISMODULE_OK;
}
