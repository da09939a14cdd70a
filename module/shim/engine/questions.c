/* Questions, to replies: what a machine is, what it would do, what a document looks like. */
#include <string.h>

#include "engine/internal.h"

static enum sm_result remembered(sm_edge *edge, sm_outcome *outcome) {
    memset(outcome, 0, sizeof(*outcome));
    if (!edge->item.used) edge->item.used = true;
    outcome->reply = edge->reply;
    return sm_outcome_remembered(outcome, SM_TAKEN);
}

enum sm_result sm_engine_ask(sm_definition *definition, sm_node *node, uint8_t kind, sm_bytes argument,
                             sm_outcome *outcome) {
    sm_bytes configuration = {"", 0};
    sm_question question;
    sm_verdict verdict;
    sm_edge *edge;
    uint64_t bytes;
    int code;

    if (node) {
        definition = node->details->definition;
        configuration = (sm_bytes){node->details->item.key, node->details->item.key_len};
    }
    question = sm_question_make(node ? (const void *)node : definition, kind, argument);
    edge = sm_edge_find(&question);
    if (edge) return remembered(edge, outcome);
    sm_verdict_begin(&verdict, outcome);
    bytes = sm_python_bytes();
    code = sm_python_ask(definition->engine, kind, configuration.ptr, configuration.len, argument.ptr, argument.len,
                         &verdict);
    sm_definition_weigh_engine(definition, bytes, sm_python_bytes());
    if (code != SM_VERDICT_TAKEN) return sm_verdict_failed(&verdict, outcome, code);
    outcome->reply = verdict.reply;
    if (sm_is_rememberable(argument, outcome->reply)) sm_edge_add(&question, definition, NULL, outcome->reply, false);
    return sm_verdict_end(&verdict, outcome, SM_TAKEN);
}

enum sm_result sm_engine_look_at(uint8_t kind, sm_bytes document, sm_outcome *outcome) {
    sm_verdict verdict;
    int code;

    sm_verdict_begin(&verdict, outcome);
    code = sm_python_look_at(kind, document.ptr, document.len, &verdict);
    if (code != SM_VERDICT_TAKEN) return sm_verdict_failed(&verdict, outcome, code);
    outcome->reply = verdict.reply;
    return sm_verdict_end(&verdict, outcome, SM_TAKEN);
}
