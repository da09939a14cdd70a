/* Questions, to replies: what a machine is, what it would do, what a document looks like. */
#include <string.h>

#include "engine/internal.h"

enum { LONGEST_ARGUMENT = 256 }; /* bytes; what is asked with longer ones is not remembered */

static enum sm_result remembered(sm_edge *edge, sm_outcome *outcome) {
    *outcome = sm_no_outcome;
    if (!edge->item.used) edge->item.used = true;
    outcome->reply = edge->reply;
    return sm_outcome_remembered(outcome, SM_TAKEN);
}

static int cross(sm_definition *definition, const sm_node *node, const sm_asked *asked, sm_verdict *verdict) {
    uint64_t bytes = sm_python_bytes();
    sm_texts texts;
    int code;

    sm_texts_make(&texts, node, asked);
    code = sm_python_ask(definition->engine, asked->kind, RedisModule_Milliseconds(), texts.ptr, texts.len,
                         texts.lengths, verdict);
    sm_texts_free(&texts);
    sm_definition_weigh_engine(definition, bytes, sm_python_bytes());
    return code;
}

/* What depends on no more than the node and the argument is remembered, unless Python says otherwise. */
enum sm_result sm_engine_ask(sm_definition *definition, sm_node *node, const sm_asked *asked, sm_outcome *outcome) {
    bool may_be_known = !asked->held && !asked->given;
    sm_question question;
    sm_verdict verdict;
    sm_edge *edge;
    int code;

    if (node) definition = node->details->definition;
    question = sm_question_make(node ? (const void *)node : definition, asked->kind, asked->argument);
    edge = may_be_known ? sm_edge_find(&question) : NULL;
    if (edge) return remembered(edge, outcome);
    sm_verdict_begin(&verdict, outcome);
    code = cross(definition, node, asked, &verdict);
    if (code != SM_VERDICT_TAKEN) return sm_verdict_failed(&verdict, outcome, code);
    outcome->reply = verdict.reply;
    if (may_be_known && !verdict.ask_again && asked->argument.len <= LONGEST_ARGUMENT &&
        sm_is_rememberable(asked->argument, outcome->reply))
        sm_edge_add(&question, definition, NULL, outcome->reply, (sm_bytes){NULL, 0}, false);
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
