/* What crosses the boundary between the shim and the Python engine. Plain declarations: cffi reads this file too
 * (build.py takes out the lines that begin with a hash). */
#ifndef SM_ENGINE_ABI_H
#define SM_ENGINE_ABI_H
#include <stddef.h>
#include <stdint.h>

typedef struct sm_bytes {
    const char *ptr;
    size_t len;
} sm_bytes;

/* Questions that the engine answers once and the memo remembers, after three kinds of items that are no questions. */
enum sm_kind {
    SM_KIND_DEFINITION = 1,
    SM_KIND_NODE = 2,
    SM_KIND_DOCUMENT = 3,
    SM_KIND_MUTATE = 4,  /* from a node: move to a state */
    SM_KIND_FORCE = 5,   /* from a node: move to a state whatever the transitions say */
    SM_KIND_RESET = 6,   /* of a definition: its start */
    SM_KIND_ENTER = 7,   /* of a definition, or from a node whose histories stay: standing where `current` says */
    SM_KIND_LIST = 8,    /* of a definition: SM.STATE key LIST */
    SM_KIND_ALL = 9,     /* of a definition: SM.STATE key ALL */
    SM_KIND_INITIAL = 10, /* of a definition: SM.GET key INITIAL */
    SM_KIND_CURRENT = 11, /* of a node: SM.GET key CURRENT */
    SM_KIND_ACCEPTED = 12, /* no question either: a document that was accepted before, whatever the limits say */
    SM_KIND_SEND = 13,          /* from a node: give it an event */
    SM_KIND_SEND_ACTIONS = 14,  /* the same, answered with states and actions */
    SM_KIND_RESET_ACTIONS = 15, /* of a definition: its start, answered with states and actions */
    SM_KIND_NEXT = 16,          /* of a node: SM.NEXT */
    SM_KIND_MERMAID = 17,       /* of a node: SM.DIAGRAM key MERMAID */
    SM_KIND_DOT = 18,           /* of a node: SM.DIAGRAM key DOT */
};

enum sm_verdict_code {
    SM_VERDICT_INTERNAL = -1, /* the engine failed; the log says how */
    SM_VERDICT_TAKEN = 0,
    SM_VERDICT_REFUSED = 1,
    SM_VERDICT_ERROR = 2,  /* `error` says why, in one line without "ERR " */
    SM_VERDICT_STRAY = 3,  /* a good document whose `current` is no state of it; `error` says so */
};

/* Filled by Python. The pointers are good until the next question; sm_python_forget is none. */
typedef struct sm_verdict {
    uint64_t engine;         /* a compiled document: the engine's handle, */
    size_t engine_bytes;     /* what the engine holds for it, about, */
    sm_bytes canonical;      /* the document that is stored, */
    size_t split;            /* where in it SM.GET puts the reason, */
    sm_bytes reason;         /* its reason */
    int has_reason;          /* or none, */
    int has_history;         /* whether it says what history states hold; */
    sm_bytes configuration;  /* a machine's new configuration, */
    sm_bytes head;           /* how SM.GET's reply begins there, */
    sm_bytes states;         /* SM.STATE's reply there, encoded */
    sm_bytes reply;          /* the answer to a question, encoded */
    sm_bytes error;
} sm_verdict;

/* For Python: what a document has become, and where a machine stands, in one call each. The bytes must outlive the
 * verdict. */
void sm_verdict_compiled(sm_verdict *verdict, uint64_t engine, size_t engine_bytes, const char *canonical,
                         size_t canonical_len, size_t split, int has_history);
void sm_verdict_stand(sm_verdict *verdict, const char *configuration, size_t configuration_len, const char *head,
                      size_t head_len, const char *states, size_t states_len);

/* For Python: writes one failure to the server's log. */
void sm_log_failure(const char *text, size_t len);

#endif
