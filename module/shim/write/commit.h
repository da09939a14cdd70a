/* The one end of every write. */
#ifndef SM_WRITE_COMMIT_H
#define SM_WRITE_COMMIT_H

#include "engine/engine.h"
#include "machine/machine.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* The key of a write, open for writing. */
typedef struct sm_target {
    RedisModuleKey *key;
    RedisModuleString *name;
    sm_machine *machine; /* NULL: no such key */
    bool replaces;       /* the machine there is replaced by another, and its TTL goes, as with SET */
} sm_target;

/* The machine stands from now on where an outcome says, with a reason or none. Replicas and the AOF get the command as
 * it came, WATCH wakes, the event is published; where nothing changes, none of it. The key is closed then, and the
 * client is not answered yet: its reply comes after all that other modules' code may do. */
void sm_commit(RedisModuleCtx *ctx, sm_target *target, const sm_outcome *outcome, const sm_bytes *reason,
               const char *event);

#pragma GCC visibility pop

#endif
