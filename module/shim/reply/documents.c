/* A machine's document, as SM.GET answers it: where it stands, its definition, its reason. */
#include "reply/documents.h"

#include <string.h>

static const char short_escapes[256] = {
    ['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
};

static char *put(char *at, const char *bytes, size_t len) {
    memcpy(at, bytes, len);
    return at + len;
}

/* Writes a JSON string; `at` has room for six times the text and two quotes. */
static char *put_json_string(char *at, const char *text, size_t len) {
    static const char hex[] = "0123456789abcdef";

    *at++ = '"';
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (short_escapes[byte]) {
            *at++ = '\\';
            *at++ = short_escapes[byte];
        } else if (byte < 0x20) {
            at = put(at, "\\u00", 4);
            *at++ = hex[byte >> 4];
            *at++ = hex[byte & 15];
        } else {
            *at++ = (char)byte;
        }
    }
    *at++ = '"';
    return at;
}

static const char member[] = ",\"reason\":";

static size_t most_bytes(const sm_machine *machine) {
    const sm_details *node = sm_machine_node(machine)->details;
    sm_bytes reason;
    bool has_reason = sm_machine_reason(machine, &reason);

    return node->head.len + node->definition->item.key_len + (has_reason ? sizeof(member) + 6 * reason.len + 2 : 0);
}

char *sm_document_render(const sm_machine *machine, size_t *len) {
    const sm_details *node = sm_machine_node(machine)->details;
    const char *canonical = node->definition->item.key;
    size_t split = node->definition->split, canonical_len = node->definition->item.key_len;
    char *text = RedisModule_Alloc(most_bytes(machine)), *at = put(text, node->head.ptr, node->head.len);
    sm_bytes reason;

    *at++ = ','; /* in place of the canonical document's opening brace */
    at = put(at, canonical + 1, split - 1);
    if (sm_machine_reason(machine, &reason)) {
        at = put(at, member, sizeof(member) - 1);
        at = put_json_string(at, reason.ptr, reason.len);
    }
    at = put(at, canonical + split, canonical_len - split);
    *len = (size_t)(at - text);
    return text;
}
