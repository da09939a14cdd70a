/* What SM.APPLY carries, written and read. */
#include "type/applied.h"

#include <string.h>

#include "machine/history.h"
#include "machine/idempotency.h"
#include "machine/waits.h"
#include "reply/effects.h"
#include "reply/states.h"
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
    [SM_APPLIED_HISTORY] = SM_PART_HISTORY, [SM_APPLIED_TOKENS] = SM_PART_TOKENS,
    [SM_APPLIED_EXPIRES] = SM_PART_EXPIRES,
};

/* Those of a step alone are no parts of a machine. */
static sm_bytes part_of(const sm_applied *applied, int part) {
    switch (part) {
    case SM_APPLIED_CHANGES: return applied->changes;
    case SM_APPLIED_ENTRY: return applied->record.entry;
    case SM_APPLIED_TOKEN: return applied->record.token;
    case SM_APPLIED_EXPIRE: return (sm_bytes){applied->record.expires ? "" : NULL, 0};
    default: return applied->data.parts[kept_as[part]];
    }
}

/* How many are kept with what is added. */
static uint64_t kept_with(const sm_applied *applied, int part) {
    return part == SM_APPLIED_ENTRY ? applied->record.keep_entries
           : part == SM_APPLIED_TOKEN ? applied->record.keep_tokens : 0;
}

static size_t size_of(const sm_applied *applied) {
    size_t len = HEAD + (applied->whole ? LENGTH_BYTES + applied->canonical.len : 0) + LENGTH_BYTES +
                 applied->configuration.len + REVISION_BYTES + 1;

    for (int part = 0; part < SM_APPLIED_PARTS; part++) {
        sm_bytes text = part_of(applied, part);

        if (text.ptr) len += 1 + LENGTH_BYTES + SM_VARINT_BYTES + text.len;
    }
    return len;
}

/* A part's text; what is added to a list is behind how many are kept. */
static char *put_part(char *at, const sm_applied *applied, int part) {
    char keep[SM_VARINT_BYTES];
    size_t len = kept_with(applied, part) ? (size_t)(sm_put_varint(keep, kept_with(applied, part)) - keep) : 0;
    sm_bytes text = part_of(applied, part);

    at = put_number(at, len + text.len, LENGTH_BYTES);
    sm_put(&at, (sm_bytes){keep, len});
    sm_put(&at, text);
    return at;
}

char *sm_applied_write(const sm_applied *applied, size_t *len) {
    char *bytes, *at, *count;

    bytes = at = RedisModule_Alloc(size_of(applied));
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
        at = put_part(at, applied, part);
    }
    *len = (size_t)(at - bytes);
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

/* What is added to a list, behind how many are kept. */
static bool take_added(sm_bytes text, sm_bytes *added, uint64_t *keep) {
    *added = text;
    return sm_take_varint(added, keep) && *keep;
}

static const char *take_part(sm_bytes *left, sm_applied *applied, uint64_t part) {
    static const char cut[] = "its parts are cut short";
    sm_record *record = &applied->record;
    sm_bytes text;

    if (part_of(applied, (int)part).ptr) return "it has a part twice";
    if (!take_text(left, &text)) return cut;
    switch (part) {
    case SM_APPLIED_CHANGES: applied->changes = text; return NULL;
    case SM_APPLIED_ENTRY: return take_added(text, &record->entry, &record->keep_entries) ? NULL : cut;
    case SM_APPLIED_TOKEN: return take_added(text, &record->token, &record->keep_tokens) ? NULL : cut;
    case SM_APPLIED_EXPIRE: record->expires = true; return NULL;
    default: applied->data.parts[kept_as[part]] = text; return NULL;
    }
}

static const char *take_parts(sm_bytes *left, sm_applied *applied) {
    uint64_t count, part;
    const char *fault = NULL;

    if (!take_number(left, &count, 1)) return "its parts are cut short";
    while (count-- && !fault) {
        if (!take_number(left, &part, 1)) return "its parts are cut short";
        if (part >= SM_APPLIED_PARTS) return "it has a part that this version of the module does not know";
        fault = take_part(left, applied, part);
    }
    return fault;
}

/* Of a whole machine all is said, of a step what it adds. */
static const char *fault_of_record(const sm_applied *applied) {
    const sm_bytes *parts = applied->data.parts;

    bool adds = applied->record.entry.ptr || applied->record.token.ptr;

    if (applied->whole && adds) return "a whole machine adds nothing to what it keeps";
    if (!applied->whole && (parts[SM_PART_HISTORY].ptr || parts[SM_PART_TOKENS].ptr)) return "a step adds to its lists";
    if (applied->record.expires && !parts[SM_PART_EXPIRES].ptr) return "its TTL is missing";
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
    return fault_of_record(applied);
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

    for (int part = SM_TEXTS; part < SM_WAITS && !fault; part++) {
        sm_bytes list = data->parts[part];

        if (!list.ptr) continue;
        if (!node->details->definition->waits) return "its document has neither deadlines nor tasks";
        if (node->details->done || data->parts[SM_PART_ERROR].ptr) return "it has ended, and waits";
        if (!list.len) return "it waits for nothing in a list";
        fault = fault_of(list, statuses[part - SM_TEXTS]);
    }
    return fault;
}

/* ---- history, tokens, TTL ---- */

static const char *fault_of_history(const sm_node *node, sm_bytes list) {
    sm_bytes tokens = node->details->states, states;
    sm_history history;
    const char *fault;
    char *packed;

    if (!node->details->definition->history) return "its document keeps no history";
    states.ptr = packed = RedisModule_Alloc(tokens.len + 1);
    states.len = (size_t)(sm_states_pack(packed, tokens) - packed);
    fault = sm_history_fault(list, states, sm_utf8_fault);
    RedisModule_Free(packed);
    if (!fault && sm_history_begin(list, &history) && history.count > node->details->definition->history)
        return "its history is longer than its document says";
    return fault;
}

static const char *fault_of_tokens(const sm_node *node, sm_bytes list) {
    uint64_t most = node->details->definition->tokens, count = 0;
    const char *fault = most ? sm_tokens_fault(list, SM_EVENTS, sm_effects_are) : "its document keeps no tokens";

    if (!fault && sm_take_varint(&list, &count) && count > most) return "it has more tokens than its document says";
    return fault;
}

static const char *fault_of_expires(const sm_node *node, sm_bytes text) {
    uint64_t ms;

    if (!node->details->definition->expire) return "its document says no TTL";
    if (!node->details->done) return "it has the TTL of a machine that is done";
    return sm_take_varint(&text, &ms) && !text.len && ms <= INT64_MAX ? NULL : "its TTL is no time";
}

const char *sm_lists_admit(const sm_node *node, const sm_data *data) {
    const sm_bytes *parts = data->parts;
    const char *fault = sm_waits_admit(node, data);

    if (!fault && parts[SM_PART_HISTORY].ptr) fault = fault_of_history(node, parts[SM_PART_HISTORY]);
    if (!fault && parts[SM_PART_TOKENS].ptr) fault = fault_of_tokens(node, parts[SM_PART_TOKENS]);
    if (!fault && parts[SM_PART_EXPIRES].ptr) fault = fault_of_expires(node, parts[SM_PART_EXPIRES]);
    return fault;
}

/* ---- what a step adds ---- */

/* A step is in the history; where a deadline is marked, which is none, the revision stays. */
static const char *fault_of_entry(const sm_node *node, const sm_applied *applied, const sm_data *held) {
    sm_history entry, before;
    const char *fault;

    if (!applied->record.entry.ptr)
        return node->details->definition->history && applied->data.revision != held->revision
                   ? "its history's entry is missing" : NULL;
    if ((fault = fault_of_history(node, applied->record.entry))) return fault;
    if (!sm_history_begin(applied->record.entry, &entry) || entry.count != 1)
        return "a step adds one entry to its history";
    if (sm_history_begin(held->parts[SM_PART_HISTORY], &before) && before.count && before.last_ms != entry.at.ms)
        return "its history's entry follows another";
    return NULL;
}

static const char *fault_of_token(const sm_node *node, sm_bytes list) {
    const char *fault = list.ptr ? fault_of_tokens(node, list) : NULL;
    uint64_t count = 1;

    if (!fault && list.ptr && (!sm_take_varint(&list, &count) || count != 1)) fault = "a step adds one token";
    return fault;
}

const char *sm_step_admit(const sm_node *node, const sm_applied *applied, const sm_data *held) {
    const char *fault = sm_waits_admit(node, &applied->data);

    if (!fault) fault = fault_of_entry(node, applied, held);
    if (!fault) fault = fault_of_token(node, applied->record.token);
    if (!fault && applied->data.parts[SM_PART_EXPIRES].ptr)
        fault = fault_of_expires(node, applied->data.parts[SM_PART_EXPIRES]);
    return fault;
}

char *sm_record_add_entry(const sm_record *record, sm_bytes *list) {
    char *room;

    if (!record->entry.ptr) return NULL;
    room = RedisModule_Alloc(list->len + record->entry.len + SM_HISTORY_HEAD);
    *list = sm_history_append(room, *list, record->entry, record->keep_entries);
    return room;
}

char *sm_record_add_token(const sm_record *record, sm_bytes *list) {
    char *room;

    if (!record->token.ptr) return NULL;
    room = RedisModule_Alloc(list->len + record->token.len + SM_VARINT_BYTES);
    *list = sm_tokens_append(room, *list, record->token, record->keep_tokens);
    return room;
}
