/* The settings redisstate.*, and what the server's own say that matters here. */
#ifndef SM_SETTINGS_H
#define SM_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "redis_api.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

#define SM_MODULE_NAME "redisstate"

typedef struct sm_settings {
    int invalid_transition;     /* 0: nil, 1: error */
    int server_encoded_replies; /* 0: every reply is put together for its command */
    int fire_timers;            /* 0: all deadlines wait */
    const char *outbox_streams; /* a pattern: the streams that machines may write to */
    long long document_bytes, states, elements, nesting, context_bytes, expression_steps, history, tokens, memo_bytes;
} sm_settings;

extern sm_settings sm_config;
extern uint64_t sm_maxmemory; /* the server's, in bytes; 0: none */

/* `limits_changed` is called when the limits of documents have been set. */
bool sm_settings_register(RedisModuleCtx *ctx, void (*limits_changed)(void));
bool sm_settings_arguments(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);
bool sm_settings_listen(RedisModuleCtx *ctx);

#pragma GCC visibility pop

#endif
