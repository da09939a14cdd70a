/* The memo: what the engine has answered, as definitions, nodes and edges.
 *
 * A key's value points to a node; a remembered transition is one pointer store. Edges and nodes are bounded the way
 * a page cache is, oldest first with a second chance for what was used; definitions that no machine stands on are
 * given back by a sweep. The server frees values on other threads: what these count is atomic, and the definition's
 * count is the last thing that they touch. */
#include "shim.h"

#include <string.h>

enum {
    SHARE_OF_MAXMEMORY = 8, /* where the server has one, the memo's bound is at most this part of it */
    SHARE_LEFT_FREE = 16,
    SCARCE_PERCENT = 90,    /* of maxmemory: from there on a definition goes with its last machine */
    LOOKED_AT_FOR_ROOM = 16,  /* items examined for each new one while the memo is full, */
    BYTES_FOR_A_LOOK = 64,    /* and one more for so many bytes that have been added */
    LOOKED_AT_PER_TICK = 4096,
    SWEPT_PER_DEFINITION = 4,
    TICKS_PER_CIRCLE = 20,
    VISITED_PER_TICK = 2048,
    GIVEN_BACK_PER_DEFINITION = 256, /* items; at most so many at once, so that no command waits for a large one */
    GIVEN_BACK_PER_TICK = 4096,
    GIVEN_BACK_WITH_A_MACHINE = 16384,
    FIRST_DEFINITIONS = 64,
};

sm_counters sm_counts;

static sm_table table;
static TAILQ_HEAD(queue, sm_item) node_queue = TAILQ_HEAD_INITIALIZER(node_queue),
                                    edge_queue = TAILQ_HEAD_INITIALIZER(edge_queue);
static sm_definition **definitions;
static size_t definitions_room;
static size_t hand; /* the definition that the sweep visits next */
static size_t ticked;
static size_t added; /* bytes, since room was made last */
unsigned sm_memo_pins;

void sm_memo_init(void) {
    sm_table_init(&table);
}

size_t sm_memo_table_bytes(void) {
    return sm_table_bytes(&table);
}

static bool is(const sm_edge *edge, uint8_t kind, sm_bytes key) {
    return edge && edge->item.kind == kind && edge->item.key_len == key.len &&
           memcmp(edge->text, key.ptr, key.len) == 0;
}

sm_edge *sm_memo_edge_of(const sm_node *node, const sm_followed *way) {
    return node->details->followed[way - node->recent];
}

static bool is_followed(const sm_node *node, const sm_followed *way, uint8_t kind, sm_bytes key) {
    if (way->kind != kind) return false;
    if (way->len > sizeof(way->key)) return is(sm_memo_edge_of(node, way), kind, key);
    return way->len == key.len && memcmp(way->key, key.ptr, key.len) == 0;
}

/* ---- machines on nodes ----
 *
 * A move along a cached edge is counted in the edge alone, and told to its source and target after UINT8_MAX moves, or
 * when the edge leaves the cache. The first of them tells the target that some are to come, so that it is always known
 * whether a machine stands on a node. */

static bool has_machines(const sm_details *details) {
    const sm_node *node = details->node;

    if (details->arriving) return true;
    return sm_tally_count(&details->machines) != (uint64_t)node->recent[0].moves + node->recent[1].moves;
}

static void occupy(sm_details *details) {
    if (details->occupied) return;
    details->occupied = true;
    sm_counts.occupied_bytes += details->size;
}

static void vacate_if_empty(sm_details *details) {
    if (!details->occupied || has_machines(details)) return;
    details->occupied = false;
    sm_counts.occupied_bytes -= details->size;
}

void sm_memo_occupy(sm_node *node) {
    occupy(node->details);
}

void sm_memo_vacate(sm_node *node) {
    vacate_if_empty(node->details);
}

static void settle(sm_node *node, sm_followed *way) {
    if (!way->moves) return;
    node->details->machines.in -= way->moves;
    way->target->details->machines.in += way->moves;
    way->target->details->arriving--;
    way->moves = 0;
}

void sm_memo_count_move(sm_node *node, sm_followed *way) {
    if (++way->moves == 1) {
        way->target->details->arriving++;
        occupy(way->target->details);
        vacate_if_empty(node->details);
    } else if (way->moves == UINT8_MAX) {
        settle(node, way);
    }
}

static void follow(sm_node *node, sm_edge *edge) {
    sm_followed *way = &node->recent[0], *last = &node->recent[1];
    sm_edge **edges = node->details->followed;

    settle(node, last);
    if (last->used) edges[1]->item.used = true;
    *last = *way;
    edges[1] = edges[0];
    memset(way, 0, sizeof(*way));
    edges[0] = edge;
    way->target = edge->reply.len ? NULL : edge->target;
    way->kind = edge->item.kind;
    way->len = UINT8_MAX;
    if (edge->item.key_len > sizeof(way->key)) return;
    way->len = (uint8_t)edge->item.key_len;
    memcpy(way->key, edge->text, way->len);
}

/* Machines that stand on one node mostly go the same ways: those are looked at before the table, whose hash takes
 * longer than the rest of a remembered transition. */
sm_followed *sm_memo_way(sm_node *node, uint8_t kind, sm_bytes key) {
    for (sm_followed *way = node->recent; way < node->recent + 2; way++) {
        if (!is_followed(node, way, kind, key)) continue;
        if (!way->used) way->used = true;
        return way;
    }
    return NULL;
}

/* The node that it leaves, or NULL where it is about a document or a definition. */
static sm_node *origin(const sm_edge *edge) {
    const void *owner = edge->item.owner;
    return owner == edge->definition ? NULL : (sm_node *)(uintptr_t)owner;
}

sm_edge *sm_memo_find_edge(const sm_question *question) {
    sm_edge *edge = (sm_edge *)sm_table_find(&table, question);
    sm_node *node = edge ? origin(edge) : NULL;

    if (node) follow(node, edge);
    return edge;
}

/* Where the edge is among those followed lately from the node that it leaves, or NULL. */
static sm_followed *way_of(sm_node *node, const sm_edge *edge) {
    if (!node) return NULL;
    for (sm_followed *way = node->recent; way < node->recent + 2; way++)
        if (sm_memo_edge_of(node, way) == edge) return way;
    return NULL;
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

sm_edge *sm_memo_find_document(sm_bytes text) {
    sm_edge **place = document_place(text), *edge = *place;
    sm_question question;

    if (is(edge, SM_KIND_DOCUMENT, text)) return edge;
    question = sm_table_question(NULL, SM_KIND_DOCUMENT, text);
    edge = sm_memo_find_edge(&question);
    if (edge) *place = edge;
    return edge;
}

/* The question's key has been copied to `key`. */
static void add_item(sm_item *item, const sm_question *question, sm_definition *definition, sm_bytes key) {
    item->owner = question->owner;
    item->kind = question->kind;
    item->key = key.ptr;
    item->key_len = key.len;
    item->hash = question->hash;
    item->used = false;
    sm_table_add(&table, item);
    if (item->kind == SM_KIND_NODE) {
        TAILQ_INSERT_TAIL(&node_queue, item, queue);
        LIST_INSERT_HEAD(&definition->nodes, item, of_definition);
    } else if (item->kind != SM_KIND_DEFINITION) {
        TAILQ_INSERT_TAIL(&edge_queue, item, queue);
        LIST_INSERT_HEAD(&definition->edges, item, of_definition);
    }
}

static sm_bytes put(char **at, sm_bytes bytes) {
    sm_bytes stored = {*at, bytes.len};

    if (bytes.len) memcpy(*at, bytes.ptr, bytes.len);
    *at += bytes.len;
    return stored;
}

/* ---- definitions ---- */

sm_question sm_definition_question(sm_bytes canonical) {
    return sm_table_question(NULL, SM_KIND_DEFINITION, canonical);
}

sm_definition *sm_definition_find(const sm_question *question) {
    return (sm_definition *)sm_table_find(&table, question);
}

static void sweep(size_t steps, size_t items);

sm_definition *sm_definition_add(const sm_question *question, size_t split, uint64_t engine, size_t engine_bytes) {
    sm_definition *definition;
    char *at;

    sweep(SWEPT_PER_DEFINITION, GIVEN_BACK_PER_DEFINITION);
    definition = RedisModule_Calloc(1, sizeof(*definition) + question->key.len);
    at = definition->text;
    definition->engine = engine;
    definition->engine_bytes = engine_bytes;
    definition->split = split;
    definition->bytes = RedisModule_MallocSize(definition) + engine_bytes;
    LIST_INIT(&definition->edges);
    LIST_INIT(&definition->nodes);
    add_item(&definition->item, question, definition, put(&at, question->key));
    if (sm_counts.definitions == definitions_room) {
        definitions_room = definitions_room ? 2 * definitions_room : FIRST_DEFINITIONS;
        definitions = RedisModule_Realloc(definitions, definitions_room * sizeof(*definitions));
    }
    definition->index = sm_counts.definitions;
    definitions[sm_counts.definitions++] = definition;
    sm_counts.definition_bytes += definition->bytes;
    return definition;
}

size_t sm_definitions_count(void) {
    return sm_counts.definitions;
}

/* The engine has come to hold more for it, or less. */
void sm_definition_weigh(sm_definition *definition, size_t engine_bytes) {
    definition->bytes += engine_bytes - definition->engine_bytes;
    sm_counts.definition_bytes += engine_bytes - definition->engine_bytes;
    definition->engine_bytes = engine_bytes;
}

void sm_definition_hold(sm_definition *definition) {
    definition->holds++;
}

void sm_definition_release(sm_definition *definition) {
    definition->holds--;
}

static void free_node(sm_details *details);
static void free_edge(sm_edge *edge);

static void free_definition(sm_definition *definition) {
    sm_definition *last = definitions[--sm_counts.definitions];

    sm_table_remove(&table, &definition->item);
    definitions[definition->index] = last;
    last->index = definition->index;
    if (sm_counts.definitions < definitions_room / 4 && definitions_room > FIRST_DEFINITIONS) {
        definitions_room /= 2;
        definitions = RedisModule_Realloc(definitions, definitions_room * sizeof(*definitions));
    }
    sm_counts.definition_bytes -= RedisModule_MallocSize(definition) + definition->engine_bytes;
    sm_engine_forget(definition->engine);
    RedisModule_Free(definition);
}

/* Gives back an idle definition, as far as `items` allows: its edges first, since they count on their nodes. */
static bool give_back(sm_definition *definition, size_t *items) {
    for (; *items; --*items) {
        sm_item *item;

        if ((item = LIST_FIRST(&definition->edges))) {
            free_edge((sm_edge *)item);
        } else if ((item = LIST_FIRST(&definition->nodes))) {
            free_node((sm_details *)item);
        } else {
            free_definition(definition);
            --*items;
            return true;
        }
    }
    return false;
}

static bool has_a_use(const sm_definition *definition) {
    return definition->holds || sm_tally_count(&definition->machines);
}

/* Visits definitions in turn; one that is seen twice without machines is given back: the last of all takes its place. */
static void sweep(size_t steps, size_t items) {
    while (!sm_memo_pins && steps-- && items && sm_counts.definitions) {
        sm_definition *definition = definitions[hand < sm_counts.definitions ? hand : (hand = 0)];

        bool idle = !has_a_use(definition);

        if (idle && definition->idle) {
            give_back(definition, &items);
        } else {
            if (definition->idle != idle) definition->idle = idle; /* a page that is not written is not copied */
            hand++;
        }
    }
}

static bool memory_is_scarce(void) {
    return RedisModule_GetUsedMemoryRatio() * 100 >= SCARCE_PERCENT;
}

/* Where memory is scarce the server may be evicting: it must see the memory of what it evicts come back, now or at the
 * sweep's next step. Otherwise the definition stays for some seconds, in which a machine that is set anew finds it. */
void sm_memo_machine_gone(sm_definition *definition) {
    size_t items = GIVEN_BACK_WITH_A_MACHINE;

    if (has_a_use(definition) || !memory_is_scarce()) return;
    if (!sm_memo_pins && give_back(definition, &items)) return;
    definition->idle = true;
    hand = definition->index;
}

static void make_room(size_t looks);

/* Called by the server's cron: once around all definitions in TICKS_PER_CIRCLE ticks, or as far as the bounds go. */
void sm_memo_tick(void) {
    size_t steps;

    if (sm_memo_pins) RedisModule__Assert("what the last command has found is let go of", __FILE__, __LINE__);
    ticked += (size_t)sm_counts.definitions;
    steps = ticked / TICKS_PER_CIRCLE;
    ticked %= TICKS_PER_CIRCLE;
    sweep(steps < VISITED_PER_TICK ? steps : VISITED_PER_TICK, GIVEN_BACK_PER_TICK);
    make_room(LOOKED_AT_PER_TICK);
    sm_table_settle(&table);
}

/* ---- nodes and edges ---- */

sm_question sm_node_question(const sm_definition *definition, sm_bytes configuration) {
    return sm_table_question(definition, SM_KIND_NODE, configuration);
}

sm_node *sm_node_find(const sm_question *question) {
    sm_details *details = (sm_details *)sm_table_find(&table, question);
    return details ? details->node : NULL;
}

sm_node *sm_node_add(const sm_question *question, sm_definition *definition, sm_bytes head, sm_bytes states) {
    sm_details *details = RedisModule_Calloc(1, sizeof(*details) + question->key.len + head.len + states.len);
    sm_bytes configuration;
    char *at = details->text;

    sm_slab_take(details);
    details->size = sizeof(sm_node) + RedisModule_MallocSize(details);
    details->definition = definition;
    configuration = put(&at, question->key);
    details->head = put(&at, head);
    details->states = put(&at, states);
    add_item(&details->item, question, definition, configuration);
    definition->bytes += details->size;
    sm_counts.nodes++;
    sm_counts.node_bytes += details->size;
    added += details->size;
    return details->node;
}

/* The node has come to hold more. */
void sm_memo_weigh(sm_node *node, size_t more) {
    node->details->size += more;
    node->details->definition->bytes += more;
    if (node->details->occupied) sm_counts.occupied_bytes += more;
    sm_counts.node_bytes += more;
    added += more;
}

static void remove_item(sm_item *item) {
    sm_table_remove(&table, item);
    TAILQ_REMOVE(item->kind == SM_KIND_NODE ? &node_queue : &edge_queue, item, queue);
    LIST_REMOVE(item, of_definition);
}

static void free_node(sm_details *details) {
    sm_reply_forget(details->node);
    remove_item(&details->item);
    details->definition->bytes -= details->size;
    if (details->occupied) sm_counts.occupied_bytes -= details->size;
    sm_counts.nodes--;
    sm_counts.node_bytes -= details->size;
    sm_slab_give_back(details);
    RedisModule_Free(details);
}

/* A document's edge has no owner, that of a question about a definition the definition, of others the node. */
sm_edge *sm_edge_add(const sm_question *question, sm_definition *definition, sm_node *target, sm_bytes reply,
                     bool has_reason) {
    sm_edge *edge = RedisModule_Calloc(1, sizeof(*edge) + question->key.len + reply.len);
    sm_node *node;
    sm_bytes key;
    char *at = edge->text;

    edge->definition = definition;
    edge->size = RedisModule_MallocSize(edge);
    edge->target = target;
    edge->has_reason = has_reason;
    key = put(&at, question->key);
    edge->reply = put(&at, reply);
    add_item(&edge->item, question, definition, key);
    node = origin(edge);
    if (target) target->details->incoming++;
    if (node) {
        node->details->outgoing++;
        follow(node, edge);
    }
    definition->bytes += edge->size;
    sm_counts.edges++;
    sm_counts.edge_bytes += edge->size;
    added += edge->size;
    return edge;
}

static void free_edge(sm_edge *edge) {
    sm_node *node = origin(edge);
    sm_followed *way = way_of(node, edge);

    if (way) {
        settle(node, way);
        node->details->followed[way - node->recent] = NULL;
        memset(way, 0, sizeof(*way));
    }
    remove_item(&edge->item);
    if (edge->item.kind == SM_KIND_DOCUMENT) {
        sm_edge **place = document_place((sm_bytes){edge->item.key, edge->item.key_len});

        if (*place == edge) *place = NULL;
    }
    if (edge->target) edge->target->details->incoming--;
    if (node) node->details->outgoing--;
    edge->definition->bytes -= edge->size;
    sm_counts.edges--;
    sm_counts.edge_bytes -= edge->size;
    RedisModule_Free(edge);
}

/* Whether an edge was used since it was last asked. */
static bool was_used(sm_edge *edge) {
    sm_followed *way = way_of(origin(edge), edge);
    bool used = edge->item.used || (way && way->used);

    edge->item.used = false;
    if (way) way->used = false;
    return used;
}

uint64_t sm_memo_bound(void) {
    uint64_t share = sm_maxmemory / SHARE_OF_MAXMEMORY, bound = (uint64_t)sm_config.memo_bytes;

    return share && share < bound ? share : bound;
}

static bool is_unused(const sm_details *node) {
    return !node->incoming && !node->outgoing && !node->definition->holds && !sm_tally_count(&node->machines);
}

static bool is_over(uint64_t bound) {
    return sm_counts.node_bytes + sm_counts.edge_bytes - sm_counts.occupied_bytes > bound;
}

static void to_the_end(struct queue *queue, sm_item *item) {
    TAILQ_REMOVE(queue, item, queue);
    TAILQ_INSERT_TAIL(queue, item, queue);
}

static void visit_node(uint64_t bound) {
    sm_item *item = TAILQ_FIRST(&node_queue);

    if (!item) return;
    vacate_if_empty((sm_details *)item);
    if (is_over(bound) && is_unused((sm_details *)item)) {
        free_node((sm_details *)item);
        sm_counts.evictions++;
    } else {
        to_the_end(&node_queue, item);
    }
}

/* Oldest first, with a second chance for one that was used since. */
static void visit_edge(uint64_t bound) {
    sm_item *item = TAILQ_FIRST(&edge_queue);

    if (!item || !is_over(bound)) return;
    if (was_used((sm_edge *)item)) {
        to_the_end(&edge_queue, item);
    } else {
        free_edge((sm_edge *)item);
        sm_counts.evictions++;
    }
}

/* Nodes that machines stand on are not within the bound. One that its last machine has left by an edge that others had
 * gone before counts as such until it is looked at here: for these, and for what is about to be added, a part of the
 * bound is left free. */
static void make_room(size_t looks) {
    uint64_t bound = sm_memo_bound() / SHARE_LEFT_FREE * (SHARE_LEFT_FREE - 1);

    for (; !sm_memo_pins && looks && sm_counts.node_bytes + sm_counts.edge_bytes > bound; looks--) {
        visit_node(bound);
        visit_edge(bound);
    }
}

/* Called before anything is added, while no pointer is held to an edge, or to a node without machines whose definition
 * is not held. What was added last pays for itself: a large item is worth as many looks as the small ones that are in
 * its place. */
void sm_memo_make_room(void) {
    make_room(LOOKED_AT_FOR_ROOM + added / BYTES_FOR_A_LOOK);
    added = 0;
}

/* The limits have changed: what they let through is to be asked again. */
void sm_memo_forget_documents(void) {
    sm_item *item, *next;

    for (item = TAILQ_FIRST(&edge_queue); item; item = next) {
        next = TAILQ_NEXT(item, queue);
        if (item->kind == SM_KIND_DOCUMENT) free_edge((sm_edge *)item);
    }
}
