/* Machines, as keys hold them: the key's word, made, changed and freed. */
#include "machine/machine.h"

#include <stddef.h>
#include <string.h>

#include "machine/waits.h"

/* All that a machine keeps. `bytes`: which parts it has, a number with a bit for each; the length of each of them, a
 * number (machine/packed.h); and the parts, one after the other. */
typedef struct sm_block {
    sm_node *node;
    uint64_t lost : 1, revision : 63;
    char bytes[];
} sm_block;

enum { HEAD_BYTES = (1 + SM_PARTS) * SM_VARINT_BYTES }; /* before the parts, at most */

sm_machine_counters sm_machine_counts;

static sm_machine *tagged(void *block, int tag) {
    return (sm_machine *)((uintptr_t)block | (uintptr_t)tag);
}

/* The block that holds all, or NULL. */
static sm_block *whole(const sm_machine *machine) {
    return sm_machine_keeps(machine) ? sm_machine_block(machine) : NULL;
}

static void write_reason(sm_reason *block, const sm_bytes *reason) {
    block->len = (uint32_t)reason->len;
    memcpy(block->text, reason->ptr, reason->len);
}

/* Counts what the machine of a block waits for. */
static void count_waits(const sm_data *data) {
    if (data->parts[SM_PART_TIMERS].ptr)
        sm_machine_counts.timers.in += sm_waits_count(data->parts[SM_PART_TIMERS]);
    if (data->parts[SM_PART_TASKS].ptr) sm_machine_counts.tasks.in += sm_waits_count(data->parts[SM_PART_TASKS]);
}

static void forget_waits(const sm_machine *machine) {
    sm_data data;

    if (!sm_machine_waits(machine)) return;
    if (sm_machine_is_lost(machine)) atomic_fetch_add_explicit(&sm_machine_counts.lost.out, 1, memory_order_relaxed);
    sm_machine_data(machine, &data);
    for (int part = SM_TEXTS; part < SM_WAITS; part++) {
        sm_tally *tally = part == SM_PART_TIMERS ? &sm_machine_counts.timers : &sm_machine_counts.tasks;

        if (data.parts[part].ptr)
            atomic_fetch_add_explicit(&tally->out, sm_waits_count(data.parts[part]), memory_order_relaxed);
    }
}

static void *counted(void *block) {
    sm_machine_counts.bytes.in += RedisModule_MallocSize(block);
    return block;
}

static void give_back(void *block) {
    if (!block) return;
    sm_machine_counts.bytes.in -= RedisModule_MallocSize(block);
    RedisModule_Free(block);
}

static inline sm_machine *with_reason(sm_node *node, const sm_bytes *reason) {
    sm_reason *block;

    if (!reason) return (sm_machine *)node;
    block = counted(RedisModule_Alloc(sizeof(*block) + reason->len));
    block->node = node;
    block->room = (uint32_t)reason->len;
    write_reason(block, reason);
    return tagged(block, SM_TAG_REASON);
}

bool sm_data_is_more(const sm_data *data) {
    if (data->revision) return true;
    for (int part = SM_PART_REASON + 1; part < SM_PARTS; part++)
        if (data->parts[part].ptr) return true;
    return false;
}

static unsigned int bit_of(int part) {
    return 1u << part;
}

/* Which parts it has, and their lengths. */
static char *put_head(char *head, const sm_data *data) {
    unsigned int parts = 0;
    char *at;

    for (int part = 0; part < SM_PARTS; part++) parts |= data->parts[part].ptr ? bit_of(part) : 0;
    at = sm_put_varint(head, parts);
    for (int part = 0; part < SM_PARTS; part++)
        if (data->parts[part].ptr) at = sm_put_varint(at, data->parts[part].len);
    return at;
}

static sm_machine *word_of(sm_node *node, const sm_data *data) {
    char head[HEAD_BYTES];
    size_t head_len, len = 0;
    bool waits = false;
    sm_block *block;
    char *at;

    if (!data || !sm_data_is_more(data))
        return with_reason(node, data && data->parts[SM_PART_REASON].ptr ? &data->parts[SM_PART_REASON] : NULL);
    head_len = (size_t)(put_head(head, data) - head);
    for (int part = 0; part < SM_PARTS; part++) {
        len += data->parts[part].ptr ? data->parts[part].len : 0;
        waits |= part >= SM_TEXTS && part < SM_WAITS && data->parts[part].ptr;
    }
    block = counted(RedisModule_Alloc(offsetof(sm_block, bytes) + head_len + len));
    block->node = node;
    block->revision = data->revision;
    block->lost = 0;
    at = block->bytes;
    sm_put(&at, (sm_bytes){head, head_len});
    for (int part = 0; part < SM_PARTS; part++)
        if (data->parts[part].ptr) sm_put(&at, data->parts[part]);
    count_waits(data);
    return tagged(block, waits ? SM_TAG_DATA | SM_TAG_WAITS : SM_TAG_DATA);
}

void sm_machine_data(const sm_machine *machine, sm_data *data) {
    const sm_block *block = whole(machine);
    uint64_t parts = 0;
    sm_bytes left;

    memset(data, 0, sizeof(*data));
    if (!block) {
        sm_bytes reason;

        if (sm_machine_reason(machine, &reason)) data->parts[SM_PART_REASON] = reason;
        return;
    }
    data->revision = block->revision;
    left = (sm_bytes){block->bytes, HEAD_BYTES};
    sm_take_varint(&left, &parts);
    for (uint64_t more = parts; more; more &= more - 1) {
        uint64_t len = 0;

        sm_take_varint(&left, &len);
        data->parts[__builtin_ctzll(more)].len = (size_t)len;
    }
    for (uint64_t more = parts; more; more &= more - 1) {
        sm_bytes *part = &data->parts[__builtin_ctzll(more)];

        part->ptr = left.ptr;
        left.ptr += part->len;
    }
}

uint64_t sm_machine_revision(const sm_machine *machine) {
    const sm_block *block = whole(machine);

    return block ? block->revision : 0;
}

bool sm_machine_reason(const sm_machine *machine, sm_bytes *reason) {
    const sm_reason *block = sm_machine_block(machine);
    sm_data data;

    *reason = (sm_bytes){"", 0};
    if (!block) return false;
    if (!sm_machine_keeps(machine)) {
        *reason = (sm_bytes){block->text, block->len};
        return true;
    }
    sm_machine_data(machine, &data);
    if (data.parts[SM_PART_REASON].ptr) *reason = data.parts[SM_PART_REASON];
    return data.parts[SM_PART_REASON].ptr != NULL;
}

const char *sm_status(const sm_node *node, bool has_error) {
    return has_error ? "error" : node->details->done ? "done" : "active";
}

const char *sm_machine_status(const sm_machine *machine) {
    sm_data data;

    sm_machine_data(machine, &data);
    return sm_status(sm_machine_node(machine), data.parts[SM_PART_ERROR].ptr != NULL);
}

sm_machine *sm_machine_new(sm_node *node, const sm_data *data) {
    sm_node_count_machine(node);
    sm_machine_counts.machines.in++;
    return word_of(node, data);
}

sm_machine *sm_machine_copy(const sm_machine *machine) {
    sm_data data;

    sm_machine_data(machine, &data);
    return sm_machine_new(sm_machine_node(machine), &data);
}

void sm_machine_free(sm_machine *machine) {
    void *block = sm_machine_block(machine);

    forget_waits(machine);
    atomic_fetch_add_explicit(&sm_machine_counts.machines.out, 1, memory_order_relaxed);
    sm_node_machine_gone(sm_machine_node(machine));
    if (!block) return;
    atomic_fetch_add_explicit(&sm_machine_counts.bytes.out, RedisModule_MallocSize(block), memory_order_relaxed);
    RedisModule_Free(block);
}

static bool same(sm_bytes one, sm_bytes other) {
    return (one.ptr != NULL) == (other.ptr != NULL) && one.len == other.len &&
           (!one.len || memcmp(one.ptr, other.ptr, one.len) == 0);
}

bool sm_machine_stands(const sm_machine *machine, const sm_node *node, const sm_bytes *reason) {
    const sm_reason *block = sm_machine_block(machine);

    if (!block || !reason) return !block && !reason && (const sm_node *)(const void *)machine == node;
    return !sm_machine_keeps(machine) && block->node == node && same((sm_bytes){block->text, block->len}, *reason);
}

bool sm_machine_is(const sm_machine *machine, const sm_node *node, const sm_data *data) {
    sm_data kept;

    if (sm_machine_node(machine) != node || sm_machine_revision(machine) != data->revision) return false;
    sm_machine_data(machine, &kept);
    for (int part = 0; part < SM_PARTS; part++)
        if (!same(kept.parts[part], data->parts[part])) return false;
    return true;
}

static inline void count_move(const sm_machine *machine, sm_node *node, sm_cached_edge *edge) {
    if (edge) sm_node_count_cached_move(sm_machine_node(machine), edge);
    else sm_node_count_move(sm_machine_node(machine), node);
}

/* A block that fits is kept, so that a machine that is given a reason at every step allocates seldom. */
sm_machine *sm_machine_move(sm_machine *machine, sm_node *node, sm_cached_edge *edge, const sm_bytes *reason) {
    sm_reason *block = sm_machine_block(machine);

    count_move(machine, node, edge);
    if (block && reason && block->room >= reason->len && reason->len >= block->room / 2) {
        block->node = node;
        write_reason(block, reason);
        return machine;
    }
    machine = with_reason(node, reason);
    give_back(block);
    return machine;
}

sm_machine *sm_machine_keep(sm_machine *machine, sm_node *node, sm_cached_edge *edge, const sm_data *data) {
    void *block = sm_machine_block(machine);

    count_move(machine, node, edge);
    forget_waits(machine);
    machine = word_of(node, data);
    give_back(block);
    return machine;
}

bool sm_machine_step(sm_machine *machine, sm_node *node, sm_cached_edge *edge, uint64_t *revision) {
    const unsigned int kept = bit_of(SM_PART_CONTEXT) | bit_of(SM_PART_TIMERS) | bit_of(SM_PART_TASKS);
    sm_block *block = machine ? whole(machine) : NULL;

    if (!block || !block->revision || ((unsigned char)*block->bytes & ~kept)) return false;
    count_move(machine, node, edge);
    block->node = node;
    *revision = block->revision = sm_revision_after(block->revision);
    return true;
}

bool sm_machine_is_lost(const sm_machine *machine) {
    return sm_machine_waits(machine) && whole(machine)->lost;
}

void sm_machine_set_lost(sm_machine *machine, bool lost) {
    if (!sm_machine_waits(machine) || sm_machine_is_lost(machine) == lost) return;
    whole(machine)->lost = lost;
    if (lost) sm_machine_counts.lost.in++;
    else sm_machine_counts.lost.in--;
}

size_t sm_machine_bytes(const sm_machine *machine) {
    void *block = sm_machine_block(machine);

    return block ? RedisModule_MallocSize(block) : 0;
}

sm_machine *sm_machine_defrag(sm_machine *machine, RedisModuleDefragCtx *ctx) {
    void *block = sm_machine_block(machine);
    void *moved = block ? RedisModule_DefragAlloc(ctx, block) : NULL;

    return moved ? tagged(moved, (int)((uintptr_t)machine & SM_TAGS)) : machine;
}
