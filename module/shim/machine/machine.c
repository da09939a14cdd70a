/* Machines, as keys hold them: the key's word, made, changed and freed. */
#include "machine/machine.h"

#include <string.h>

sm_machine_counters sm_machine_counts;

static sm_machine *tagged(sm_reason *block) {
    return (sm_machine *)((uintptr_t)block | 1);
}

static void write_reason(sm_reason *block, const sm_bytes *reason) {
    block->len = (uint32_t)reason->len;
    memcpy(block->text, reason->ptr, reason->len);
}

static sm_machine *word_of(sm_node *node, const sm_bytes *reason) {
    sm_reason *block;

    if (!reason) return (sm_machine *)node;
    block = RedisModule_Alloc(sizeof(*block) + reason->len);
    block->node = node;
    block->room = (uint32_t)reason->len;
    write_reason(block, reason);
    sm_machine_counts.bytes.in += RedisModule_MallocSize(block);
    return tagged(block);
}

sm_machine *sm_machine_new(sm_node *node, const sm_bytes *reason) {
    sm_node_count_machine(node);
    sm_machine_counts.machines.in++;
    return word_of(node, reason);
}

void sm_machine_free(sm_machine *machine) {
    sm_reason *block = sm_machine_block(machine);

    atomic_fetch_add_explicit(&sm_machine_counts.machines.out, 1, memory_order_relaxed);
    sm_node_machine_gone(sm_machine_node(machine));
    if (!block) return;
    atomic_fetch_add_explicit(&sm_machine_counts.bytes.out, RedisModule_MallocSize(block), memory_order_relaxed);
    RedisModule_Free(block);
}

bool sm_machine_stands(const sm_machine *machine, const sm_node *node, const sm_bytes *reason) {
    sm_bytes had;
    bool had_one = sm_machine_reason(machine, &had);

    return sm_machine_node(machine) == node && had_one == (reason != NULL) &&
           (!reason || (had.len == reason->len && memcmp(had.ptr, reason->ptr, had.len) == 0));
}

/* A block that fits is kept, so that a machine that is given a reason at every step allocates seldom. */
sm_machine *sm_machine_move(sm_machine *machine, sm_node *node, sm_cached_edge *edge, const sm_bytes *reason) {
    sm_reason *block = sm_machine_block(machine);

    if (edge) sm_node_count_cached_move(sm_machine_node(machine), edge);
    else sm_node_count_move(sm_machine_node(machine), node);
    if (block && reason && block->room >= reason->len && reason->len >= block->room / 2) {
        block->node = node;
        write_reason(block, reason);
        return machine;
    }
    machine = word_of(node, reason);
    if (block) {
        sm_machine_counts.bytes.in -= RedisModule_MallocSize(block);
        RedisModule_Free(block);
    }
    return machine;
}

size_t sm_machine_bytes(const sm_machine *machine) {
    sm_reason *block = sm_machine_block(machine);

    return block ? RedisModule_MallocSize(block) : 0;
}

sm_machine *sm_machine_defrag(sm_machine *machine, RedisModuleDefragCtx *ctx) {
    sm_reason *block = sm_machine_block(machine);
    sm_reason *moved = block ? RedisModule_DefragAlloc(ctx, block) : NULL;

    return moved ? tagged(moved) : machine;
}
