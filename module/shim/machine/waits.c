/* The lists of deadlines and tasks, read and written. */
#include "machine/waits.h"

#include <stdio.h>
#include <string.h>

enum { NUMBER_BYTES = 8, LENGTH_BYTES = 4, HEAD = 2 * NUMBER_BYTES + 1 };

/* ---- reading ---- */

static uint64_t number_at(const char *at, int bytes) {
    uint64_t number = 0;

    for (int i = 0; i < bytes; i++) number |= (uint64_t)(unsigned char)at[i] << (8 * i);
    return number;
}

static bool take_text(sm_bytes *list, sm_bytes *text) {
    uint64_t len;

    if (list->len < LENGTH_BYTES) return false;
    len = number_at(list->ptr, LENGTH_BYTES);
    if (len > list->len - LENGTH_BYTES) return false;
    *text = (sm_bytes){list->ptr + LENGTH_BYTES, (size_t)len};
    list->ptr += LENGTH_BYTES + len;
    list->len -= LENGTH_BYTES + len;
    return true;
}

bool sm_wait_take(sm_bytes *list, sm_wait *wait) {
    if (!list->ptr || list->len < HEAD) return false;
    wait->number = number_at(list->ptr, NUMBER_BYTES);
    wait->ms = number_at(list->ptr + NUMBER_BYTES, NUMBER_BYTES);
    wait->status = (uint8_t)list->ptr[HEAD - 1];
    list->ptr += HEAD;
    list->len -= HEAD;
    return take_text(list, &wait->id) && take_text(list, &wait->what) && take_text(list, &wait->text);
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

static char *put_number(char *at, uint64_t number, int bytes) {
    for (int i = 0; i < bytes; i++) *at++ = (char)(number >> (8 * i));
    return at;
}

static char *put_text(char *at, sm_bytes text) {
    at = put_number(at, text.len, LENGTH_BYTES);
    if (text.len) memcpy(at, text.ptr, text.len);
    return at + text.len;
}

char *sm_wait_put_handle(char *at, const sm_wait *wait) {
    char number[SM_HANDLE_BYTES + 1];
    int len = snprintf(number, sizeof(number), "@%llx", (unsigned long long)wait->number);

    if (wait->id.len) memcpy(at, wait->id.ptr, wait->id.len);
    memcpy(at + wait->id.len, number, (size_t)len);
    return at + wait->id.len + len;
}

size_t sm_wait_size(const sm_wait *wait) {
    return HEAD + 3 * LENGTH_BYTES + wait->id.len + wait->what.len + wait->text.len;
}

char *sm_wait_put(char *at, const sm_wait *wait) {
    at = put_number(at, wait->number, NUMBER_BYTES);
    at = put_number(at, wait->ms, NUMBER_BYTES);
    *at++ = (char)wait->status;
    at = put_text(at, wait->id);
    at = put_text(at, wait->what);
    return put_text(at, wait->text);
}
