/* What an outcome does to the deadlines and tasks of a machine: it says how long from now, and the clock and the
 * handles are added here, once, by the server that takes the step. */
#ifndef SM_WRITE_SETTLE_H
#define SM_WRITE_SETTLE_H

#include <string.h>

#include "engine/engine.h"
#include "machine/waits.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* What a command does to them beside its outcome; numbers are those of handles, 0: none. */
typedef struct sm_waiting {
    uint64_t fired;    /* this deadline is pending no more */
    uint64_t marked;   /* this one has a new status, and nothing else happens */
    uint64_t reported; /* this task has ended */
    uint64_t retried;  /* this task is handed out once more */
    uint8_t mark;      /* enum sm_timer_status */
    bool stays;        /* no transition is taken: the reason stays */
    const sm_wait *timer; /* the marked one, as it was, */
    sm_bytes error;    /* and why it has failed */
} sm_waiting;

/* Completes an outcome of a machine whose definition waits: its data holds all deadlines and tasks then, unless nothing
 * of the machine's data changes, and its effects, where they are wanted, the handles of tasks. `waiting` may be NULL;
 * `held` is what the machine kept, or nothing; `anew`: it is begun anew. False where it would wait for too much: the
 * outcome is an error then. */
bool sm_settle(sm_outcome *outcome, const sm_waiting *waiting, bool with_effects, const sm_data *held, bool anew);

static inline bool sm_same(sm_bytes one, sm_bytes other) {
    return one.len == other.len && (!one.len || memcmp(one.ptr, other.ptr, one.len) == 0);
}

/* A number that never comes again: milliseconds and 20 random bits, or the next where that is not above the last. */
uint64_t sm_new_number(uint64_t now);

#pragma GCC visibility pop

#endif
