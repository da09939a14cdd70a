/* The steps that a machine has taken: a list, the oldest first.
 *
 *   number: how many
 *   number: Unix milliseconds of the step before them, or of the first
 *   difference: from then to the last
 *   states: where the machine stood before them
 *   and of each
 *     byte: 1: it was forced, 2: an event follows, 4: a reason follows
 *     difference: milliseconds since the one before
 *     text: who asked
 *     text: the event; text: the reason
 *     states: where the machine stood then
 *
 * machine/packed.h has numbers, differences and texts; states are a number and so many texts. The last was the step to
 * the revision that the machine has, and each one before it to one less. */
#ifndef SM_MACHINE_HISTORY_H
#define SM_MACHINE_HISTORY_H

#include "data.h"
#include "machine/packed.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

typedef struct sm_entry {
    uint64_t ms;
    bool forced;
    sm_bytes user, event, reason; /* without a pointer: none */
    sm_bytes from, to;            /* states */
} sm_entry;

/* While a list is read: how many are left, and what the one before has. */
typedef struct sm_history {
    sm_bytes left;
    uint64_t count, last_ms;
    sm_entry at;
} sm_history;

/* False where the list is not well formed. One without a pointer is empty. */
bool sm_history_begin(sm_bytes list, sm_history *history);

/* Goes on to the next entry. False where there is none, or it is not well formed. */
bool sm_history_next(sm_history *history);

/* A list of one entry, which is to follow the list `before`, at a place with this room at most: */
size_t sm_history_one_most(const sm_entry *entry);
sm_bytes sm_history_one(char *room, sm_bytes before, const sm_entry *entry);

/* A list with an entry more, of which so many are kept, at a place with room for both and SM_HISTORY_HEAD bytes. */
enum { SM_LEAST_ENTRY = 4 }; /* bytes of an entry */
enum { SM_HISTORY_HEAD = 3 * SM_VARINT_BYTES };
sm_bytes sm_history_append(char *room, sm_bytes list, sm_bytes one, uint64_t keep);

/* NULL, or what is wrong with a list from outside, of a machine that stands in these states. `utf8_fault` says where
 * text stops being UTF-8. */
const char *sm_history_fault(sm_bytes list, sm_bytes states, size_t (*utf8_fault)(sm_bytes));

/* Takes states off the front: how many there are, and the first is in front then. */
bool sm_states_begin(sm_bytes *states, uint64_t *count);

#pragma GCC visibility pop

#endif
