/* Machines, as keys hold them: a pointer to a node where there is no reason, so that a machine takes no memory of its
 * own and a transition changes one word; otherwise a tagged pointer to a block with both.
 *
 * Pointers are tagged in their lowest bit: what the server's allocator gives is aligned to eight bytes at least. */
#include <string.h>

#include "shim.h"

static sm_machine *tagged(sm_reason *block) {
    return (sm_machine *)((uintptr_t)block | 1);
}

/* Server threads may free a machine while the main thread counts others: see sm_tally. */
static void stand(sm_node *node) {
    node->details->definition->machines.in++;
    node->details->machines.in++;
    sm_memo_occupy(node);
}

/* Runs on any thread. Unless this is the main thread, the node may be gone after the first count, the definition after
 * the second. */
static void leave(sm_node *node) {
    sm_details *details = node->details;
    sm_definition *definition = details->definition;

    atomic_fetch_add_explicit(&details->machines.out, 1, memory_order_release);
    atomic_fetch_add_explicit(&definition->machines.out, 1, memory_order_release);
    if (sm_on_main_thread()) sm_memo_machine_gone(definition);
}

static void write_reason(sm_reason *block, const sm_bytes *reason) {
    block->len = (uint32_t)reason->len;
    memcpy(block->text, reason->ptr, reason->len);
}

static inline sm_machine *pointer_to(sm_node *node, const sm_bytes *reason) {
    sm_reason *block;

    if (!reason) return (sm_machine *)node;
    block = RedisModule_Alloc(sizeof(*block) + reason->len);
    block->node = node;
    block->room = (uint32_t)reason->len;
    write_reason(block, reason);
    sm_counts.machine_bytes.in += RedisModule_MallocSize(block);
    return tagged(block);
}

sm_machine *sm_machine_new(sm_node *node, const sm_bytes *reason) {
    stand(node);
    sm_counts.machines.in++;
    return pointer_to(node, reason);
}

size_t sm_machine_bytes(const sm_machine *machine) {
    sm_reason *block = sm_machine_block(machine);
    return block ? RedisModule_MallocSize(block) : 0;
}

void sm_machine_free(sm_machine *machine) {
    sm_reason *block = sm_machine_block(machine);

    atomic_fetch_add_explicit(&sm_counts.machines.out, 1, memory_order_relaxed);
    leave(sm_machine_node(machine));
    if (!block) return;
    atomic_fetch_add_explicit(&sm_counts.machine_bytes.out, RedisModule_MallocSize(block), memory_order_relaxed);
    RedisModule_Free(block);
}

void sm_machine_count_move(sm_node *was, sm_node *is) {
    sm_details *from = was->details, *to = is->details;

    from->machines.in--;
    to->machines.in++;
    sm_memo_occupy(is);
    sm_memo_vacate(was);
    if (from->definition == to->definition) return;
    to->definition->machines.in++;
    from->definition->machines.in--;
    sm_memo_machine_gone(from->definition);
}

/* A block that fits is kept, so that a machine that is given a reason at every step allocates seldom. */
sm_machine *sm_machine_move(sm_machine *machine, sm_node *node, const sm_bytes *reason) {
    sm_reason *block = sm_machine_block(machine);

    if (block && reason && block->room >= reason->len && reason->len >= block->room / 2) {
        block->node = node;
        write_reason(block, reason);
        return machine;
    }
    machine = pointer_to(node, reason);
    if (block) {
        sm_counts.machine_bytes.in -= RedisModule_MallocSize(block);
        RedisModule_Free(block);
    }
    return machine;
}

sm_machine *sm_machine_defrag(sm_machine *machine, RedisModuleDefragCtx *ctx) {
    sm_reason *block = sm_machine_block(machine);
    sm_reason *moved = block ? RedisModule_DefragAlloc(ctx, block) : NULL;

    return moved ? tagged(moved) : machine;
}
