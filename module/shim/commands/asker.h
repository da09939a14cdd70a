/* Who asks, for the history of a machine. */
#ifndef SM_COMMANDS_ASKER_H
#define SM_COMMANDS_ASKER_H

#include "commands/keys.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* The name of the ACL user that asked, or "(module)" where there is none. In a script, and where a module calls, the
 * server is asked, which runs other modules' code: no key is open then. */
sm_bytes sm_asker_name(RedisModuleCtx *ctx);

bool sm_asker_find(RedisModuleCtx *ctx, sm_target *target);

/* Opens the key of a write, and finds who asks where the machine there keeps a history. False as sm_key_open. */
static inline bool sm_asker_open(RedisModuleCtx *ctx, RedisModuleString *name, sm_target *target) {
    if (!sm_key_open(ctx, name, REDISMODULE_READ | REDISMODULE_WRITE, target)) return false;
    if (!target->machine || !sm_machine_node(target->machine)->details->definition->history) return true;
    return sm_asker_find(ctx, target);
}

#pragma GCC visibility pop

#endif
