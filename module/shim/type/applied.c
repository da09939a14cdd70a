/* What SM.APPLY carries, written and read. */
#include "type/applied.h"

#include <string.h>

#include "machine/waits.h"
#include "reply/text.h"

enum { VERSION = 1, HEAD = 3, LENGTH_BYTES = 4, REVISION_BYTES = 8 };

/* ---- writing ---- */

static char *put_number(char *at, uint64_t number, int bytes) {
    for (int i = 0; i < bytes; i++) *at++ = (char)(number >> (8 * i));
    return at;
}

static char *put_text(char *at, sm_bytes text) {
    at = put_number(at, text.len, LENGTH_BYTES);
    sm_put(&at, text);
    return at;
}

static const enum sm_part kept_as[SM_APPLIED_PARTS] = {
    [SM_APPLIED_REASON] = SM_PART_REASON, [SM_APPLIED_CONTEXT] = SM_PART_CONTEXT,
    [SM_APPLIED_OUTPUT] = SM_PART_OUTPUT, [SM_APPLIED_ERROR] = SM_PART_ERROR,
    [SM_APPLIED_TIMERS] = SM_PART_TIMERS, [SM_APPLIED_TASKS] = SM_PART_TASKS,
};

static sm_bytes part_of(const sm_applied *applied, int part) {
    return part == SM_APPLIED_CHANGES ? applied->changes : applied->data.parts[kept_as[part]];
}

static size_t size_of(const sm_applied *applied) {
    size_t len = HEAD + (applied->whole ? LENGTH_BYTES + applied->canonical.len : 0) + LENGTH_BYTES +
                 applied->configuration.len + REVISION_BYTES + 1;

    for (int part = 0; part < SM_APPLIED_PARTS; part++)
        if (part_of(applied, part).ptr) len += 1 + LENGTH_BYTES + part_of(applied, part).len;
    return len;
}

char *sm_applied_write(const sm_applied *applied, size_t *len) {
    char *bytes, *at, *count;

    *len = size_of(applied);
    bytes = at = RedisModule_Alloc(*len);
    *at++ = VERSION;
    *at++ = (char)applied->event;
    *at++ = applied->whole;
    if (applied->whole) at = put_text(at, applied->canonical);
    at = put_text(at, applied->configuration);
    at = put_number(at, applied->data.revision, REVISION_BYTES);
    count = at++;
    *count = 0;
    for (int part = 0; part < SM_APPLIED_PARTS; part++) {
        if (!part_of(applied, part).ptr) continue;
        ++*count;
        *at++ = (char)part;
        at = put_text(at, part_of(applied, part));
    }
    return bytes;
}

sm_applied sm_applied_machine(const sm_node *node, const sm_data *data, enum sm_event event) {
    const sm_item *definition = &node->details->definition->item, *configuration = &node->details->item;

    return (sm_applied){
        .event = event,
        .whole = true,
        .canonical = {definition->key, definition->key_len},
        .configuration = {configuration->key, configuration->key_len},
        .data = *data,
    };
}

/* ---- reading ---- */

static bool take_number(sm_bytes *left, uint64_t *number, size_t bytes) {
    *number = 0;
    if (left->len < bytes) return false;
    for (size_t i = 0; i < bytes; i++) *number |= (uint64_t)(unsigned char)left->ptr[i] << (8 * i);
    left->ptr += bytes;
    left->len -= bytes;
    return true;
}

static bool take_text(sm_bytes *left, sm_bytes *text) {
    uint64_t len;

    if (!take_number(left, &len, LENGTH_BYTES) || len == UINT32_MAX || len > left->len) return false;
    *text = (sm_bytes){left->ptr, (size_t)len};
    left->ptr += len;
    left->len -= len;
    return true;
}

static const char *take_parts(sm_bytes *left, sm_applied *applied) {
    uint64_t count, part;

    if (!take_number(left, &count, 1)) return "its parts are cut short";
    while (count--) {
        sm_bytes *place;

        if (!take_number(left, &part, 1)) return "its parts are cut short";
        if (part >= SM_APPLIED_PARTS) return "it has a part that this version of the module does not know";
        place = part == SM_APPLIED_CHANGES ? &applied->changes : &applied->data.parts[kept_as[part]];
        if (place->ptr) return "it has a part twice";
        if (!take_text(left, place)) return "its parts are cut short";
    }
    return NULL;
}

const char *sm_applied_read(sm_bytes bytes, sm_applied *applied) {
    uint64_t version, event, whole;
    const char *fault;

    memset(applied, 0, sizeof(*applied));
    if (!take_number(&bytes, &version, 1) || !take_number(&bytes, &event, 1) || !take_number(&bytes, &whole, 1))
        return "they are cut short";
    if (version != VERSION) return "they are of another version of the module";
    if (event >= SM_EVENTS || whole > 1) return "they stand for no command";
    applied->event = (enum sm_event)event;
    applied->whole = whole;
    if (whole && !take_text(&bytes, &applied->canonical)) return "the document is cut short";
    if (!take_text(&bytes, &applied->configuration)) return "the configuration is cut short";
    if (!take_number(&bytes, &applied->data.revision, REVISION_BYTES)) return "the revision is cut short";
    if (applied->data.revision > SM_LAST_REVISION) return SM_ABOVE_LAST_REVISION;
    if ((fault = take_parts(&bytes, applied))) return fault;
    if (bytes.len) return "something follows them";
    if (applied->changes.ptr && (whole || applied->data.parts[SM_PART_CONTEXT].ptr)) return "changes want a context";
    return NULL;
}

/* ---- deadlines and tasks ---- */

static const char *fault_of(sm_bytes list, uint8_t statuses) {
    const char *fault = sm_waits_fault(list, statuses);
    sm_wait wait;

    while (!fault && sm_wait_take(&list, &wait)) {
        const sm_bytes texts[] = {wait.id, wait.what, wait.text};

        for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
            if (sm_utf8_fault(texts[i]) != texts[i].len) fault = "what it waits for is not UTF-8";
    }
    return fault;
}

const char *sm_waits_admit(const sm_node *node, const sm_data *data) {
    static const uint8_t statuses[] = {SM_TIMER_STATUSES, SM_TASK_STATUSES};
    const char *fault = NULL;

    for (int part = SM_TEXTS; part < SM_PARTS && !fault; part++) {
        sm_bytes list = data->parts[part];

        if (!list.ptr) continue;
        if (!node->details->definition->waits) return "its document has neither deadlines nor tasks";
        if (node->details->done || data->parts[SM_PART_ERROR].ptr) return "it has ended, and waits";
        if (!list.len) return "it waits for nothing in a list";
        fault = fault_of(list, statuses[part - SM_TEXTS]);
    }
    return fault;
}
