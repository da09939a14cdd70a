/* What the memo's own files share. */
#ifndef SM_MEMO_INTERNAL_H
#define SM_MEMO_INTERNAL_H

#include "memo/memo.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

TAILQ_HEAD(sm_queue, sm_item);

extern struct sm_queue sm_node_queue, sm_edge_queue;

void sm_table_init(void);
void sm_table_add(sm_item *item);
void sm_table_remove(sm_item *item);

/* Called now and then: a table that nothing is added to any more still gives back what it has too much. */
void sm_table_settle(void);

void sm_slab_take(sm_details *details);
void sm_slab_give_back(const sm_details *details);

/* The item becomes what answers a question, whose key has been copied to `key`. */
void sm_item_add(sm_item *item, const sm_question *question, sm_bytes key);

/* Visits so many definitions, and gives back so many items at most. */
void sm_definitions_sweep(size_t visits, size_t items);

void sm_node_free(sm_details *details);
bool sm_node_is_unused(const sm_details *details);

/* The node is vacant where no machine stands on it any more. */
void sm_node_vacate(sm_details *details);

/* The counts of source and target learn of the moves along a cached edge. */
void sm_node_settle(sm_node *node, sm_cached_edge *cached);

void sm_edge_free(sm_edge *edge);

/* Whether an edge was used since it was last asked. */
bool sm_edge_was_used(sm_edge *edge);

/* Bytes have been added: so much more is to be looked at when room is made. */
void sm_memo_added(size_t bytes);

/* The server's cron. */
void sm_memo_evict_at_tick(void);

#pragma GCC visibility pop

#endif
