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
    SM_STEP_SEND = 8,    /* give it an event */
    SM_STEP_MUTATE = 9,  /* move to a state, if a transition leads there */
    SM_STEP_FORCE = 10,  /* move to a state whatever the transitions say */
    /* Of a definition. */
    SM_STEP_RESET = 11,  /* its start */
    SM_STEP_ENTER = 12,  /* standing where `current` says; from a node whose history states keep their values */
    /* Of a machine that waits. */
    SM_STEP_FIRE = 13,   /* give it the event of a deadline, as JSON */
    SM_STEP_DONE = 14,   /* the task of that id has ended, with the data as its result, */
    SM_STEP_FAIL = 15,   /* or has failed with it */

    /* Questions, each with any number that is free: about a definition, */
    SM_ASK_LIST = 16,    /* SM.STATE key LIST */
    SM_ASK_ALL = 17,     /* SM.STATE key ALL */
    SM_ASK_INITIAL = 18, /* SM.GET key INITIAL */
    /* about a node, */
    SM_ASK_CURRENT = 19, /* SM.GET key CURRENT */
    /* about a machine, */
    SM_ASK_NEXT = 20,    /* SM.NEXT */
    SM_ASK_CAN = 21,     /* SM.CAN */
    SM_ASK_WHY = 22,     /* SM.CAN key event WHY */
    SM_ASK_WHY_NOT = 23, /* why an event is not taken: always an error */
    SM_ASK_SNAPSHOT = 24, /* SM.GET key SNAPSHOT */
    /* about a node or a document, */
    SM_ASK_MERMAID = 25, /* SM.DIAGRAM, SM.RENDER */
    SM_ASK_DOT = 26,
    /* about a document. */
    SM_ASK_CHECK = 27, /* SM.CHECK */
    SM_KINDS = 32,

    /* Added to a step or a question. */
    SM_WITH_EFFECTS = 32, /* its effects are answered */
    SM_WITH_GUARDS = 64, /* the client says which of its guards hold: they begin the key */
};

enum sm_verdict_code {
    SM_VERDICT_INTERNAL = -1, /* the engine failed; the log says how */
    SM_VERDICT_TAKEN = 0,
    SM_VERDICT_REFUSED = 1,
    SM_VERDICT_ERROR = 2,           /* one line says why */
    SM_VERDICT_UNKNOWN_CURRENT = 3, /* a good document whose `current` is no state of it; one line says so */
};

/* What a step or a question is about, and what comes in with it, in the order in which it crosses: one text after the
 * other, and the length of each, or -1 where there is none. */
enum sm_input {
    SM_IN_CONFIGURATION, /* none where it does not begin at a node */
    SM_IN_ARGUMENT,      /* the event, the state, `current`, or a document */
    SM_IN_CONTEXT,       /* the machine's, */
    SM_IN_OUTPUT,
    SM_IN_ERROR,
    SM_IN_DATA,   /* JSON that came with the command, */
    SM_IN_INPUT,
    /* and which of the client's guards hold: their count, then each name behind its length; numbers with seven bits a
     * byte, the lowest first, all bytes but the last with the eighth bit set */
    SM_IN_GUARDS,
    SM_INPUTS,
};

/* What Python says of one step, question or document. It says it by the functions below, which copy the bytes: nothing
 * of Python's is kept beyond the call. */
typedef struct sm_verdict sm_verdict;

/* What a document has become: the engine's handle and the bytes that the engine holds for it, the document that is
 * stored, where in it SM.GET puts the reason. */
void sm_verdict_compiled(sm_verdict *verdict, uint64_t engine, size_t engine_bytes, const char *canonical,
                         size_t canonical_len, size_t split);

/* Of its definition: whether its machines keep data, count their steps, have deadlines or tasks, and whether its states
 * lie in one another. Of the document: whether it says nothing of where it stands, or what history states restore. */
void sm_verdict_traits(sm_verdict *verdict, int keeps, int counts, int waits, int nests, int starts, int has_history);

/* Of its definition: the stream where its machines write their effects, how entries name the document, whether there is
 * one for each step, and about how many the stream keeps, or 0. */
void sm_verdict_outbox(sm_verdict *verdict, const char *stream, size_t stream_len, const char *machine,
                       size_t machine_len, int steps, long long maxlen);

/* Of its definition: how many steps its machines keep, and how many tokens, and the TTL of the key of one that is done,
 * in milliseconds; 0: none. */
void sm_verdict_store(sm_verdict *verdict, long long history, long long tokens, long long expire);

/* Its reason. */
void sm_verdict_reason(sm_verdict *verdict, const char *text, size_t len);

/* Where a machine stands: its configuration, how SM.GET's reply begins there, SM.STATE's reply there, in tokens, and
 * whether it is done. */
void sm_verdict_stand(sm_verdict *verdict, const char *configuration, size_t configuration_len, const char *head,
                      size_t head_len, const char *states, size_t states_len, int done);

/* The outcome of a step that depends on data: where the machine stands, and what it keeps then. A length of -1: there
 * is none; the context is as it was. The same step may have another outcome next time: it is not to be remembered. */
void sm_verdict_outcome(sm_verdict *verdict, const char *configuration, size_t configuration_len, const char *context,
                        long long context_len, const char *changes, long long changes_len, const char *output,
                        long long output_len, const char *error, long long error_len);

/* What a step arms, cancels, starts and stops: a list of changes (machine/waits.h). */
void sm_verdict_waits(sm_verdict *verdict, const char *changes, size_t len);

/* The deadlines and tasks of a machine whose document says them, two lists. After sm_verdict_outcome. */
void sm_verdict_pending(sm_verdict *verdict, const char *timers, size_t timers_len, const char *tasks,
                        size_t tasks_len);

/* The same question may have another answer next time. */
void sm_verdict_ask_again(sm_verdict *verdict);

/* The reply, in tokens; of a step, its effects (reply/effects.h). */
void sm_verdict_reply(sm_verdict *verdict, const char *tokens, size_t len);

/* Why there is none: one line that begins with a code as in "ERR ". */
void sm_verdict_error(sm_verdict *verdict, const char *text, size_t len);

/* Bytes that Python holds of the server's memory now. */
uint64_t sm_python_bytes(void);

/* Writes one failure to the server's log. */
void sm_log_failure(const char *text, size_t len);

#endif
