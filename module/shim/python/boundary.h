/* What crosses the boundary between the shim and the Python engine. Plain declarations: cffi reads this file too
 * (build.py takes out the lines that begin with a hash). */
#ifndef SM_PYTHON_BOUNDARY_H
#define SM_PYTHON_BOUNDARY_H
#include <stddef.h>
#include <stdint.h>
#include "bytes.h"

/* What an item of the memo is about: a definition, a node, a document's text, a step or a question. */
enum sm_kind {
    SM_KIND_DEFINITION = 1,
    SM_KIND_NODE = 2,
    SM_KIND_DOCUMENT = 3, /* a document that a client sent, */
    SM_KIND_ACCEPTED = 4, /* or that was accepted before, whatever the limits say now */

    /* Steps: of a machine that stands on a node. */
    SM_STEP_SEND = 16,   /* give it an event */
    SM_STEP_MUTATE = 17, /* move to a state, if a transition leads there */
    SM_STEP_FORCE = 18,  /* move to a state whatever the transitions say */
    /* Of a definition. */
    SM_STEP_RESET = 19,  /* its start */
    SM_STEP_ENTER = 20,  /* standing where `current` says; from a node whose history states keep their values */
    SM_STEP_ACTIONS = 64, /* added to the others: the reply is states and actions */

    /* Questions, each with any number that is free: about a definition, */
    SM_ASK_LIST = 32,    /* SM.STATE key LIST */
    SM_ASK_ALL = 33,     /* SM.STATE key ALL */
    SM_ASK_INITIAL = 34, /* SM.GET key INITIAL */
    /* about a node, */
    SM_ASK_CURRENT = 35, /* SM.GET key CURRENT */
    SM_ASK_NEXT = 36,    /* SM.NEXT */
    SM_ASK_WHY_NOT = 37, /* why an event is not taken: always an error */
    /* about a node or a document, */
    SM_ASK_MERMAID = 38, /* SM.DIAGRAM, SM.RENDER */
    SM_ASK_DOT = 39,
    /* about a document. */
    SM_ASK_CHECK = 40, /* SM.CHECK */
};

enum sm_verdict_code {
    SM_VERDICT_INTERNAL = -1, /* the engine failed; the log says how */
    SM_VERDICT_TAKEN = 0,
    SM_VERDICT_REFUSED = 1,
    SM_VERDICT_ERROR = 2,           /* one line says why */
    SM_VERDICT_UNKNOWN_CURRENT = 3, /* a good document whose `current` is no state of it; one line says so */
};

/* One step: where the machine stands and what comes in. */
typedef struct sm_step {
    uint64_t engine;         /* the definition's handle */
    int kind;                /* SM_STEP_SEND ... */
    int accepted_before;     /* by a primary, or before a restart: held to no limit */
    sm_bytes configuration;  /* empty where the step does not begin at a node */
    sm_bytes argument;       /* the event, the state, or `current` */
} sm_step;

/* What Python says of one step, question or document. It says it by the functions below, which copy the bytes: nothing
 * of Python's is kept beyond the call. */
typedef struct sm_verdict sm_verdict;

/* What a document has become: the engine's handle and the bytes that the engine holds for it, the document that is
 * stored, where in it SM.GET puts the reason, whether it says what history states restore. */
void sm_verdict_compiled(sm_verdict *verdict, uint64_t engine, size_t engine_bytes, const char *canonical,
                         size_t canonical_len, size_t split, int has_history);

/* Its reason. */
void sm_verdict_reason(sm_verdict *verdict, const char *text, size_t len);

/* Where a machine stands: its configuration, how SM.GET's reply begins there, SM.STATE's reply there, in tokens. */
void sm_verdict_stand(sm_verdict *verdict, const char *configuration, size_t configuration_len, const char *head,
                      size_t head_len, const char *states, size_t states_len);

/* The reply, in tokens. */
void sm_verdict_reply(sm_verdict *verdict, const char *tokens, size_t len);

/* Why there is none: one line without "ERR ". */
void sm_verdict_error(sm_verdict *verdict, const char *text, size_t len);

/* The same step may have another outcome next time: it is not to be remembered. */
void sm_verdict_ask_again(sm_verdict *verdict);

/* Bytes that Python holds of the server's memory now. */
uint64_t sm_python_bytes(void);

/* Writes one failure to the server's log. */
void sm_log_failure(const char *text, size_t len);

#endif
