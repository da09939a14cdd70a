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
    SM_KIND_MERMAID = 17,       /* of a node or a document, likewise */
    SM_KIND_DOT = 18,           /* of a node: SM.DIAGRAM key DOT; of a document: SM.RENDER document DOT */
    SM_KIND_WHY_NOT = 19,       /* from a node: why an event is not taken, as an error */
    SM_KIND_CHECK = 20,         /* of a document: SM.CHECK */
};

enum sm_verdict_code {
    SM_VERDICT_INTERNAL = -1, /* the engine failed; the log says how */
    SM_VERDICT_TAKEN = 0,
    SM_VERDICT_REFUSED = 1,
    SM_VERDICT_ERROR = 2,  /* `error` says why, in one line without "ERR " */
    SM_VERDICT_STRAY = 3,  /* a good document whose `current` is no state of it; `error` says so */
};

/* What Python says of one question. It says it by the functions below, which copy the bytes: none of Python's is kept
 * beyond the call. */
typedef struct sm_verdict sm_verdict;

/* What a document has become: the engine's handle and what the engine holds for it, the document that is stored, where in
 * it SM.GET puts the reason, whether it says what history states hold. */
void sm_verdict_compiled(sm_verdict *verdict, uint64_t engine, size_t engine_bytes, const char *canonical,
                         size_t canonical_len, size_t split, int has_history);

/* Its reason. */
void sm_verdict_reason(sm_verdict *verdict, const char *text, size_t len);

/* Where a machine stands: its configuration, how SM.GET's reply begins there, SM.STATE's reply there, encoded. */
void sm_verdict_stand(sm_verdict *verdict, const char *configuration, size_t configuration_len, const char *head,
                      size_t head_len, const char *states, size_t states_len);

/* The reply to a question, encoded. */
void sm_verdict_reply(sm_verdict *verdict, const char *encoded, size_t len);

/* Why there is none: one line without "ERR ". */
void sm_verdict_error(sm_verdict *verdict, const char *text, size_t len);

/* Bytes that Python holds of the server's memory now. */
uint64_t sm_python_bytes(void);

/* For Python: writes one failure to the server's log. */
void sm_log_failure(const char *text, size_t len);

#endif
