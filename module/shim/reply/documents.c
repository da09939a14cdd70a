/* A machine's document, as SM.GET answers it: where it stands, its definition, its reason. */
#include "reply/documents.h"

#include <stdio.h>
#include <string.h>

#include "machine/waits.h"
#include "reply/text.h"

static char *put(char *at, const char *bytes, size_t len) {
    memcpy(at, bytes, len);
    return at + len;
}

static const char member[] = ",\"reason\":";

/* The parts that a snapshot has, each behind its name. */
static const char *const names[SM_TEXTS] = {
    [SM_PART_CONTEXT] = ",\"context\":", [SM_PART_OUTPUT] = ",\"output\":", [SM_PART_ERROR] = ",\"error\":"};
static const char snapshot[] = ",\"snapshot\":{\"status\":\"";
enum { SNAPSHOT_BYTES = 160 }; /* of all that is in it but the parts */
enum { WAIT_BYTES = 180 };     /* of a deadline or a task but its texts */

static size_t most_bytes(const sm_details *node, const sm_data *data) {
    size_t len = node->head.len + node->definition->item.key_len + SNAPSHOT_BYTES;

    for (int part = 0; part < SM_TEXTS; part++)
        if (data->parts[part].ptr)
            len += part == SM_PART_REASON ? sizeof(member) + 6 * data->parts[part].len + 2 : data->parts[part].len;
    for (int part = SM_TEXTS; part < SM_WAITS; part++)
        len += 20 * data->parts[part].len + WAIT_BYTES * sm_waits_count(data->parts[part]);
    return len;
}

static char *put_word(char *at, const char *word) {
    return put(at, word, strlen(word));
}

static char *put_text(char *at, const char *name, sm_bytes text) {
    return sm_put_json(put_word(at, name), text);
}

static char *put_number(char *at, const char *name, uint64_t number) {
    return at + sprintf(at, "%s%llu", name, (unsigned long long)number);
}

static char *put_handle(char *at, const char *name, const sm_wait *wait) {
    at = put_text(at, name, wait->id) - 1; /* before the last quote */
    at = sm_wait_put_handle(at, &(sm_wait){.number = wait->number});
    *at++ = '"';
    return at;
}

size_t sm_event_most(const sm_wait *timer) {
    return 16 + timer->what.len + 6 * timer->id.len;
}

char *sm_event_put(char *at, const sm_wait *timer) {
    if (timer->what.len) return put(at, timer->what.ptr, timer->what.len);
    return put_word(put_text(at, "{\"type\":", timer->id), "}");
}

static char *put_deadline(char *at, const sm_wait *timer) {
    static const char *const words[SM_TIMER_STATUSES] = {"waiting", "due", "failed"};

    at = put_text(at, "{\"id\":", timer->id);
    at = put_word(at, ",\"event\":");
    at = sm_event_put(at, timer);
    at = put_number(at, ",\"due\":", timer->ms);
    if (timer->status < SM_TIMER_STATUSES) {
        at = put_word(at, ",\"status\":\"");
        at = put_word(at, words[timer->status]);
        *at++ = '"';
    }
    if (timer->text.len) at = put_text(at, ",\"error\":", timer->text);
    at = put_handle(at, ",\"timer\":", timer);
    *at++ = '}';
    return at;
}

static char *put_task(char *at, const sm_wait *task) {
    at = put_text(at, "{\"id\":", task->id);
    at = put_text(at, ",\"src\":", task->what);
    if (task->text.len) {
        at = put_word(at, ",\"input\":");
        at = put(at, task->text.ptr, task->text.len);
    }
    at = put_number(at, ",\"since\":", task->ms);
    at = put_word(at, ",\"status\":\"");
    at = put_word(at, task->status == SM_TASK_REPORTED ? "reported" : "active");
    at = put_handle(at, "\",\"task\":", task);
    *at++ = '}';
    return at;
}

static char *put_list(char *at, const char *name, sm_bytes list, char *(*put_one)(char *, const sm_wait *)) {
    bool first = true;
    sm_wait wait;

    at = put_word(at, name);
    *at++ = '[';
    while (sm_wait_take(&list, &wait)) {
        if (!first) *at++ = ',';
        first = false;
        at = put_one(at, &wait);
    }
    *at++ = ']';
    return at;
}

/* What the machine keeps, as a member: SM.SET takes it. */
static char *put_snapshot(char *at, const sm_node *node, const sm_data *data) {
    const char *status = sm_status(node, data->parts[SM_PART_ERROR].ptr != NULL);

    at = put(at, snapshot, sizeof(snapshot) - 1);
    at = put(at, status, strlen(status));
    *at++ = '"';
    for (int part = 0; part < SM_TEXTS; part++) {
        if (!names[part] || !data->parts[part].ptr) continue;
        at = put(at, names[part], strlen(names[part]));
        at = put(at, data->parts[part].ptr, data->parts[part].len);
    }
    if (node->details->definition->waits) { /* also where there are none: a snapshot without them arms anew */
        at = put_list(at, ",\"deadlines\":", data->parts[SM_PART_TIMERS], put_deadline);
        at = put_list(at, ",\"tasks\":", data->parts[SM_PART_TASKS], put_task);
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
        at = sm_put_json(at, reason);
    }
    at = put(at, canonical + split, canonical_len - split - 1);
    if (node->definition->keeps && sm_machine_keeps(machine)) at = put_snapshot(at, node->node, &data);
    *at++ = '}';
    *len = (size_t)(at - text);
    return text;
}
