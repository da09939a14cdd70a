/* The conditions of a write: IFREV, IFSTATE. */
#ifndef SM_COMMANDS_CONDITIONS_H
#define SM_COMMANDS_CONDITIONS_H

#include "commands/options.h"
#include "write/commit.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

bool sm_conditions_look(RedisModuleCtx *ctx, const sm_target *target, const sm_options *options);

/* Whether the machine of an open key, or that there is none, is as the command wants it. Otherwise the key is closed,
 * and the client has its error. */
static inline bool sm_conditions_hold(RedisModuleCtx *ctx, const sm_target *target, const sm_options *options) {
    return !(options->found & SM_CONDITIONS) || sm_conditions_look(ctx, target, options);
}

#pragma GCC visibility pop

#endif
