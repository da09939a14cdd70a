/* What is asked of the engine: answered by the memo, or by Python once and then remembered.
 *
 *   texts.c      what crosses to Python
 *   verdict.c    what Python says, copied while it says it
 *   documents.c  documents and stored configurations, to definitions and nodes
 *   data.c       what machines keep, from outside
 *   steps.c      steps, to outcomes
 *   questions.c  questions, to replies */
#ifndef SM_ENGINE_ENGINE_H
#define SM_ENGINE_ENGINE_H

#include "data.h"
#include "memo/memo.h"
#include "python/boundary.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

enum sm_result {
    SM_TAKEN,
    SM_REFUSED,
    SM_ERROR,           /* `error` says why */
    SM_UNKNOWN_CURRENT, /* a document that is good but for its `current`: `error` says so */
};

/* What comes in with a command. */
typedef struct sm_given {
    sm_bytes data, input; /* JSON; without a pointer: not given */
    sm_bytes guards;      /* likewise; which of the client's guards hold, as SM_IN_GUARDS has them */
} sm_given;

/* A step or a question. */
typedef struct sm_asked {
    uint8_t kind; /* SM_STEP_SEND …, and what is added to it */
    RedisModuleCtx *ctx;   /* of a command whose step it is, or NULL */
    sm_bytes argument;
    const sm_data *held;   /* what the machine keeps, or NULL */
    const sm_given *given; /* or NULL */
} sm_asked;

/* What was asked for. It points to what stays until it is released, whatever is asked, changed or freed meanwhile:
 * every one is to be released, whatever the result. */
typedef struct sm_outcome {
    enum sm_result result;
    sm_node *node;           /* where the machine stands then, */
    sm_cached_edge *edge;    /* and the cached edge of the node where it stood that leads there, or NULL */
    const sm_data *data;     /* what it keeps then, where the outcome depends on data: output and error as they are
                              * here, the context too where it is not as it was. Reason and revision are left out */
    bool is_pure;            /* `data` follows from the command and from what the machine kept: that is what replicas
                              * get */
    sm_bytes changes;        /* the members of the context that changed, where that is what replicas get */
    sm_bytes waits;          /* what it arms, cancels, starts and stops: a list of changes (machine/waits.h) */
    sm_bytes reply;          /* in tokens; of a step its effects, where they were asked for */
    sm_definition *definition; /* of a document: retained, until it is released */
    bool has_history;        /* of a document: it says what history states restore, */
    bool starts;             /* or nothing of where it stands; without a node its start is to be asked for */
    bool has_reason;         /* of a document, */
    sm_bytes reason;         /* and which */
    const char *code;        /* of the error: "ERR", "GUARD", "EXPR" */
    sm_bytes error;          /* one line without its code */
    struct sm_piece *pieces; /* bytes that nobody else owns */
} sm_outcome;

void sm_outcome_free(sm_outcome *outcome);

/* Room for so many bytes, aligned as a pointer is, until it is released. */
void *sm_outcome_room(sm_outcome *outcome, size_t len);

static inline void sm_outcome_release(sm_outcome *outcome) {
    sm_memo_unpin();
    if (outcome->pieces || outcome->definition) sm_outcome_free(outcome);
}

bool sm_engine_start(void);

/* The limits of documents have been set. */
void sm_engine_set_limits(void);

typedef struct sm_engine_counters {
    uint64_t calls;          /* of Python */
    uint64_t memory_answers; /* what was answered without it */
} sm_engine_counters;

extern sm_engine_counters sm_engine_counts;

/* Whether what a command brings was accepted before: by the primary, or by this server before it restarted. */
bool sm_accepted_before(RedisModuleCtx *ctx);

/* ---- documents ---- */

/* What a document says: a definition, the node where a machine of it stands, its reason, what it keeps. What was
 * accepted before (by a primary, or before a restart) is taken whatever the limits say now. `given` may be NULL. */
enum sm_result sm_engine_document(sm_bytes document, bool accepted_before, const sm_given *given, sm_outcome *outcome);

/* The same of a text that a client has sent before, under the limits of now; false where none has. */
bool sm_engine_known_document(sm_bytes document, const sm_given *given, sm_outcome *outcome);

/* A stored document: its definition, without a node; not remembered as a client's text. */
enum sm_result sm_engine_definition(sm_bytes canonical, bool accepted_before, sm_outcome *outcome);

/* The node of a stored configuration. */
enum sm_result sm_engine_node(sm_definition *definition, sm_bytes configuration, bool accepted_before,
                              sm_outcome *outcome);

/* ---- data ---- */

/* What a machine on a node keeps, from outside: checked, in `data` of the outcome. */
enum sm_result sm_engine_admit(sm_node *node, const sm_data *data, sm_outcome *outcome);

/* The same of what it waits for, in well-formed lists: nothing is in the outcome but an error. */
enum sm_result sm_engine_admit_waits(const sm_data *data, sm_outcome *outcome);

/* A context with members set anew. */
enum sm_result sm_engine_merge(sm_bytes context, sm_bytes changes, sm_outcome *outcome);

/* ---- steps ---- */

/* A step from a node. */
enum sm_result sm_engine_step(sm_node *node, const sm_asked *asked, sm_outcome *outcome);

/* A step of a definition: its start, or standing where `current` says, where `node` may say what history states
 * restore, or be NULL. */
enum sm_result sm_engine_begin(sm_definition *definition, sm_node *node, const sm_asked *asked, sm_outcome *outcome);

/* ---- questions ---- */

/* About a node, or where that is NULL about a definition. */
enum sm_result sm_engine_ask(sm_definition *definition, sm_node *node, const sm_asked *asked, sm_outcome *outcome);

/* About a document that is not stored. */
enum sm_result sm_engine_look_at(uint8_t kind, sm_bytes document, sm_outcome *outcome);

#pragma GCC visibility pop

#endif
