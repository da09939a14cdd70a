/* States as a machine's history and tokens keep them: a number, and so many texts (machine/packed.h). */
#ifndef SM_REPLY_STATES_H
#define SM_REPLY_STATES_H

#include "machine/history.h"
#include "redis_api.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* Puts an array of strings in tokens, which takes no more bytes then, and gives where they end. */
char *sm_states_pack(char *at, sm_bytes tokens);

/* Answers them as an array. */
void sm_reply_packed_states(RedisModuleCtx *ctx, sm_bytes states);

#pragma GCC visibility pop

#endif
