/* When to look at which key: one entry for each key whose machine waits for a deadline, the earliest first. What is
 * true stands in the machine; an entry that is out of date costs one look. */
#ifndef SM_TIMERS_INDEX_H
#define SM_TIMERS_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "redis_api.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

typedef struct sm_timer_index sm_timer_index;

/* What an entry says. */
typedef struct sm_timer_look {
    uint64_t ms;     /* Unix time */
    uint64_t number; /* among those of one millisecond: in the order in which they were armed */
    uint8_t refused; /* how often the server has refused it since it last fired, at most: */
} sm_timer_look;

enum { SM_MOST_REFUSED = 15 };

sm_timer_index *sm_timer_index_new(void);
void sm_timer_index_free(sm_timer_index *index);
size_t sm_timer_index_count(const sm_timer_index *index);

/* The first; false where there is none. The key's bytes stay until the index changes. */
bool sm_timer_index_first(const sm_timer_index *index, int *db, sm_bytes *key, sm_timer_look *look);

bool sm_timer_index_find(const sm_timer_index *index, int db, sm_bytes key, sm_timer_look *look);
void sm_timer_index_set(sm_timer_index *index, int db, sm_bytes key, const sm_timer_look *look);
void sm_timer_index_remove(sm_timer_index *index, int db, sm_bytes key);
void sm_timer_index_remove_first(sm_timer_index *index);

/* All keys of a database have gone; -1: of all. */
void sm_timer_index_flush(sm_timer_index *index, int db);

void sm_timer_index_swap(sm_timer_index *index, int first, int second);

#pragma GCC visibility pop

#endif
