/* Deadlines that fire: what is due is given to its machine by SM.DUE, as a client would, on a primary alone.
 *
 *   index.c   when to look at which key
 *   timers.c  the server's timer, and what it does
 *   events.c  how names are kept true: what the server tells
 *   names.c   and where it must not be asked */
#ifndef SM_TIMERS_TIMERS_H
#define SM_TIMERS_TIMERS_H

#include "machine/machine.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* Before anything else here. Machines have this type. */
bool sm_timers_start(RedisModuleCtx *ctx, RedisModuleType *type);

/* The server's cron. */
void sm_timers_check(void);

/* A key holds this machine from now on. */
void sm_timers_note(int db, sm_bytes key, const sm_machine *machine);

/* The same while a snapshot is loaded: into what comes in place of all, where the old data serve meanwhile. */
void sm_timers_note_loaded(int db, sm_bytes key, const sm_machine *machine);

/* A key has lost its machine, which another may have already. */
void sm_timers_left(int db, sm_bytes key, sm_machine *machine);

/* ---- in this folder ---- */

void sm_timers_forget(int db, sm_bytes key);

void sm_timers_flush(int db);
void sm_timers_swap(int first, int second);

enum sm_async_load { SM_ASYNC_LOAD_BEGINS, SM_ASYNC_LOAD_FAILS, SM_ASYNC_LOAD_ENDS };

void sm_timers_async_load(enum sm_async_load what);

/* Microseconds of a clock that nobody sets. */
uint64_t sm_microseconds(void);

bool sm_timers_listen(RedisModuleCtx *ctx, RedisModuleType *type);

/* Called once there is a deadline: who has none is not told of all keys. */
void sm_timers_listen_to_keys(RedisModuleCtx *ctx);

void sm_names_start(RedisModuleCtx *own, RedisModuleType *type);

/* Whether the server tells the names of keys that get their values by its commands. If so, the others do nothing. */
bool sm_names_are_told(void);

void sm_names_left(int db, sm_bytes key, sm_machine *machine);
void sm_names_swap(int first, int second);

typedef struct sm_timers_counters {
    uint64_t fired, late_most; /* late: milliseconds */
} sm_timers_counters;

extern sm_timers_counters sm_timers_counts;

/* Unix milliseconds of the next deadline; 0: there is none. */
uint64_t sm_timers_next(void);
size_t sm_timers_keys(void);

#pragma GCC visibility pop

#endif
