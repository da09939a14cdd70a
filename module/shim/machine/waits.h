/* What a machine waits for: its deadlines and its tasks, each a list in one part of what it keeps.
 *
 *   64 bits, the lowest byte first: the number that its handle ends in; its upper 44 are the time at which it was given
 *   number: milliseconds from then, in zigzag: when it is due, when it was started; of a change how long from now
 *   byte: its status; of a change, what is to be done; 64 more where the second text follows, 128 where the third does
 *   three texts: its id; the event of a deadline (JSON; none where it is its id's alone: {"type": id}), or the name of
 *   a task's work; why a deadline has failed, or the input of a task (JSON)
 *
 * Times are Unix milliseconds; machine/packed.h has numbers and texts. */
#ifndef SM_MACHINE_WAITS_H
#define SM_MACHINE_WAITS_H

#include "machine/packed.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* Of a deadline. One that is due asks for a guard of the client's; one that has failed has an error. */
enum sm_timer_status { SM_TIMER_WAITING, SM_TIMER_DUE, SM_TIMER_FAILED, SM_TIMER_STATUSES };

/* Of a task: one that was reported is known until its state is left. */
enum sm_task_status { SM_TASK_ACTIVE, SM_TASK_REPORTED, SM_TASK_STATUSES };

/* Of a change that an outcome makes. */
enum sm_wait_change { SM_CHANGE_ARM, SM_CHANGE_CANCEL, SM_CHANGE_SPAWN, SM_CHANGE_STOP, SM_CHANGES };

typedef struct sm_wait {
    uint64_t number, ms;
    uint8_t status;
    sm_bytes id, what, text;
} sm_wait;

enum { SM_NUMBER_BITS = 20 }; /* of a handle's number, below the time */

/* The handle of a task or a deadline is its id, an '@' and its number. */
enum { SM_HANDLE_BYTES = 17 }; /* beside the id */

char *sm_wait_put_handle(char *at, const sm_wait *wait);
char *sm_wait_put_number(char *at, uint64_t number); /* hexadecimal, without leading zeros */

/* Takes the first off a list. False where it is empty, or not well formed. */
bool sm_wait_take(sm_bytes *list, sm_wait *wait);

/* Bytes that one takes at most. */
size_t sm_wait_most(const sm_wait *wait);
char *sm_wait_put(char *at, const sm_wait *wait);

/* How many there are. */
size_t sm_waits_count(sm_bytes list);

enum { SM_MOST_WAITS = 1024, SM_MOST_WAITS_BYTES = 1 << 20 }; /* of one machine: in each list */

/* NULL, or what is wrong with a list from outside. */
const char *sm_waits_fault(sm_bytes list, uint8_t statuses);

/* The one with a handle. */
bool sm_waits_find(sm_bytes list, sm_bytes handle, sm_wait *found);

/* The deadline that is to fire first. False where none waits. */
bool sm_waits_earliest(sm_bytes timers, sm_wait *earliest);

#pragma GCC visibility pop

#endif
