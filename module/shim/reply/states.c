/* States that are kept, put and answered. */
#include "reply/states.h"

#include "reply/tokens.h"

char *sm_states_pack(char *at, sm_bytes tokens) {
    uint32_t count = 0;
    sm_bytes state;
    char token = 0;

    if (!sm_tokens_take(&tokens, &token, 1) || !sm_tokens_take(&tokens, &count, sizeof(count))) count = 0;
    at = sm_put_varint(at, count);
    while (count-- && sm_tokens_string(&tokens, &state)) at = sm_put_text(at, state);
    return at;
}

void sm_reply_packed_states(RedisModuleCtx *ctx, sm_bytes states) {
    uint64_t count = 0;
    sm_bytes state = {"", 0};

    sm_states_begin(&states, &count);
    RedisModule_ReplyWithArray(ctx, (long)count);
    while (count--) {
        sm_take_text(&states, &state);
        RedisModule_ReplyWithStringBuffer(ctx, state.ptr, state.len);
    }
}
