/* The list of the steps that a machine has taken, read and written. */
#include "machine/history.h"

#include <string.h>

enum { FORCED = 1, HAS_EVENT = 2, HAS_REASON = 4, FLAGS = 8 };

static const sm_bytes none = {NULL, 0};

/* ---- reading ---- */

bool sm_states_begin(sm_bytes *states, uint64_t *count) {
    return sm_take_varint(states, count) && *count <= states->len;
}

static bool take_states(sm_bytes *from, sm_bytes *states) {
    sm_bytes left = *from, state;
    uint64_t count;

    if (!sm_states_begin(&left, &count)) return false;
    while (count--)
        if (!sm_take_text(&left, &state)) return false;
    *states = (sm_bytes){from->ptr, from->len - left.len};
    *from = left;
    return true;
}

bool sm_history_begin(sm_bytes list, sm_history *history) {
    uint64_t later;

    memset(history, 0, sizeof(*history));
    history->left = list;
    if (!list.ptr) return true;
    if (!sm_take_varint(&history->left, &history->count) || !sm_take_varint(&history->left, &history->at.ms) ||
        !sm_take_varint(&history->left, &later))
        return false;
    history->last_ms = history->at.ms + sm_unzigzag(later);
    return take_states(&history->left, &history->at.to);
}

static bool take_some(sm_bytes *from, bool is_there, sm_bytes *text) {
    *text = none;
    return !is_there || sm_take_text(from, text);
}

bool sm_history_next(sm_history *history) {
    sm_bytes *left = &history->left;
    sm_entry *entry = &history->at;
    uint64_t later;
    uint8_t flags;

    if (!history->count || !sm_take_byte(left, &flags) || flags >= FLAGS || !sm_take_varint(left, &later)) return false;
    history->count--;
    entry->ms += sm_unzigzag(later);
    entry->forced = flags & FORCED;
    entry->from = entry->to;
    return sm_take_text(left, &entry->user) && take_some(left, flags & HAS_EVENT, &entry->event) &&
           take_some(left, flags & HAS_REASON, &entry->reason) && take_states(left, &entry->to);
}

static bool is_text(sm_bytes text, size_t (*fault)(sm_bytes)) {
    return fault(text) == text.len;
}

static bool are_texts(sm_bytes states, size_t (*fault)(sm_bytes)) {
    uint64_t count;
    sm_bytes state;

    if (!sm_states_begin(&states, &count)) return false;
    while (count--)
        if (!sm_take_text(&states, &state) || !is_text(state, fault)) return false;
    return true;
}

const char *sm_history_fault(sm_bytes list, sm_bytes states, size_t (*utf8_fault)(sm_bytes)) {
    static const char cut[] = "its history is cut short", not_text[] = "its history is not UTF-8";
    sm_history history;

    if (!sm_history_begin(list, &history) || !history.count) return cut;
    if (!are_texts(history.at.to, utf8_fault)) return not_text;
    while (history.count) {
        if (!sm_history_next(&history)) return cut;
        if (history.at.ms > INT64_MAX) return "its history has no time";
        if (!is_text(history.at.event, utf8_fault) || !is_text(history.at.reason, utf8_fault) ||
            !are_texts(history.at.to, utf8_fault))
            return not_text; /* of users the server takes any bytes */
    }
    if (history.left.len) return "something follows its history";
    if (history.at.ms != history.last_ms) return "its history ends at another time";
    if (history.at.to.len != states.len || memcmp(history.at.to.ptr, states.ptr, states.len) != 0)
        return "its history ends in another state";
    return NULL;
}

/* ---- writing ---- */

static char *put_head(char *at, uint64_t count, uint64_t ms, uint64_t last_ms, sm_bytes states) {
    at = sm_put_varint(sm_put_varint(at, count), ms);
    at = sm_put_varint(at, sm_zigzag(last_ms - ms));
    memcpy(at, states.ptr, states.len);
    return at + states.len;
}

static char *put_some(char *at, sm_bytes text) {
    return text.ptr ? sm_put_text(at, text) : at;
}

size_t sm_history_one_most(const sm_entry *entry) {
    return SM_HISTORY_HEAD + 1 + 4 * SM_VARINT_BYTES + entry->from.len + entry->to.len + entry->user.len +
           entry->event.len + entry->reason.len;
}

sm_bytes sm_history_one(char *room, sm_bytes before, const sm_entry *entry) {
    sm_history history;
    uint64_t ms = sm_history_begin(before, &history) && history.count ? history.last_ms : entry->ms;
    char *at = put_head(room, 1, ms, entry->ms, entry->from);

    *at++ = (char)((entry->forced ? FORCED : 0) | (entry->event.ptr ? HAS_EVENT : 0) |
                   (entry->reason.ptr ? HAS_REASON : 0));
    at = sm_put_varint(at, sm_zigzag(entry->ms - ms));
    at = put_some(put_some(sm_put_text(at, entry->user), entry->event), entry->reason);
    memcpy(at, entry->to.ptr, entry->to.len);
    return (sm_bytes){room, (size_t)(at + entry->to.len - room)};
}

sm_bytes sm_history_append(char *room, sm_bytes list, sm_bytes one, uint64_t keep) {
    sm_history history, added;
    char *at;

    if (!sm_history_begin(list, &history) || !history.count) list = none;
    if (!sm_history_begin(one, &added)) return list;
    if (!list.ptr) {
        memcpy(room, one.ptr, one.len);
        return (sm_bytes){room, one.len};
    }
    while ((history.count >= keep || history.left.len > SM_LONGEST_PAST) && sm_history_next(&history)) continue;
    at = put_head(room, history.count + 1, history.at.ms, added.last_ms, history.at.to);
    memcpy(at, history.left.ptr, history.left.len);
    at += history.left.len;
    memcpy(at, added.left.ptr, added.left.len);
    return (sm_bytes){room, (size_t)(at + added.left.len - room)};
}
