/* The outbox: each effect of a step becomes an entry of a stream, together with the step or not at all.
 *
 * An entry has the fields id, key, machine, type, params, task, event, revision and ms; those of which there is nothing
 * to say are left out. */
#ifndef SM_WRITE_OUTBOX_H
#define SM_WRITE_OUTBOX_H

#include "engine/engine.h"
#include "write/commit.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* What has been written for one step. */
typedef struct sm_outbox_batch {
    RedisModuleString *stream; /* NULL: nothing */
    struct sm_outbox_entry *entries;
    size_t count;
    size_t length; /* of the stream, where it was trimmed; else 0 */
} sm_outbox_batch;

/* Writes what a step of the machine at the key asks for, before anything of the machine changes; `data` is what it
 * keeps then. False where it cannot be written: nothing is, and the outcome is an error. */
bool sm_outbox_write(RedisModuleCtx *ctx, sm_target *target, sm_outcome *outcome, const sm_data *data,
                     sm_outbox_batch *batch);

/* Replicas and the AOF get what was written. */
void sm_outbox_replicate(RedisModuleCtx *ctx, const sm_outbox_batch *batch);

/* The stream's event, after everything else. The batch is empty then. */
void sm_outbox_end(RedisModuleCtx *ctx, sm_outbox_batch *batch);

/* Whether the user of a command may let machines of that definition write at that key, as far as it can be known before
 * a step; otherwise the outcome is an error. */
bool sm_outbox_admit(RedisModuleCtx *ctx, const RedisModuleString *key, const sm_outbox *outbox, sm_outcome *outcome);

extern uint64_t sm_outbox_entries; /* written */

#pragma GCC visibility pop

#endif
