/* Documents and stored configurations, to definitions and nodes. */
#include <string.h>

#include "engine/internal.h"

/* The definition is retained by the outcome where there is one: where Python has taken the document, but for its
 * `current`. */
static int compile(sm_bytes document, bool accepted_before, const sm_given *given, sm_verdict *verdict,
                   sm_outcome *outcome) {
    sm_asked asked = {.argument = document, .given = given};
    sm_texts texts;
    int code;

    sm_texts_make(&texts, NULL, &asked);
    code = sm_python_compile(accepted_before, RedisModule_Milliseconds(), texts.ptr, texts.len, texts.lengths, verdict);
    sm_texts_free(&texts);
    if (code == SM_VERDICT_TAKEN || code == SM_VERDICT_UNKNOWN_CURRENT) {
        sm_question question = sm_definition_question(verdict->canonical);
        sm_definition *definition = sm_definition_find(&question);

        if (definition) sm_python_forget(verdict->engine);
        else definition = sm_definition_add(&question, verdict->split, verdict->engine, verdict->engine_bytes);
        if (verdict->has_outbox && !definition->outbox) sm_definition_set_outbox(definition, &verdict->outbox);
        definition->keeps = verdict->keeps;
        definition->counts = verdict->counts;
        definition->waits = verdict->waits_for;
        definition->nests = verdict->nests;
        definition->history = verdict->history;
        definition->tokens = verdict->tokens;
        definition->expire = verdict->expire;
        sm_definition_retain(definition);
        outcome->definition = definition;
    }
    return code;
}

static enum sm_result remembered(sm_edge *edge, sm_outcome *outcome) {
    *outcome = sm_no_outcome;
    if (!edge->item.used) edge->item.used = true;
    sm_definition_retain(edge->definition);
    outcome->definition = edge->definition;
    outcome->node = edge->target;
    outcome->has_history = edge->has_history;
    outcome->starts = edge->starts;
    outcome->has_reason = edge->has_reason;
    outcome->reason = edge->reply;
    return sm_outcome_remembered(outcome, SM_TAKEN);
}

/* What is given is looked at by the step with which a machine starts; where it stands already, with the document. */
static bool is_independent(bool starts, const sm_given *given) {
    return !given || starts;
}

bool sm_engine_known_document(sm_bytes document, const sm_given *given, sm_outcome *outcome) {
    sm_edge *edge = sm_edge_find_document(document);

    return edge && is_independent(edge->starts, given) && remembered(edge, outcome) == SM_TAKEN;
}

/* A machine that keeps data is not remembered with its text. */
static bool may_be_remembered(sm_bytes document, const sm_given *given, const sm_outcome *outcome) {
    return !outcome->data && is_independent(outcome->starts, given) && sm_is_rememberable(document, outcome->reason);
}

enum sm_result sm_engine_document(sm_bytes document, bool accepted_before, const sm_given *given, sm_outcome *outcome) {
    sm_question question = sm_question_make(NULL, accepted_before ? SM_KIND_ACCEPTED : SM_KIND_DOCUMENT, document);
    sm_edge *edge = sm_edge_find(&question);
    sm_verdict verdict;
    int code;

    if (edge && is_independent(edge->starts, given)) return remembered(edge, outcome);
    sm_verdict_begin(&verdict, outcome);
    code = compile(document, accepted_before, given, &verdict, outcome);
    if (code != SM_VERDICT_TAKEN && code != SM_VERDICT_UNKNOWN_CURRENT)
        return sm_verdict_failed(&verdict, outcome, code);
    outcome->has_history = verdict.has_history;
    outcome->starts = verdict.starts;
    outcome->has_reason = verdict.has_reason;
    outcome->reason = verdict.reason;
    outcome->code = verdict.code;
    outcome->error = verdict.error;
    if (code == SM_VERDICT_UNKNOWN_CURRENT) return sm_verdict_end(&verdict, outcome, SM_UNKNOWN_CURRENT);
    if (verdict.configuration.ptr && !sm_verdict_stands(&verdict, outcome->definition, outcome))
        return sm_verdict_failed(&verdict, outcome, SM_VERDICT_INTERNAL);
    if (may_be_remembered(document, given, outcome)) {
        edge = sm_edge_add(&question, outcome->definition, outcome->node, outcome->reason, (sm_bytes){NULL, 0}, false);
        edge->has_reason = outcome->has_reason;
        edge->has_history = outcome->has_history;
        edge->starts = outcome->starts;
    }
    return sm_verdict_end(&verdict, outcome, SM_TAKEN);
}

enum sm_result sm_engine_definition(sm_bytes canonical, bool accepted_before, sm_outcome *outcome) {
    sm_question question = sm_definition_question(canonical);
    sm_definition *definition = sm_definition_find(&question);
    sm_verdict verdict;
    int code;

    if (definition) {
        *outcome = sm_no_outcome;
        sm_definition_retain(definition);
        outcome->definition = definition;
        return sm_outcome_remembered(outcome, SM_TAKEN);
    }
    sm_verdict_begin(&verdict, outcome);
    code = compile(canonical, accepted_before, NULL, &verdict, outcome);
    if (code != SM_VERDICT_TAKEN && code != SM_VERDICT_UNKNOWN_CURRENT)
        return sm_verdict_failed(&verdict, outcome, code);
    return sm_verdict_end(&verdict, outcome, SM_TAKEN);
}

enum sm_result sm_engine_node(sm_definition *definition, sm_bytes configuration, bool accepted_before,
                              sm_outcome *outcome) {
    sm_question question = sm_node_question(definition, configuration);
    sm_node *node = sm_node_find(&question);
    sm_verdict verdict;
    int code;

    if (node) {
        *outcome = sm_no_outcome;
        outcome->node = node;
        return sm_outcome_remembered(outcome, SM_TAKEN);
    }
    sm_verdict_begin(&verdict, outcome);
    code = sm_python_describe(definition->engine, configuration.ptr, configuration.len, accepted_before, &verdict);
    if (code != SM_VERDICT_TAKEN) return sm_verdict_failed(&verdict, outcome, code);
    if (!sm_verdict_stands(&verdict, definition, outcome))
        return sm_verdict_failed(&verdict, outcome, SM_VERDICT_INTERNAL);
    return sm_verdict_end(&verdict, outcome, SM_TAKEN);
}
