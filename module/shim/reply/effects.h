/* What a step answers that was asked for its effects. */
#ifndef SM_REPLY_EFFECTS_H
#define SM_REPLY_EFFECTS_H

#include "machine/machine.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* SM.SEND … ACTIONS: an array of the states and of what the step asks for, in tokens (none: nothing). */
int sm_reply_actions(RedisModuleCtx *ctx, const sm_node *node, sm_bytes effects);

/* SM.SEND … EFFECTS: a map of states, effects, revision (0: none is counted) and status. */
int sm_reply_effects(RedisModuleCtx *ctx, const sm_node *node, sm_bytes effects, uint64_t revision, const char *status);

#pragma GCC visibility pop

#endif
