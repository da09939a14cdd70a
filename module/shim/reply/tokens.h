/* Replies in tokens, as the engine gives them: '*' and a count (an array of so many replies follows), '$' a length and
 * bytes, ':' a number. Counts, lengths and numbers are 32 bits, in the machine's order. */
#ifndef SM_REPLY_TOKENS_H
#define SM_REPLY_TOKENS_H

#include <stdbool.h>

#include "bytes.h"
#include "redis_api.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* Takes so many bytes off the front. False where there are fewer. */
bool sm_tokens_take(sm_bytes *tokens, void *into, size_t len);

/* Takes a string off the front. */
bool sm_tokens_string(sm_bytes *tokens, sm_bytes *string);

int sm_reply_tokens(RedisModuleCtx *ctx, sm_bytes tokens);

#pragma GCC visibility pop

#endif
