/* The lists of deadlines and tasks, read and written. */
#include "machine/waits.h"

#include <endian.h>
#include <string.h>

enum { NUMBER_BYTES = 8, HAS_WHAT = 0x40, HAS_TEXT = 0x80, STATUSES = 0x40 };

/* ---- reading ---- */

/* One that is there only if it is not empty. */
static bool take_some(sm_bytes *list, bool is_there, sm_bytes *text) {
    *text = (sm_bytes){"", 0};
    return !is_there || (sm_take_text(list, text) && text->len);
}

static uint64_t given_at(const sm_wait *wait) {
    return wait->number >> SM_NUMBER_BITS;
}

bool sm_wait_take(sm_bytes *list, sm_wait *wait) {
    uint8_t status;
    uint64_t from;

    if (!list->ptr || list->len < NUMBER_BYTES) return false;
    memcpy(&wait->number, list->ptr, NUMBER_BYTES);
    wait->number = le64toh(wait->number);
    *list = (sm_bytes){list->ptr + NUMBER_BYTES, list->len - NUMBER_BYTES};
    if (!sm_take_varint(list, &from) || !list->len) return false;
    wait->ms = given_at(wait) + sm_unzigzag(from);
    status = (uint8_t)*list->ptr;
    wait->status = status % STATUSES;
    *list = (sm_bytes){list->ptr + 1, list->len - 1};
    return sm_take_text(list, &wait->id) && take_some(list, status & HAS_WHAT, &wait->what) &&
           take_some(list, status & HAS_TEXT, &wait->text);
}

size_t sm_waits_count(sm_bytes list) {
    size_t count = 0;
    sm_wait wait;

    while (sm_wait_take(&list, &wait)) count++;
    return count;
}

const char *sm_waits_fault(sm_bytes list, uint8_t statuses) {
    if (list.len > SM_MOST_WAITS_BYTES || sm_waits_count(list) > SM_MOST_WAITS) return "it waits for too much";
    while (list.len) {
        sm_wait wait;

        if (!sm_wait_take(&list, &wait)) return "what it waits for is cut short";
        if (wait.status >= statuses) return "what it waits for has an unknown status";
        if (wait.ms > INT64_MAX) return "what it waits for has no time";
        if (!wait.number) return "what it waits for has no number";
    }
    return NULL;
}

bool sm_waits_find(sm_bytes list, sm_bytes handle, sm_wait *found) {
    char number[SM_HANDLE_BYTES + 1];

    while (sm_wait_take(&list, found)) {
        size_t len = (size_t)(sm_wait_put_handle(number, &(sm_wait){.number = found->number}) - number);

        if (handle.len == found->id.len + len && memcmp(handle.ptr, found->id.ptr, found->id.len) == 0 &&
            memcmp(handle.ptr + found->id.len, number, len) == 0)
            return true;
    }
    return false;
}

bool sm_waits_earliest(sm_bytes timers, sm_wait *earliest) {
    bool found = false;
    sm_wait wait;

    while (sm_wait_take(&timers, &wait)) {
        if (wait.status != SM_TIMER_WAITING || (found && wait.ms >= earliest->ms)) continue;
        *earliest = wait;
        found = true;
    }
    return found;
}

/* ---- writing ---- */

char *sm_wait_put_number(char *at, uint64_t number) {
    int bits = 60;

    while (bits && !(number >> bits)) bits -= 4;
    for (; bits >= 0; bits -= 4) *at++ = "0123456789abcdef"[number >> bits & 15];
    return at;
}

char *sm_wait_put_handle(char *at, const sm_wait *wait) {
    if (wait->id.len) memcpy(at, wait->id.ptr, wait->id.len);
    at += wait->id.len;
    *at++ = '@';
    return sm_wait_put_number(at, wait->number);
}

size_t sm_wait_most(const sm_wait *wait) {
    return NUMBER_BYTES + 1 + 4 * SM_VARINT_BYTES + wait->id.len + wait->what.len + wait->text.len;
}

char *sm_wait_put(char *at, const sm_wait *wait) {
    uint64_t from = wait->ms - given_at(wait), number = htole64(wait->number);

    memcpy(at, &number, NUMBER_BYTES);
    at = sm_put_varint(at + NUMBER_BYTES, sm_zigzag(from));
    *at++ = (char)(wait->status | (wait->what.len ? HAS_WHAT : 0) | (wait->text.len ? HAS_TEXT : 0));
    at = sm_put_text(at, wait->id);
    if (wait->what.len) at = sm_put_text(at, wait->what);
    return wait->text.len ? sm_put_text(at, wait->text) : at;
}
