/* Machines, as keys hold them. Only this folder knows how a key's word is read, and counts where machines stand.
 *
 * The word is a pointer to a node where a machine is only where it stands, so that it takes no memory of its own and a
 * step changes one word; otherwise a pointer to a block that begins with the node, tagged in its lowest bits: one with
 * a reason alone, or one with all that a machine keeps. What the server's allocator gives is aligned to eight bytes at
 * least. */
#ifndef SM_MACHINE_MACHINE_H
#define SM_MACHINE_MACHINE_H

#include "data.h"
#include "memo/memo.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

typedef struct sm_machine sm_machine;

enum { SM_TAG_REASON = 1, SM_TAG_DATA = 2, SM_TAG_WAITS = 4, SM_TAGS = 7 }; /* the third beside the second */

/* A node with a reason. */
typedef struct sm_reason {
    sm_node *node;
    uint32_t len, room; /* longer reasons are refused */
    char text[];
} sm_reason;

static inline bool sm_machine_is_node(const sm_machine *machine) {
    return !((uintptr_t)machine & SM_TAGS);
}

/* Whether it keeps more than a reason. */
static inline bool sm_machine_keeps(const sm_machine *machine) {
    return (uintptr_t)machine & SM_TAG_DATA;
}

/* Whether it has deadlines or tasks. */
static inline bool sm_machine_waits(const sm_machine *machine) {
    return (uintptr_t)machine & SM_TAG_WAITS;
}

static inline void *sm_machine_block(const sm_machine *machine) {
    uintptr_t word = (uintptr_t)machine;

    return word & SM_TAGS ? (void *)(word & ~(uintptr_t)SM_TAGS) : NULL;
}

static inline sm_node *sm_machine_node(const sm_machine *machine) {
    sm_node *const *block = sm_machine_block(machine);

    return block ? *block : (sm_node *)(uintptr_t)machine;
}

/* Whether that is more than a reason. */
bool sm_data_is_more(const sm_data *data);

/* Of the steps that it has taken; 0: none is counted. */
uint64_t sm_machine_revision(const sm_machine *machine);

/* What it keeps. */
void sm_machine_data(const sm_machine *machine, sm_data *data);

/* Whether it has a reason (an empty one is one too), and which. */
bool sm_machine_reason(const sm_machine *machine, sm_bytes *reason);

/* "active", "done" or "error". */
const char *sm_status(const sm_node *node, bool has_error);
const char *sm_machine_status(const sm_machine *machine);

/* A machine that stands on a node, with what it keeps or, where that is NULL, nothing. */
sm_machine *sm_machine_new(sm_node *node, const sm_data *data);
sm_machine *sm_machine_copy(const sm_machine *machine);

/* Any thread. */
void sm_machine_free(sm_machine *machine);

/* Whether it stands on that node already, and keeps that reason, or none, and nothing else. */
bool sm_machine_stands(const sm_machine *machine, const sm_node *node, const sm_bytes *reason);

/* Whether it stands on that node already, and keeps just that. */
bool sm_machine_is(const sm_machine *machine, const sm_node *node, const sm_data *data);

/* The machine goes to a node: along a cached edge of the node where it stands, or, where that is NULL, otherwise. It
 * may be another pointer from then on. It keeps a reason or nothing, before and after: */
sm_machine *sm_machine_move(sm_machine *machine, sm_node *node, sm_cached_edge *edge, const sm_bytes *reason);
/* whatever it kept, it keeps this then, which may point into what it kept: */
sm_machine *sm_machine_keep(sm_machine *machine, sm_node *node, sm_cached_edge *edge, const sm_data *data);
/* it keeps what it kept, but that its revision, which this says, is one more. False where it counts none, or keeps
 * another text than a context: then nothing happened. */
bool sm_machine_step(sm_machine *machine, sm_node *node, sm_cached_edge *edge, uint64_t *revision);

/* Whether it has left its key, and may be at another whose name is not known. Only where it waits. */
bool sm_machine_is_lost(const sm_machine *machine);
void sm_machine_set_lost(sm_machine *machine, bool lost);

/* Bytes that it takes beside its key and its node. */
size_t sm_machine_bytes(const sm_machine *machine);

/* The machine in memory that lies better for the server's defragmentation: the same, or a new pointer. */
sm_machine *sm_machine_defrag(sm_machine *machine, RedisModuleDefragCtx *ctx);

typedef struct sm_machine_counters {
    sm_tally machines;
    sm_tally bytes; /* of blocks */
    sm_tally timers, tasks;
    sm_tally lost;
} sm_machine_counters;

extern sm_machine_counters sm_machine_counts;

#pragma GCC visibility pop

#endif
