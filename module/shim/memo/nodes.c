/* Nodes, and the machines that stand on them.
 *
 * A move along a cached edge is counted in the edge alone; source and target learn of it after UINT8_MAX moves, or when
 * the edge leaves the cache. The first of them tells the target that some are to come, so that it is always known
 * whether a machine stands on a node. */
#include <string.h>

#include "memo/internal.h"
#include "python/boundary.h"
#include "python/python.h"

sm_question sm_node_question(const sm_definition *definition, sm_bytes configuration) {
    return sm_question_make(definition, SM_KIND_NODE, configuration);
}

sm_node *sm_node_find(const sm_question *question) {
    sm_details *details = (sm_details *)sm_table_find(question);

    return details ? details->node : NULL;
}

sm_node *sm_node_add(const sm_question *question, sm_definition *definition, sm_bytes head, sm_bytes states) {
    sm_details *details = RedisModule_Calloc(1, sizeof(*details) + question->key.len + head.len + states.len);
    sm_bytes configuration;
    char *at = details->text;

    sm_slab_take(details);
    details->size = sizeof(sm_node) + RedisModule_MallocSize(details);
    details->definition = definition;
    configuration = sm_put(&at, question->key);
    details->head = sm_put(&at, head);
    details->states = sm_put(&at, states);
    sm_item_add(&details->item, question, configuration);
    TAILQ_INSERT_TAIL(&sm_node_queue, &details->item, queue);
    LIST_INSERT_HEAD(&definition->nodes, &details->item, of_definition);
    definition->bytes += details->size;
    sm_memo_counts.nodes++;
    sm_memo_counts.node_bytes += details->size;
    sm_memo_added(details->size);
    return details->node;
}

void sm_node_weigh(sm_node *node, size_t more) {
    node->details->size += more;
    node->details->definition->bytes += more;
    if (node->details->occupied) sm_memo_counts.occupied_bytes += more;
    sm_memo_counts.node_bytes += more;
    sm_memo_added(more);
}

void sm_node_free(sm_details *details) {
    if (details->node->sent_states) RedisModule_FreeCallReply(details->node->sent_states);
    if (details->sent_document) RedisModule_FreeCallReply(details->sent_document);
    sm_table_remove(&details->item);
    TAILQ_REMOVE(&sm_node_queue, &details->item, queue);
    LIST_REMOVE(&details->item, of_definition);
    details->definition->bytes -= details->size;
    if (details->occupied) sm_memo_counts.occupied_bytes -= details->size;
    sm_memo_counts.nodes--;
    sm_memo_counts.node_bytes -= details->size;
    sm_slab_give_back(details);
    RedisModule_Free(details);
}

bool sm_node_is_unused(const sm_details *node) {
    return !node->incoming && !node->outgoing && !node->definition->references && !sm_tally_count(&node->machines);
}

/* ---- machines ---- */

static bool has_machines(const sm_details *details) {
    const sm_node *node = details->node;

    if (details->arriving) return true;
    return sm_tally_count(&details->machines) != (uint64_t)node->cache[0].moves + node->cache[1].moves;
}

static void occupy(sm_details *details) {
    if (details->occupied) return;
    details->occupied = true;
    sm_memo_counts.occupied_bytes += details->size;
}

void sm_node_vacate(sm_details *details) {
    if (!details->occupied || has_machines(details)) return;
    details->occupied = false;
    sm_memo_counts.occupied_bytes -= details->size;
}

void sm_node_settle(sm_node *node, sm_cached_edge *cached) {
    if (!cached->moves) return;
    node->details->machines.in -= cached->moves;
    cached->target->details->machines.in += cached->moves;
    cached->target->details->arriving--;
    cached->moves = 0;
}

void sm_node_count_cached_move(sm_node *from, sm_cached_edge *cached) {
    if (++cached->moves == 1) {
        cached->target->details->arriving++;
        occupy(cached->target->details);
        sm_node_vacate(from->details);
    } else if (cached->moves == UINT8_MAX) {
        sm_node_settle(from, cached);
    }
}

void sm_node_count_machine(sm_node *node) {
    node->details->definition->machines.in++;
    node->details->machines.in++;
    occupy(node->details);
}

void sm_node_count_move(sm_node *from, sm_node *to) {
    sm_details *was = from->details, *is = to->details;

    is->machines.in++;
    was->machines.in--;
    occupy(is);
    sm_node_vacate(was);
    if (was->definition == is->definition) return;
    is->definition->machines.in++;
    was->definition->machines.in--;
    sm_definition_machine_gone(was->definition);
}

void sm_node_machine_gone(sm_node *node) {
    sm_details *details = node->details;
    sm_definition *definition = details->definition;

    atomic_fetch_add_explicit(&details->machines.out, 1, memory_order_release);
    atomic_fetch_add_explicit(&definition->machines.out, 1, memory_order_release);
    if (sm_on_main_thread()) sm_definition_machine_gone(definition);
}
