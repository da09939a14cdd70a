/* Steps, to outcomes: from a node's cache, from the table, or from Python, which says whether it may be remembered. */
#include <string.h>

#include "engine/internal.h"

enum {
    LONGEST_REFUSAL = 256,   /* bytes of an argument; longer ones that are refused are not remembered */
    LONGEST_ARGUMENT = 4096, /* bytes; longer ones are asked again each time */
};

static enum sm_result remembered(sm_edge *edge, sm_outcome *outcome) {
    memset(outcome, 0, sizeof(*outcome));
    if (!edge->item.used) edge->item.used = true;
    outcome->node = edge->target;
    outcome->reply = edge->reply;
    return sm_outcome_remembered(outcome, edge->target ? SM_TAKEN : SM_REFUSED);
}

/* Asks Python, and remembers what it says where it may be. `known`: an edge says already that it is asked again. */
static enum sm_result ask_python(sm_definition *definition, const sm_step *step, const sm_question *question,
                                 bool known, sm_outcome *outcome) {
    sm_verdict verdict;
    uint64_t bytes;
    int code;

    sm_verdict_begin(&verdict, outcome);
    bytes = sm_python_bytes();
    code = sm_python_step(step, &verdict);
    sm_definition_weigh_engine(definition, bytes, sm_python_bytes());
    if (code != SM_VERDICT_TAKEN && code != SM_VERDICT_REFUSED) return sm_verdict_failed(&verdict, outcome, code);
    outcome->reply = verdict.reply;
    if (code == SM_VERDICT_TAKEN) outcome->node = sm_verdict_node(&verdict, definition);
    if (verdict.ask_again) {
        if (!known && step->argument.len <= LONGEST_REFUSAL)
            sm_edge_add(question, definition, NULL, (sm_bytes){NULL, 0}, true);
    } else if (sm_is_rememberable(step->argument, outcome->reply) &&
               step->argument.len <= (code == SM_VERDICT_TAKEN ? LONGEST_ARGUMENT : LONGEST_REFUSAL)) {
        sm_edge_add(question, definition, outcome->node, outcome->reply, false);
    }
    return sm_verdict_end(&verdict, outcome, code == SM_VERDICT_TAKEN ? SM_TAKEN : SM_REFUSED);
}

/* A step of a definition, or of a node of it. */
static __attribute__((noinline)) enum sm_result look_up(sm_definition *definition, sm_node *node, uint8_t kind,
                                                        sm_bytes argument, bool accepted_before, sm_outcome *outcome) {
    sm_question question = sm_question_make(node ? (const void *)node : definition, kind, argument);
    sm_edge *edge = sm_edge_find(&question);
    sm_step step = {definition->engine, kind, accepted_before, {"", 0}, argument};

    if (edge && !edge->ask_again) return remembered(edge, outcome);
    if (node) step.configuration = (sm_bytes){node->details->item.key, node->details->item.key_len};
    return ask_python(definition, &step, &question, edge != NULL, outcome);
}

enum sm_result sm_engine_step(sm_node *node, uint8_t kind, sm_bytes argument, sm_outcome *outcome) {
    sm_cached_edge *cached = sm_edge_cached(node, kind, argument);
    sm_edge *edge;

    if (cached && cached->target) { /* nothing else of the node is looked at */
        memset(outcome, 0, sizeof(*outcome));
        outcome->node = cached->target;
        outcome->edge = cached;
        return sm_outcome_remembered(outcome, SM_TAKEN);
    }
    edge = cached ? sm_edge_of(node, cached) : NULL;
    if (edge && !edge->ask_again) return remembered(edge, outcome);
    return look_up(node->details->definition, node, kind, argument, false, outcome);
}

enum sm_result sm_engine_reset(sm_definition *definition, uint8_t kind, sm_outcome *outcome) {
    return look_up(definition, NULL, kind, (sm_bytes){"", 0}, false, outcome);
}

enum sm_result sm_engine_enter(sm_definition *definition, sm_node *node, sm_bytes current, bool accepted_before,
                               sm_outcome *outcome) {
    return look_up(definition, node, SM_STEP_ENTER, current, accepted_before, outcome);
}
