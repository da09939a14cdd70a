/* The bound on what is remembered: edges, and nodes that no machine stands on. They go as from a page cache, oldest
 * first, with a second chance for what was used (the clock algorithm: Corbató, "A Paging Experiment with the Multics
 * System", 1968). */
#include <string.h>

#include "memo/internal.h"
#include "python/boundary.h"
#include "settings.h"

enum {
    SHARE_OF_MAXMEMORY = 8, /* where the server has one, the bound is at most this part of it */
    SHARE_LEFT_FREE = 16,
    SCAN_PER_INSERT = 16, /* edges and nodes looked at for each new one while the memo is full, */
    SCAN_PER_BYTES = 64,  /* and one more for so many bytes that were just added: a large item makes room for itself */
    SCAN_PER_TICK = 4096,
};

sm_memo_counters sm_memo_counts;
unsigned sm_memo_pins;
struct sm_queue sm_node_queue = TAILQ_HEAD_INITIALIZER(sm_node_queue);
struct sm_queue sm_edge_queue = TAILQ_HEAD_INITIALIZER(sm_edge_queue);

static size_t added; /* bytes, since room was made last */

void sm_memo_init(void) {
    sm_table_init();
}

void sm_item_add(sm_item *item, const sm_question *question, sm_bytes key) {
    item->owner = question->owner;
    item->kind = question->kind;
    item->key = key.ptr;
    item->key_len = key.len;
    item->hash = question->hash;
    item->used = false;
    sm_table_add(item);
}

sm_bytes sm_put(char **at, sm_bytes bytes) {
    sm_bytes copy = {*at, bytes.len};

    if (bytes.len) memcpy(*at, bytes.ptr, bytes.len);
    *at += bytes.len;
    return copy;
}

void sm_memo_added(size_t bytes) {
    added += bytes;
}

uint64_t sm_memo_bound(void) {
    uint64_t share = sm_maxmemory / SHARE_OF_MAXMEMORY, bound = (uint64_t)sm_config.memo_bytes;

    return share && share < bound ? share : bound;
}

static bool is_over(uint64_t bound) {
    return sm_memo_counts.node_bytes + sm_memo_counts.edge_bytes - sm_memo_counts.occupied_bytes > bound;
}

static void move_to_end(struct sm_queue *queue, sm_item *item) {
    TAILQ_REMOVE(queue, item, queue);
    TAILQ_INSERT_TAIL(queue, item, queue);
}

static void visit_node(uint64_t bound) {
    sm_item *item = TAILQ_FIRST(&sm_node_queue);

    if (!item) return;
    sm_node_vacate((sm_details *)item);
    if (is_over(bound) && sm_node_is_unused((sm_details *)item)) {
        sm_node_free((sm_details *)item);
        sm_memo_counts.evictions++;
    } else {
        move_to_end(&sm_node_queue, item);
    }
}

static void visit_edge(uint64_t bound) {
    sm_item *item = TAILQ_FIRST(&sm_edge_queue);

    if (!item || !is_over(bound)) return;
    if (sm_edge_was_used((sm_edge *)item)) {
        move_to_end(&sm_edge_queue, item);
    } else {
        sm_edge_free((sm_edge *)item);
        sm_memo_counts.evictions++;
    }
}

/* Nodes that machines stand on are not within the bound. One that its last machine has left by a cached edge that
 * others took before counts as such until it is looked at here: for these, and for what is about to be added, a part of
 * the bound is left free. */
static void make_room(size_t looks) {
    uint64_t bound = sm_memo_bound() / SHARE_LEFT_FREE * (SHARE_LEFT_FREE - 1);

    for (; !sm_memo_pins && looks && sm_memo_counts.node_bytes + sm_memo_counts.edge_bytes > bound; looks--) {
        visit_node(bound);
        visit_edge(bound);
    }
}

void sm_memo_make_room(void) {
    make_room(SCAN_PER_INSERT + added / SCAN_PER_BYTES);
    added = 0;
}

void sm_memo_evict_at_tick(void) {
    make_room(SCAN_PER_TICK);
}

void sm_memo_forget_documents(void) {
    sm_item *item, *next;

    for (item = TAILQ_FIRST(&sm_edge_queue); item; item = next) {
        next = TAILQ_NEXT(item, queue);
        if (item->kind == SM_KIND_DOCUMENT) sm_edge_free((sm_edge *)item);
    }
}
