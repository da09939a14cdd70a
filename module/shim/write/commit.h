/* The one end of every write. */
#ifndef SM_WRITE_COMMIT_H
#define SM_WRITE_COMMIT_H

#include "engine/engine.h"
#include "machine/machine.h"
#include "type/applied.h"
#include "write/settle.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* The event of a start. */
#define SM_START_EVENT ((sm_bytes){"xstate.init", 11})

/* The key of a write, open for writing. */
typedef struct sm_target {
    RedisModuleKey *key;
    RedisModuleString *name;
    sm_machine *machine; /* NULL: no such key */
    bool replaces;       /* the machine there is replaced by another, and its TTL goes, as with SET */
    uint64_t revision;   /* after the write; 0: none is counted */
    bool with_effects;   /* its effects are answered */
    sm_bytes cause;      /* the event that outbox and history name; without a pointer: none */
    bool forced;         /* whatever the transitions say */
    sm_bytes user;       /* who asks, where the machine keeps a history */
    const struct sm_token *token; /* of the command, to be kept with its reply, or NULL */
    const sm_waiting *waiting; /* what the command does to deadlines and tasks beside its outcome, or NULL */
} sm_target;

/* Whether what refuses a write with that code may be otherwise in a while: memory is full, a slot moves. */
bool sm_may_pass(const char *code);

/* The machine stands from now on where an outcome says, with a reason or none, and keeps what it says. Where it would
 * keep too much, or its outbox cannot be written, nothing happens but that the outcome becomes an error. Replicas and
 * the AOF get the command as it came, or where its outcome depends on data or the clock that outcome, and what was
 * written to the outbox; WATCH wakes, the event is published; where nothing changes, none of it. The outcome's data and
 * reply may be others then. The key is closed, and the client is not answered yet: its reply comes after all that other
 * modules' code may do. */
void sm_commit(RedisModuleCtx *ctx, sm_target *target, sm_outcome *outcome, const sm_bytes *reason,
               enum sm_event event);

/* The same for SM.APPLY: the machine stands on that node and keeps just that, and where it `expires`, its key has from
 * now on the TTL that it keeps. */
void sm_commit_applied(RedisModuleCtx *ctx, sm_target *target, sm_node *node, const sm_data *data, bool expires,
                       enum sm_event event);

#pragma GCC visibility pop

#endif
