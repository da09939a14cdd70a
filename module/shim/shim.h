/* What the shim's files share: values, memo, engine, settings.
 *
 *   onload.c    RedisModule_OnLoad: everything registered, in order
 *   python.c    CPython inside the server: isolated start
 *   memory.c    CPython's memory, taken from the server
 *   engine.c    questions to the Python engine and the values made of its answers
 *   memo.c      definitions, nodes and edges: interning, bounds, giving back
 *   slab.c      memory for nodes
 *   table.c     the hash table under the memo
 *   machine.c   what a key holds
 *   type.c      the data type: rdb, aof, digest, memory, free, copy
 *   commands.c  the SM.* commands
 *   reply.c     encoded replies, JSON texts and error lines to the client
 *   settings.c  redisstate.* settings and module arguments
 *   info.c      INFO redisstate
 *   redis_api.* the module API
 *
 * Only the main thread enters Python, the memo and the counters without a lock. The server frees values on other
 * threads and saves them in forked children: what those touch is immutable or atomic. */
#ifndef SM_SHIM_H
#define SM_SHIM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "engine_abi.h"
#include "redis_api.h"

#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define SM_ADDRESS_SANITIZER 1
#else
#define SM_ADDRESS_SANITIZER 0
#endif

#define SM_MODULE_NAME "redisstate"
#define SM_TYPE_NAME "StateType"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* ---- values ---- */

/* An entry of the memo's table; first member of definitions, of nodes' details and of edges. */
typedef struct sm_item {
    struct sm_item *chain;
    uint64_t hash;
    const void *owner; /* what the question was about: a definition, a node, or NULL */
    const char *key;
    TAILQ_ENTRY(sm_item) queue;     /* oldest first, for the memo's bound */
    LIST_ENTRY(sm_item) of_definition;
    size_t key_len;
    uint8_t kind;
    bool used; /* since it was last looked at by the bound: a second chance */
} sm_item;

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

/* A definition: interned by the bytes of its canonical document (item.key). */
typedef struct sm_definition {
    sm_item item;
    uint64_t engine; /* the engine's handle */
    size_t split;    /* where in the canonical document SM.GET puts the reason */
    size_t bytes;    /* held by it, its nodes and edges, and by the engine for it */
    size_t engine_bytes;
    sm_tally machines;
    uint32_t holds; /* by code that is about to use it */
    bool idle;      /* seen without machines by the sweep */
    size_t index;   /* among all definitions: changes when another is given back */
    LIST_HEAD(sm_edges, sm_item) edges;
    LIST_HEAD(sm_nodes, sm_item) nodes;
    char text[];
} sm_definition;

/* What an edge that was followed lately says, where its key is short; with many nodes, each piece of memory that is
 * looked at is a wait. For the same reason machines that have gone this way are counted here first. */
typedef struct sm_followed {
    struct sm_node *target; /* the edge's, where it has no reply of its own, or NULL */
    uint8_t moves;          /* machines that the counts of node and target do not know of yet */
    bool used;              /* beside the edge's own, which is not looked at where there is a target */
    uint8_t kind;
    uint8_t len; /* of the key; one that does not fit is read from the edge */
    char key[12];
} sm_followed;

/* A definition standing in one configuration: what remembered transitions and SM.STATE read of it, in one cache line. */
typedef struct sm_node {
    _Alignas(64) struct sm_details *details;
    RedisModuleCallReply *sent_states; /* SM.STATE's reply as the server sends it, once it was asked for often */
    sm_followed recent[2];             /* those from here that were made or found in the table last */
} sm_node;

_Static_assert(sizeof(sm_node) == 64, "one cache line");

/* The rest of a node. Its configuration is item.key. */
typedef struct sm_details {
    sm_item item;
    sm_node *node;
    uint32_t incoming; /* edges that lead here */
    uint32_t outgoing; /* edges that begin here */
    uint32_t arriving; /* edges that lead here with moves that are not counted in `machines` yet */
    bool occupied;     /* its bytes count as those of nodes that machines stand on */
    sm_bytes head;     /* `{"current":…`, how SM.GET's reply begins */
    sm_bytes states;   /* SM.STATE's reply, encoded */
    size_t size;
    sm_definition *definition;
    sm_tally machines;              /* exact where no edge leads here or begins here: see sm_followed */
    struct sm_edge *followed[2];    /* the edges of node->recent, or NULL */
    RedisModuleCallReply *sent_document;
    uint32_t states_asked, document_asked; /* while there is no reply to send */
    struct sm_slab *slab;
    char text[];
} sm_details;

/* A remembered answer to the question item.kind(item.key) about item.owner. The key is how `text` begins. */
typedef struct sm_edge {
    sm_item item;
    sm_node *target;  /* NULL: refused, or not a transition */
    sm_bytes reply;   /* encoded, empty where the target's states are the reply */
    sm_definition *definition;
    size_t size;
    bool has_reason;  /* of a document: whether reply is its reason */
    bool has_history; /* of a document: whether it says what history states hold */
    char text[];
} sm_edge;

/* A node with a reason. */
typedef struct sm_reason {
    sm_node *node;
    uint32_t len, room; /* longer ones are refused */
    char text[];
} sm_reason;

/* What is asked about an owner, and its place in the table. */
typedef struct sm_question {
    const void *owner;
    sm_bytes key;
    uint64_t hash;
    uint8_t kind;
} sm_question;

/* What a key holds. The pointer itself says it: a sm_node, or with its lowest bit set a sm_reason. */
typedef struct sm_machine sm_machine;

/* ---- table.c ---- */

typedef struct sm_table {
    sm_item **buckets, **old; /* old: what is still to be moved while the table grows */
    size_t size, old_size, moved, count;
} sm_table;

void sm_table_init(sm_table *table);
sm_question sm_table_question(const void *owner, uint8_t kind, sm_bytes key);
sm_item *sm_table_find(const sm_table *table, const sm_question *question);
void sm_table_add(sm_table *table, sm_item *item);
void sm_table_remove(sm_table *table, sm_item *item);
void sm_table_settle(sm_table *table);
size_t sm_table_bytes(const sm_table *table);

/* ---- memo.c ---- */

typedef struct sm_counters {
    uint64_t definitions, nodes, edges;
    uint64_t definition_bytes, node_bytes, edge_bytes;
    uint64_t occupied_bytes; /* of node_bytes: nodes that machines stand on */
    uint64_t engine_calls, memory_answers, evictions;
    sm_tally machines;
    sm_tally machine_bytes;
    _Atomic uint64_t python_bytes, python_raw_bytes;
} sm_counters;

extern sm_counters sm_counts;

void sm_memo_init(void);
size_t sm_memo_table_bytes(void);
sm_edge *sm_memo_find_edge(const sm_question *question);
sm_edge *sm_memo_find_document(sm_bytes text);

/* Among the ways that were followed lately; and its edge. */
sm_followed *sm_memo_way(sm_node *node, uint8_t kind, sm_bytes key);
sm_edge *sm_memo_edge_of(const sm_node *node, const sm_followed *way);

/* A machine has gone this way. */
void sm_memo_count_move(sm_node *node, sm_followed *way);

/* A machine has come to stand on a node, or has left it, and is counted in `machines`. */
void sm_memo_occupy(sm_node *node);
void sm_memo_vacate(sm_node *node);

/* The last machine of a definition may have gone. Main thread only. */
void sm_memo_machine_gone(sm_definition *definition);

/* Between the two nothing is given back: what the caller has found stays, whatever the server runs meanwhile. */
extern unsigned sm_memo_pins;

static inline void sm_memo_pin(void) {
    sm_memo_pins++;
}

static inline void sm_memo_unpin(void) {
    sm_memo_pins--;
}

/* What is remembered stays within this many bytes. */
uint64_t sm_memo_bound(void);

void sm_memo_weigh(sm_node *node, size_t more);
void sm_memo_make_room(void);
void sm_memo_forget_documents(void);
void sm_memo_tick(void);

/* A question is hashed once: what is not found is added as the answer to the same. */
sm_question sm_definition_question(sm_bytes canonical);
sm_definition *sm_definition_find(const sm_question *question);
sm_definition *sm_definition_add(const sm_question *question, size_t split, uint64_t engine, size_t engine_bytes);
size_t sm_definitions_count(void);
void sm_definition_weigh(sm_definition *definition, size_t engine_bytes);
void sm_definition_hold(sm_definition *definition);
void sm_definition_release(sm_definition *definition);
sm_question sm_node_question(const sm_definition *definition, sm_bytes configuration);
sm_node *sm_node_find(const sm_question *question);
sm_node *sm_node_add(const sm_question *question, sm_definition *definition, sm_bytes head, sm_bytes states);
sm_edge *sm_edge_add(const sm_question *question, sm_definition *definition, sm_node *target, sm_bytes reply,
                     bool has_reason);

/* ---- slab.c ---- */

void sm_slab_take(sm_details *details);
void sm_slab_give_back(const sm_details *details);

/* A number for each node, below sm_slab_places(); it may change when another node is given back. */
size_t sm_slab_place(const sm_details *details);
size_t sm_slab_places(void);

/* ---- machine.c ---- */

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

sm_machine *sm_machine_new(sm_node *node, const sm_bytes *reason);
void sm_machine_free(sm_machine *machine);

/* The machine goes to a node, with a new reason or none; it may be another pointer from then on. The move is to be
 * counted too. Main thread only. */
sm_machine *sm_machine_move(sm_machine *machine, sm_node *node, const sm_bytes *reason);
void sm_machine_count_move(sm_node *from, sm_node *to);

size_t sm_machine_bytes(const sm_machine *machine);

/* Gives back a machine whose memory lies better for the server's defragmentation: the same, or a new pointer. */
sm_machine *sm_machine_defrag(sm_machine *machine, RedisModuleDefragCtx *ctx);

/* ---- engine.c ---- */

enum sm_outcome {
    SM_TAKEN,
    SM_REFUSED,
    SM_ERROR, /* answer.error says why */
    SM_STRAY, /* a document that is good but for its `current`: held, and answer.error says so */
};

/* An answer. What it points to stays until it is released, whatever is asked, changed or freed meanwhile; every answer
 * is to be released. */
typedef struct sm_answer {
    sm_node *node;     /* where it leads, */
    sm_followed *way;  /* and the way of the node that was asked, where it is known; see sm_memo_count_move */
    sm_bytes reply;    /* encoded; empty where the node's states are the reply */
    bool has_history;  /* of a document: whether it says what history states hold, */
    bool has_reason;   /* whether it has a reason, */
    sm_bytes reason;   /* and which */
    sm_bytes error;    /* one line without "ERR " */
    struct sm_piece *pieces; /* bytes that the engine has said and nobody else keeps */
} sm_answer;

void sm_pieces_free(struct sm_piece *pieces);

static inline void sm_answer_release(sm_answer *answer) {
    sm_memo_unpin();
    if (answer->pieces) sm_pieces_free(answer->pieces);
}

/* A document that a client has sent before, under the limits of now: true as sm_engine_document's SM_TAKEN. */
bool sm_engine_known_document(sm_bytes document, sm_definition **held, sm_answer *answer);

/* A document that was accepted before (by a primary, or before a restart) is taken whatever the limits say now.
 * On SM_TAKEN and SM_STRAY the definition is held: release it. */
enum sm_outcome sm_engine_document(sm_bytes document, bool accepted_before, sm_definition **held, sm_answer *answer);

/* A stored document: like sm_engine_document, but without a node, and not remembered as a client's text. */
enum sm_outcome sm_engine_definition(sm_bytes canonical, bool accepted_before, sm_definition **held,
                                     sm_answer *answer);

/* The node of a stored configuration. */
enum sm_outcome sm_engine_node(sm_definition *definition, sm_bytes configuration, bool accepted_before,
                               sm_answer *answer);

/* A question about a node, or where that is NULL about a definition. */
enum sm_outcome sm_engine_ask(sm_definition *definition, sm_node *node, uint8_t kind, sm_bytes argument,
                              sm_answer *answer);

/* Standing where `current` says: a question about a definition, or about a node whose history states keep what they
 * hold. */
enum sm_outcome sm_engine_enter(sm_definition *definition, sm_node *node, sm_bytes current, bool accepted_before,
                                sm_answer *answer);

/* What SM.CHECK finds in a document, or a picture of it; nothing is stored. */
enum sm_outcome sm_engine_look_at(uint8_t kind, sm_bytes document, sm_answer *answer);

bool sm_engine_start(void);

/* The limits of documents in sm_config have been set. */
void sm_engine_set_limits(void);

/* Main thread only: the engine lets go of a definition. */
void sm_engine_forget(uint64_t engine);

/* ---- python.c ---- */

/* After Py_PreInitialize, before anything else of Python. */
void sm_python_use_servers_memory(void);

/* False in a forked child too. */
bool sm_on_main_thread(void);

bool sm_python_start(RedisModuleCtx *ctx, const char *bundle);
const char *sm_python_version(void);

/* ---- reply.c ---- */

void sm_reply_prepare(RedisModuleCtx *ctx);
int sm_reply_ok(RedisModuleCtx *ctx);
int sm_reply_encoded(RedisModuleCtx *ctx, sm_bytes encoded);
int sm_reply_states_in_pieces(RedisModuleCtx *ctx, sm_node *node);
int sm_reply_document_in_pieces(RedisModuleCtx *ctx, const sm_machine *machine);

/* The replies of SM.STATE and SM.GET, here because a command that reads has little else to do. */
static inline int sm_reply_states(RedisModuleCtx *ctx, sm_node *node) {
    RedisModuleCallReply *sent = node->sent_states;
    return sent ? RedisModule_ReplyWithCallReply(ctx, sent) : sm_reply_states_in_pieces(ctx, node);
}

static inline int sm_reply_document(RedisModuleCtx *ctx, const sm_machine *machine, const sm_node *node) {
    RedisModuleCallReply *sent = sm_machine_block(machine) ? NULL : node->details->sent_document;
    return sent ? RedisModule_ReplyWithCallReply(ctx, sent) : sm_reply_document_in_pieces(ctx, machine);
}

void sm_reply_forget(sm_node *node);
int sm_reply_error(RedisModuleCtx *ctx, sm_bytes text);

/* `before`, a name in quotes, `between`, another where it is not NULL, `after`: short words and names of any length. */
int sm_reply_error_about(RedisModuleCtx *ctx, const char *before, sm_bytes name, const char *between, sm_bytes other,
                         const char *after);
int sm_reply_invalid_transition(RedisModuleCtx *ctx, const sm_node *from, sm_bytes to);
size_t sm_utf8_fault(sm_bytes text);
char *sm_document_render(const sm_machine *machine, size_t *len);

/* ---- type.c, commands.c, settings.c, info.c ---- */

extern RedisModuleType *sm_type;

/* Whether what a command brings was accepted before: by the primary, or by this server before it restarted. */
bool sm_accepted_before(RedisModuleCtx *ctx);

bool sm_type_register(RedisModuleCtx *ctx);
bool sm_type_listen(RedisModuleCtx *ctx);
bool sm_commands_register(RedisModuleCtx *ctx);

typedef struct sm_settings {
    int invalid_transition; /* 0: nil, 1: error */
    long long document_bytes, states, nesting, memo_bytes;
} sm_settings;

extern sm_settings sm_config;
extern uint64_t sm_maxmemory; /* the server's setting, in bytes; 0: none */

bool sm_settings_arguments(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);
bool sm_settings_register(RedisModuleCtx *ctx);
bool sm_settings_listen(RedisModuleCtx *ctx);
void sm_info(RedisModuleInfoCtx *ctx, int for_crash_report);

/* ---- what commands.json becomes ---- */

typedef struct sm_command {
    const char *name;
    RedisModuleCmdFunc function;
    const char *flags;
    const char *acl_categories; /* beside @statemachine */
    int has_key;
    const RedisModuleCommandInfo *info;
} sm_command;

extern const sm_command sm_commands[];
extern const size_t sm_commands_count;
extern const char *const sm_version;

#pragma GCC visibility pop

#endif
