/* What crosses to Python with a step, a question or a document: one text after the other. */
#include "engine/internal.h"

#include <string.h>

void sm_inputs_of(sm_bytes inputs[SM_INPUTS], const sm_node *node, const sm_asked *asked) {
    memset(inputs, 0, SM_INPUTS * sizeof(*inputs));
    if (node) inputs[SM_IN_CONFIGURATION] = (sm_bytes){node->details->item.key, node->details->item.key_len};
    inputs[SM_IN_ARGUMENT] = asked->argument;
    if (asked->held) {
        inputs[SM_IN_CONTEXT] = asked->held->parts[SM_PART_CONTEXT];
        inputs[SM_IN_OUTPUT] = asked->held->parts[SM_PART_OUTPUT];
        inputs[SM_IN_ERROR] = asked->held->parts[SM_PART_ERROR];
    }
    if (asked->given) {
        inputs[SM_IN_DATA] = asked->given->data;
        inputs[SM_IN_INPUT] = asked->given->input;
        inputs[SM_IN_GUARDS] = asked->given->guards;
    }
}

void sm_texts_make(sm_texts *texts, const sm_node *node, const sm_asked *asked) {
    sm_bytes inputs[SM_INPUTS];
    char *at = texts->few;

    sm_inputs_of(inputs, node, asked);
    texts->len = 0;
    texts->own = NULL;
    texts->ptr = at;
    for (int i = 0; i < SM_INPUTS; i++) {
        texts->lengths[i] = inputs[i].ptr ? (long long)inputs[i].len : -1;
        texts->len += inputs[i].ptr ? inputs[i].len : 0;
    }
    if (inputs[SM_IN_ARGUMENT].ptr && texts->len == inputs[SM_IN_ARGUMENT].len) { /* a document, mostly */
        texts->ptr = inputs[SM_IN_ARGUMENT].ptr;
        return;
    }
    if (texts->len > sizeof(texts->few)) texts->ptr = texts->own = at = RedisModule_Alloc(texts->len);
    for (int i = 0; i < SM_INPUTS; i++)
        if (inputs[i].ptr) sm_put(&at, inputs[i]);
}
