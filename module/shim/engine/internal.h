/* What the engine's own files share: verdicts, and how they become outcomes. */
#ifndef SM_ENGINE_INTERNAL_H
#define SM_ENGINE_INTERNAL_H

#include "engine/engine.h"
#include "python/exports.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

struct sm_verdict {
    uint64_t engine;
    size_t engine_bytes, split;
    bool has_reason, has_history, ask_again;
    sm_bytes canonical, reason, configuration, head, states, reply, error;
    struct sm_piece *pieces; /* where they lie */
};

/* Begins a question to Python: an empty verdict, an empty outcome, and room in the memo for what it says. */
void sm_verdict_begin(sm_verdict *verdict, sm_outcome *outcome);

/* The outcome takes over the verdict's bytes; what it points to stays from here on. */
enum sm_result sm_verdict_end(sm_verdict *verdict, sm_outcome *outcome, enum sm_result result);

/* The same for a code of Python's that gives no answer. */
enum sm_result sm_verdict_failed(sm_verdict *verdict, sm_outcome *outcome, int code);

/* The outcome is what the memo has. */
enum sm_result sm_outcome_remembered(sm_outcome *outcome, enum sm_result result);

/* The node that a verdict describes. */
sm_node *sm_verdict_node(const sm_verdict *verdict, sm_definition *definition);

/* Whether an answer is small enough to be remembered. */
bool sm_is_rememberable(sm_bytes key, sm_bytes reply);

/* The definition has come to hold more while Python was asked: bytes of Python's before and after. */
void sm_definition_weigh_engine(sm_definition *definition, uint64_t before, uint64_t after);

#pragma GCC visibility pop

#endif
