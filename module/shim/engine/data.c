/* What machines keep, where it comes from outside: from a dump, or from a primary. */
#include <string.h>

#include "engine/internal.h"

static enum sm_result end(sm_verdict *verdict, sm_outcome *outcome, int code) {
    if (code != SM_VERDICT_TAKEN || !verdict->data) return sm_verdict_failed(verdict, outcome, code);
    outcome->data = verdict->data;
    return sm_verdict_end(verdict, outcome, SM_TAKEN);
}

enum sm_result sm_engine_admit(sm_node *node, const sm_data *data, sm_outcome *outcome) {
    sm_asked asked = {.held = data};
    sm_verdict verdict;
    sm_texts texts;
    int code;

    sm_verdict_begin(&verdict, outcome);
    sm_texts_make(&texts, node, &asked);
    code = sm_python_admit(node->details->definition->engine, texts.ptr, texts.len, texts.lengths, &verdict);
    sm_texts_free(&texts);
    outcome->node = node;
    return end(&verdict, outcome, code);
}

enum sm_result sm_engine_admit_waits(const sm_data *data, sm_outcome *outcome) {
    sm_verdict verdict;
    int code = SM_VERDICT_TAKEN;

    sm_verdict_begin(&verdict, outcome);
    for (int part = SM_TEXTS; part < SM_WAITS && code == SM_VERDICT_TAKEN; part++) {
        sm_bytes list = data->parts[part];

        if (list.ptr) code = sm_python_admit_waits(part == SM_PART_TASKS, list.ptr, list.len, &verdict);
    }
    return code == SM_VERDICT_TAKEN ? sm_verdict_end(&verdict, outcome, SM_TAKEN)
                                    : sm_verdict_failed(&verdict, outcome, code);
}

enum sm_result sm_engine_merge(sm_bytes context, sm_bytes changes, sm_outcome *outcome) {
    sm_data held = {.parts[SM_PART_CONTEXT] = context};
    sm_given given = {.data = changes};
    sm_asked asked = {.held = &held, .given = &given};
    sm_verdict verdict;
    sm_texts texts;
    int code;

    sm_verdict_begin(&verdict, outcome);
    sm_texts_make(&texts, NULL, &asked);
    code = sm_python_merge(texts.ptr, texts.len, texts.lengths, &verdict);
    sm_texts_free(&texts);
    return end(&verdict, outcome, code);
}
