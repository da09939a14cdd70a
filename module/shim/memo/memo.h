/* The memo: definitions, and what the engine has answered about them, as a graph of nodes and edges.
 *
 *   table.c        the hash table under all of them
 *   slab.c         memory for nodes
 *   definitions.c  documents, interned, and when they are given back
 *   nodes.c        definitions that stand in one configuration, and the machines on them
 *   edges.c        answers, and each node's cache of two
 *   eviction.c     the bound on what is remembered
 *
 * Only the main thread uses it. The server frees machines on other threads: what these touch is in sm_tally. */
#ifndef SM_MEMO_MEMO_H
#define SM_MEMO_MEMO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "bytes.h"
#include "redis_api.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* ---- the table ---- */

/* An entry of the table; first member of definitions, of nodes' details and of edges. */
typedef struct sm_item {
    struct sm_item *chain;
    uint64_t hash;
    const void *owner; /* what the question was about: a definition, a node, or NULL */
    const char *key;
    TAILQ_ENTRY(sm_item) queue; /* oldest first */
    LIST_ENTRY(sm_item) of_definition;
    size_t key_len;
    uint8_t kind; /* enum sm_kind */
    bool used;    /* since the eviction looked at it last: a second chance */
} sm_item;

/* What is asked about an owner, and its place in the table: hashed once, as what is not found is added. */
typedef struct sm_question {
    const void *owner;
    sm_bytes key;
    uint64_t hash;
    uint8_t kind;
} sm_question;

/* Of a name that clients choose, and what it belongs to: they cannot know which names share one. */
uint64_t sm_hash(const void *owner, uint8_t kind, sm_bytes key);

sm_question sm_question_make(const void *owner, uint8_t kind, sm_bytes key);
sm_item *sm_table_find(const sm_question *question);

/* ---- values ---- */

struct sm_node;
struct sm_edge;

/* How many there are. The main thread alone writes `in`, so that what a command does needs no atomic operation; any
 * thread that frees adds to `out`. */
typedef struct sm_tally {
    uint64_t in;
    _Atomic uint64_t out;
} sm_tally;

static inline uint64_t sm_tally_count(const sm_tally *tally) {
    return tally->in - atomic_load_explicit(&tally->out, memory_order_acquire);
}

/* The stream where the machines of a definition write their effects. */
typedef struct sm_outbox {
    sm_bytes stream;  /* its name, where "{}" stands for the hash tag of the machine's key */
    sm_bytes machine; /* how entries name the document */
    uint64_t maxlen;  /* about how many entries are kept; 0: all */
    bool steps;       /* an entry is written for each step too */
    char text[];
} sm_outbox;

/* A definition: interned by the bytes of its canonical document (item.key). */
typedef struct sm_definition {
    sm_item item;
    uint64_t engine; /* the engine's handle */
    size_t split;    /* where in the canonical document SM.GET puts the reason */
    size_t bytes;    /* of it, its nodes and edges, and of what the engine holds for it: */
    size_t engine_bytes;
    sm_tally machines;
    uint32_t references; /* by code that is about to use it */
    bool idle;           /* the sweep has seen it without machines */
    bool keeps, counts, waits; /* its machines keep data, count their steps, have deadlines or tasks */
    bool nests;          /* its states lie in one another: their paths have dots */
    sm_outbox *outbox;   /* or NULL */
    uint64_t history, tokens; /* how many of their last steps, and tokens, its machines keep; 0: none */
    uint64_t expire;     /* milliseconds from the end of a machine to that of its key; 0: it stays */
    size_t index;        /* among all definitions: changes when another is given back */
    LIST_HEAD(sm_edges, sm_item) edges;
    LIST_HEAD(sm_nodes, sm_item) nodes;
    char text[];
} sm_definition;

/* Inline copy of a recently used edge, so that a hit touches one cache line. */
typedef struct sm_cached_edge {
    struct sm_node *target; /* the edge's, where it has no reply of its own, or NULL */
    uint8_t moves;          /* machines that took it, of which the counts of node and target do not know yet */
    bool used;              /* in place of the edge's own */
    uint8_t kind;
    uint8_t len; /* of the key; one that does not fit is read from the edge */
    char key[12];
} sm_cached_edge;

/* A definition standing in one configuration: what remembered steps and SM.STATE read of it, in one cache line. */
typedef struct sm_node {
    _Alignas(64) struct sm_details *details;
    RedisModuleCallReply *sent_states; /* SM.STATE's reply as the server sends it, once it was asked for often */
    sm_cached_edge cache[2];           /* the edges from here that were made or found in the table last */
} sm_node;

_Static_assert(sizeof(sm_node) == 64, "one cache line");

/* The rest of a node. Its configuration is item.key. */
typedef struct sm_details {
    sm_item item;
    sm_node *node;
    uint32_t incoming; /* edges that lead here */
    uint32_t outgoing; /* edges that begin here */
    uint32_t arriving; /* of `incoming`: cached edges with moves that are not in `machines` yet */
    bool occupied;     /* its bytes count as those of nodes that machines stand on */
    bool done;         /* a machine that stands here takes no event any more */
    sm_bytes head;     /* `{"current":…`, how SM.GET's reply begins */
    sm_bytes states;   /* SM.STATE's reply, in tokens */
    size_t size;
    sm_definition *definition;
    sm_tally machines;                 /* lags by up to 255 moves per cached edge */
    struct sm_edge *cached_edges[2];   /* those of node->cache, or NULL */
    RedisModuleCallReply *sent_document;
    uint32_t states_asked, document_asked; /* while there is no reply to send */
    struct sm_slab *slab;
    char text[];
} sm_details;

/* A remembered answer to the question item.kind(item.key) about item.owner: a document's has no owner, that of a
 * question about a definition the definition, of others the node. The key is how `text` begins. */
typedef struct sm_edge {
    sm_item item;
    sm_node *target;  /* NULL: refused, or not a step */
    sm_bytes reply;   /* in tokens; empty where the target's states are the reply. Of a document: its reason */
    sm_definition *definition;
    size_t size;
    bool ask_again;   /* the engine is asked each time */
    bool has_reason;  /* of a document */
    bool has_history; /* of a document: it says what history states restore, */
    bool starts;      /* or nothing of where it stands; without a target its start is asked for each time */
    uint32_t waits;   /* bytes behind the reply: what the step arms, cancels, starts and stops */
    char text[];
} sm_edge;

static inline sm_bytes sm_edge_waits(const sm_edge *edge) {
    return (sm_bytes){edge->reply.ptr + edge->reply.len, edge->waits};
}

/* ---- definitions ---- */

void sm_memo_init(void);

sm_question sm_definition_question(sm_bytes canonical);
sm_definition *sm_definition_find(const sm_question *question);
sm_definition *sm_definition_add(const sm_question *question, size_t split, uint64_t engine, size_t engine_bytes);

/* Code that is about to use a definition, across what may give one back. */
void sm_definition_retain(sm_definition *definition);
void sm_definition_release(sm_definition *definition);

/* Of a definition that has none yet; what it points to is copied. */
void sm_definition_set_outbox(sm_definition *definition, const sm_outbox *outbox);

/* The engine has come to hold more for it, or less. */
void sm_definition_weigh(sm_definition *definition, size_t engine_bytes);

/* The last machine of a definition may have gone. */
void sm_definition_machine_gone(sm_definition *definition);

/* ---- nodes ---- */

sm_question sm_node_question(const sm_definition *definition, sm_bytes configuration);
sm_node *sm_node_find(const sm_question *question);
sm_node *sm_node_add(const sm_question *question, sm_definition *definition, sm_bytes head, sm_bytes states);

/* The node has come to hold more. */
void sm_node_weigh(sm_node *node, size_t more);

/* A machine comes to stand on a node, goes from one to another, or goes along a cached edge of the first. */
void sm_node_count_machine(sm_node *node);
void sm_node_count_move(sm_node *from, sm_node *to);
void sm_node_count_cached_move(sm_node *from, sm_cached_edge *edge);

/* A machine goes. Any thread: then the node may be gone at once, and its definition too. */
void sm_node_machine_gone(sm_node *node);

/* A number for each node, below sm_slab_places(); it may change when another node is given back. */
size_t sm_slab_place(const sm_details *details);
size_t sm_slab_places(void);

/* ---- edges ---- */

sm_cached_edge *sm_edge_cached(sm_node *node, uint8_t kind, sm_bytes key);
sm_edge *sm_edge_of(const sm_node *node, const sm_cached_edge *cached);
sm_edge *sm_edge_find(const sm_question *question);
sm_edge *sm_edge_find_document(sm_bytes text);
sm_edge *sm_edge_add(const sm_question *question, sm_definition *definition, sm_node *target, sm_bytes reply,
                     sm_bytes waits, bool ask_again);

/* ---- bounds ---- */

/* What is remembered stays within this many bytes: edges, and nodes that no machine stands on. */
uint64_t sm_memo_bound(void);

/* Called before anything is added, while no pointer is held to an edge, or to a node without machines whose definition
 * has no reference. */
void sm_memo_make_room(void);

/* The limits of documents have changed: what they let through is to be asked again. */
void sm_memo_forget_documents(void);

/* The server's cron. */
void sm_memo_tick(void);

/* While there are pins nothing is given back: what their owner has found stays, whatever the server runs meanwhile. */
extern unsigned sm_memo_pins;

static inline void sm_memo_pin(void) {
    sm_memo_pins++;
}

static inline void sm_memo_unpin(void) {
    sm_memo_pins--;
}

/* ---- text behind an item ---- */

/* Copies bytes to `*at`, which moves behind them. */
sm_bytes sm_put(char **at, sm_bytes bytes);

/* ---- counters ---- */

typedef struct sm_memo_counters {
    uint64_t definitions, nodes, edges;
    uint64_t definition_bytes, node_bytes, edge_bytes;
    uint64_t occupied_bytes; /* of node_bytes: nodes that machines stand on */
    uint64_t evictions;
} sm_memo_counters;

extern sm_memo_counters sm_memo_counts;

size_t sm_table_bytes(void);

#pragma GCC visibility pop

#endif
