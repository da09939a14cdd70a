/* Edges: what the engine has answered, by question. Machines that stand on one node mostly take the same edges: each
 * node caches the two that were made or found last, which are looked at before the table, whose hash takes longer than
 * the rest of a remembered step. */
#include <string.h>

#include "memo/internal.h"
#include "python/boundary.h"

static bool answers(const sm_edge *edge, uint8_t kind, sm_bytes key) {
    return edge && edge->item.kind == kind && edge->item.key_len == key.len &&
           memcmp(edge->text, key.ptr, key.len) == 0;
}

/* The node where an edge begins, or NULL where it is about a document or a definition. */
static sm_node *source_of(const sm_edge *edge) {
    const void *owner = edge->item.owner;

    return owner == edge->definition ? NULL : (sm_node *)(uintptr_t)owner;
}

/* ---- the cache of a node ---- */

sm_edge *sm_edge_of(const sm_node *node, const sm_cached_edge *cached) {
    return node->details->cached_edges[cached - node->cache];
}

static bool is_cached_for(const sm_node *node, const sm_cached_edge *cached, uint8_t kind, sm_bytes key) {
    if (cached->kind != kind) return false;
    if (cached->len > sizeof(cached->key)) return answers(sm_edge_of(node, cached), kind, key);
    return cached->len == key.len && memcmp(cached->key, key.ptr, key.len) == 0;
}

sm_cached_edge *sm_edge_cached(sm_node *node, uint8_t kind, sm_bytes key) {
    for (sm_cached_edge *cached = node->cache; cached < node->cache + 2; cached++) {
        if (!is_cached_for(node, cached, kind, key)) continue;
        if (!cached->used) cached->used = true;
        return cached;
    }
    return NULL;
}

/* Caches an edge in place of the older of the two. */
static void cache(sm_node *node, sm_edge *edge) {
    sm_cached_edge *newer = &node->cache[0], *older = &node->cache[1];
    sm_edge **edges = node->details->cached_edges;

    sm_node_settle(node, older);
    if (older->used) edges[1]->item.used = true;
    *older = *newer;
    edges[1] = edges[0];
    memset(newer, 0, sizeof(*newer));
    edges[0] = edge;
    newer->target = edge->reply.len || edge->waits || edge->ask_again ? NULL : edge->target;
    newer->kind = edge->item.kind;
    newer->len = UINT8_MAX;
    if (edge->item.key_len > sizeof(newer->key)) return;
    newer->len = (uint8_t)edge->item.key_len;
    memcpy(newer->key, edge->text, newer->len);
}

/* The cached copy of an edge, or NULL. */
static sm_cached_edge *copy_of(const sm_edge *edge) {
    sm_node *node = source_of(edge);

    if (!node) return NULL;
    for (sm_cached_edge *cached = node->cache; cached < node->cache + 2; cached++)
        if (sm_edge_of(node, cached) == edge) return cached;
    return NULL;
}

/* ---- the table ---- */

sm_edge *sm_edge_find(const sm_question *question) {
    sm_edge *edge = (sm_edge *)sm_table_find(question);
    sm_node *node = edge ? source_of(edge) : NULL;

    if (node) cache(node, edge);
    return edge;
}

/* Clients mostly store a few documents: those are compared before they are hashed. A text's place follows from its
 * length and some of its bytes. */
static sm_edge *documents[64];

static sm_edge **document_place(sm_bytes text) {
    uint64_t first = 0, middle = 0, last = 0;

    if (text.len >= 8) {
        memcpy(&first, text.ptr, 8);
        memcpy(&middle, text.ptr + (text.len - 8) / 2, 8);
        memcpy(&last, text.ptr + text.len - 8, 8);
    }
    first = (first ^ text.len) * 0x9e3779b97f4a7c15ULL + middle; /* the golden ratio's bits (Knuth, 6.4) */
    return &documents[((first ^ last) * 0x9e3779b97f4a7c15ULL) >> 58];
}

sm_edge *sm_edge_find_document(sm_bytes text) {
    sm_edge **place = document_place(text), *edge = *place;
    sm_question question;

    if (answers(edge, SM_KIND_DOCUMENT, text)) return edge;
    question = sm_question_make(NULL, SM_KIND_DOCUMENT, text);
    edge = sm_edge_find(&question);
    if (edge) *place = edge;
    return edge;
}

sm_edge *sm_edge_add(const sm_question *question, sm_definition *definition, sm_node *target, sm_bytes reply,
                     sm_bytes waits, bool ask_again) {
    sm_edge *edge = RedisModule_Calloc(1, sizeof(*edge) + question->key.len + reply.len + waits.len);
    sm_node *node;
    sm_bytes key;
    char *at = edge->text;

    edge->definition = definition;
    edge->size = RedisModule_MallocSize(edge);
    edge->target = target;
    edge->ask_again = ask_again;
    key = sm_put(&at, question->key);
    edge->reply = sm_put(&at, reply);
    edge->waits = (uint32_t)sm_put(&at, waits).len;
    sm_item_add(&edge->item, question, key);
    TAILQ_INSERT_TAIL(&sm_edge_queue, &edge->item, queue);
    LIST_INSERT_HEAD(&definition->edges, &edge->item, of_definition);
    node = source_of(edge);
    if (target) target->details->incoming++;
    if (node) {
        node->details->outgoing++;
        cache(node, edge);
    }
    definition->bytes += edge->size;
    sm_memo_counts.edges++;
    sm_memo_counts.edge_bytes += edge->size;
    sm_memo_added(edge->size);
    return edge;
}

void sm_edge_free(sm_edge *edge) {
    sm_node *node = source_of(edge);
    sm_cached_edge *cached = copy_of(edge);

    if (cached) {
        sm_node_settle(node, cached);
        node->details->cached_edges[cached - node->cache] = NULL;
        memset(cached, 0, sizeof(*cached));
    }
    sm_table_remove(&edge->item);
    TAILQ_REMOVE(&sm_edge_queue, &edge->item, queue);
    LIST_REMOVE(&edge->item, of_definition);
    if (edge->item.kind == SM_KIND_DOCUMENT) {
        sm_edge **place = document_place((sm_bytes){edge->item.key, edge->item.key_len});

        if (*place == edge) *place = NULL;
    }
    if (edge->target) edge->target->details->incoming--;
    if (node) node->details->outgoing--;
    edge->definition->bytes -= edge->size;
    sm_memo_counts.edges--;
    sm_memo_counts.edge_bytes -= edge->size;
    RedisModule_Free(edge);
}

bool sm_edge_was_used(sm_edge *edge) {
    sm_cached_edge *cached = copy_of(edge);
    bool used = edge->item.used || (cached && cached->used);

    edge->item.used = false;
    if (cached) cached->used = false;
    return used;
}
