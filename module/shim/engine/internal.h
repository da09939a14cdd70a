/* What the engine's own files share: verdicts, and how they become outcomes. */
#ifndef SM_ENGINE_INTERNAL_H
#define SM_ENGINE_INTERNAL_H

#include "engine/engine.h"
#include "python/exports.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

struct sm_verdict {
    uint64_t engine;
    size_t engine_bytes, split;
    bool keeps, counts, waits_for, nests, has_reason, has_history, starts, done, ask_again;
    sm_bytes canonical, reason, configuration, head, states, reply, changes, waits;
    sm_outbox outbox;
    bool has_outbox;
    uint64_t history, tokens, expire;
    sm_data *data; /* of an outcome that depends on data, or NULL */
    const char *code;
    sm_bytes error;
    struct sm_piece *pieces; /* where they lie */
};

/* Begins a question to Python: an empty verdict, an empty outcome, and room in the memo for what it says. */
void sm_verdict_begin(sm_verdict *verdict, sm_outcome *outcome);

/* The outcome takes over the verdict's bytes; what it points to stays from here on. */
enum sm_result sm_verdict_end(sm_verdict *verdict, sm_outcome *outcome, enum sm_result result);

/* The same for a code of Python's that gives no answer. */
enum sm_result sm_verdict_failed(sm_verdict *verdict, sm_outcome *outcome, int code);

/* An outcome of nothing. To copy it takes less than memset, which becomes a string instruction. */
extern const sm_outcome sm_no_outcome;

/* The outcome is what the memo has. */
enum sm_result sm_outcome_remembered(sm_outcome *outcome, enum sm_result result);

/* The outcome is where the verdict says, and keeps what it says. False where Python cannot describe its node. */
bool sm_verdict_stands(sm_verdict *verdict, sm_definition *definition, sm_outcome *outcome);

/* All that a step, a question or a document is asked with: */
void sm_inputs_of(sm_bytes inputs[SM_INPUTS], const sm_node *node, const sm_asked *asked);

/* one after the other, as cffi takes them; to be freed. */
typedef struct sm_texts {
    long long lengths[SM_INPUTS];
    size_t len;
    const char *ptr;
    char *own; /* memory, where `few` has no room */
    char few[1024];
} sm_texts;

void sm_texts_make(sm_texts *texts, const sm_node *node, const sm_asked *asked);

static inline void sm_texts_free(sm_texts *texts) {
    RedisModule_Free(texts->own);
}

/* Whether an answer is small enough to be remembered. */
bool sm_is_rememberable(sm_bytes key, sm_bytes reply);

/* The definition has come to hold more while Python was asked: bytes of Python's before and after. */
void sm_definition_weigh_engine(sm_definition *definition, uint64_t before, uint64_t after);

#pragma GCC visibility pop

#endif
