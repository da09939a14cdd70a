/* What a step adds to what its machine keeps of its past: an entry of its history, the token of its command with the
 * reply, and when its key is to go. */
#ifndef SM_WRITE_RECORD_H
#define SM_WRITE_RECORD_H

#include "write/commit.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* Adds that to the data that the machine is to keep, in the outcome's room; `held` is what it kept, or nothing, and the
 * reason the step's own, or NULL. */
void sm_record_step(const sm_target *target, sm_outcome *outcome, const sm_data *held, const sm_bytes *reason,
                    sm_data *data, sm_record *record);

/* The TTL that the machine's key has because it is done; 0: none. */
uint64_t sm_expires(const sm_data *data);

#pragma GCC visibility pop

#endif
