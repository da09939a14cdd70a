/* The one end of every write. */
#ifndef SM_WRITE_COMMIT_H
#define SM_WRITE_COMMIT_H

#include "engine/engine.h"
#include "machine/machine.h"
#include "type/applied.h"
#include "write/settle.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* The key of a write, open for writing. */
typedef struct sm_target {
    RedisModuleKey *key;
    RedisModuleString *name;
    sm_machine *machine; /* NULL: no such key */
    bool replaces;       /* the machine there is replaced by another, and its TTL goes, as with SET */
    uint64_t revision;   /* after the write; 0: none is counted */
    uint8_t reply;       /* 0, SM_WITH_ACTIONS or SM_WITH_EFFECTS: what is answered of the effects */
    const sm_waiting *waiting; /* what the command does to deadlines and tasks beside its outcome, or NULL */
} sm_target;

/* Whether a step may be committed: one that makes what its machine keeps larger may not where the server's memory is
 * full. A reason does not count. */
bool sm_fits(RedisModuleCtx *ctx, const sm_target *target, const sm_outcome *outcome);

/* The machine stands from now on where an outcome says, with a reason or none, and keeps what it says. Where it would
 * keep too much, nothing happens but that the outcome becomes an error. Replicas and the AOF get the command as it
 * came, or where its outcome depends on data or the clock that outcome, WATCH wakes, the event is published; where
 * nothing changes, none of it. The outcome's data and reply may be others then. The key is closed, and the client is
 * not answered yet: its reply comes after all that other modules' code may do. */
void sm_commit(RedisModuleCtx *ctx, sm_target *target, sm_outcome *outcome, const sm_bytes *reason,
               enum sm_event event);

/* The same for SM.APPLY: the machine stands on that node and keeps just that. */
void sm_commit_applied(RedisModuleCtx *ctx, sm_target *target, sm_node *node, const sm_data *data,
                       enum sm_event event);

#pragma GCC visibility pop

#endif
