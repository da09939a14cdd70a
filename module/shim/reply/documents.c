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

/* The parts that a snapshot has, each behind its name. */
static const char *const names[SM_PARTS] = {
    [SM_PART_CONTEXT] = ",\"context\":", [SM_PART_OUTPUT] = ",\"output\":", [SM_PART_ERROR] = ",\"error\":"};
static const char snapshot[] = ",\"snapshot\":{\"status\":\"";
enum { SNAPSHOT_BYTES = 96 }; /* of all that is in it but the parts */

static size_t most_bytes(const sm_details *node, const sm_data *data) {
    size_t len = node->head.len + node->definition->item.key_len + SNAPSHOT_BYTES;

    for (int part = 0; part < SM_PARTS; part++)
        if (data->parts[part].ptr)
            len += part == SM_PART_REASON ? sizeof(member) + 6 * data->parts[part].len + 2 : data->parts[part].len;
    return len;
}

/* What the machine keeps, as a member: SM.SET takes it. */
static char *put_snapshot(char *at, const sm_node *node, const sm_data *data) {
    const char *status = sm_status(node, data->parts[SM_PART_ERROR].ptr != NULL);

    at = put(at, snapshot, sizeof(snapshot) - 1);
    at = put(at, status, strlen(status));
    *at++ = '"';
    for (int part = 0; part < SM_PARTS; part++) {
        if (!names[part] || !data->parts[part].ptr) continue;
        at = put(at, names[part], strlen(names[part]));
        at = put(at, data->parts[part].ptr, data->parts[part].len);
    }
    *at++ = '}';
    return at;
}

char *sm_document_render(const sm_machine *machine, size_t *len) {
    const sm_details *node = sm_machine_node(machine)->details;
    const char *canonical = node->definition->item.key;
    size_t split = node->definition->split, canonical_len = node->definition->item.key_len;
    sm_bytes reason;
    sm_data data;
    char *text, *at;

    sm_machine_data(machine, &data);
    reason = data.parts[SM_PART_REASON];
    text = RedisModule_Alloc(most_bytes(node, &data));
    at = put(text, node->head.ptr, node->head.len);
    *at++ = ','; /* in place of the canonical document's opening brace */
    at = put(at, canonical + 1, split - 1);
    if (reason.ptr) {
        at = put(at, member, sizeof(member) - 1);
        at = put_json_string(at, reason.ptr, reason.len);
    }
    at = put(at, canonical + split, canonical_len - split - 1);
    if (sm_machine_keeps(machine)) at = put_snapshot(at, node->node, &data);
    *at++ = '}';
    *len = (size_t)(at - text);
    return text;
}
