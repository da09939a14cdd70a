/* Machines, as keys hold them. Only this folder knows how a key's word is read, and counts where machines stand.
 *
 * The word is a pointer to a node where there is no reason, so that a machine takes no memory of its own and a step
 * changes one word; otherwise a pointer to a block with both, tagged in its lowest bit. What the server's allocator
 * gives is aligned to eight bytes at least. */
#ifndef SM_MACHINE_MACHINE_H
#define SM_MACHINE_MACHINE_H

#include "memo/memo.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

typedef struct sm_machine sm_machine;

/* A node with a reason. */
typedef struct sm_reason {
    sm_node *node;
    uint32_t len, room; /* longer reasons are refused */
    char text[];
} sm_reason;

static inline sm_reason *sm_machine_block(const sm_machine *machine) {
    uintptr_t word = (uintptr_t)machine;

    return word & 1 ? (sm_reason *)(word - 1) : NULL;
}

static inline sm_node *sm_machine_node(const sm_machine *machine) {
    const sm_reason *block = sm_machine_block(machine);

    return block ? block->node : (sm_node *)(uintptr_t)machine;
}

/* Whether it has a reason (an empty one is one too), and which. */
static inline bool sm_machine_reason(const sm_machine *machine, sm_bytes *reason) {
    const sm_reason *block = sm_machine_block(machine);

    *reason = block ? (sm_bytes){block->text, block->len} : (sm_bytes){"", 0};
    return block != NULL;
}

/* A machine that stands on a node, with a reason or, where that is NULL, none. */
sm_machine *sm_machine_new(sm_node *node, const sm_bytes *reason);

/* Any thread. */
void sm_machine_free(sm_machine *machine);

/* Whether it stands on that node with that reason already. */
bool sm_machine_stands(const sm_machine *machine, const sm_node *node, const sm_bytes *reason);

/* The machine goes to a node, with a new reason or none: along a cached edge of the node where it stands, or, where
 * that is NULL, otherwise. It may be another pointer from then on. */
sm_machine *sm_machine_move(sm_machine *machine, sm_node *node, sm_cached_edge *edge, const sm_bytes *reason);

/* Bytes that it takes beside its key and its node. */
size_t sm_machine_bytes(const sm_machine *machine);

/* The machine in memory that lies better for the server's defragmentation: the same, or a new pointer. */
sm_machine *sm_machine_defrag(sm_machine *machine, RedisModuleDefragCtx *ctx);

typedef struct sm_machine_counters {
    sm_tally machines;
    sm_tally bytes; /* of blocks */
} sm_machine_counters;

extern sm_machine_counters sm_machine_counts;

#pragma GCC visibility pop

#endif
