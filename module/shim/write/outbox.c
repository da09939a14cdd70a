/* The outbox: the stream, its entries, and who may have them written. */
#include "write/outbox.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "reply/effects.h"
#include "reply/text.h"
#include "reply/tokens.h"
#include "settings.h"
#include "type/type.h"

enum field { ID, KEY, MACHINE, TYPE, PARAMS, TASK, EVENT, REVISION, MS, FIELDS };

enum { DIGITS = 24 };

typedef struct sm_outbox_entry {
    RedisModuleString *argv[2 * FIELDS]; /* names and values in turns; the values are its own */
    size_t argc;
    RedisModuleStreamID id;
} entry;

uint64_t sm_outbox_entries;

static RedisModuleString *names[FIELDS];

static sm_bytes bytes_of(const RedisModuleString *string) {
    sm_bytes bytes;

    bytes.ptr = RedisModule_StringPtrLen(string, &bytes.len);
    return bytes;
}

/* `before` and what follows it around a name, which is quoted. */
static bool refuse(sm_outcome *outcome, const char *before, sm_bytes name, const char *after) {
    char *line = sm_outcome_room(outcome, strlen(before) + SM_LONGEST_QUOTED + strlen(after) + 1), *at = line;

    at = stpcpy(at, before);
    at = sm_put_quoted(at, name);
    at = stpcpy(at, after);
    outcome->result = SM_ERROR;
    outcome->code = "ERR";
    outcome->error = (sm_bytes){line, (size_t)(at - line)};
    return false;
}

static bool in_cluster(RedisModuleCtx *ctx) {
    return RedisModule_GetContextFlags(ctx) & REDISMODULE_CTX_FLAGS_CLUSTER;
}

/* ---- the stream's name ---- */

/* What a cluster takes a key's slot from, in its braces; empty where that is the whole name. */
static sm_bytes tag_of(sm_bytes name) {
    const char *open = memchr(name.ptr, '{', name.len), *close = NULL;

    if (open) close = memchr(open, '}', name.len - (size_t)(open - name.ptr));
    return close && close > open + 1 ? (sm_bytes){open, (size_t)(close + 1 - open)} : (sm_bytes){NULL, 0};
}

/* The name for the machine at a key, in the outcome's room; without a pointer where it has none. */
static sm_bytes stream_of(const sm_outbox *outbox, sm_bytes key, sm_outcome *outcome) {
    const char *place = memmem(outbox->stream.ptr, outbox->stream.len, "{}", 2);
    sm_bytes tag = tag_of(key), name = {NULL, outbox->stream.len - 2 + tag.len};
    size_t before;
    char *at;

    if (!place) return outbox->stream;
    if (!tag.ptr) {
        refuse(outcome, "the outbox has {} in its name, which the hash tag of a key replaces, and the key ", key,
               " has none, as in 'order:{42}'");
        return name;
    }
    before = (size_t)(place - outbox->stream.ptr);
    name.ptr = at = sm_outcome_room(outcome, name.len);
    sm_put(&at, (sm_bytes){outbox->stream.ptr, before});
    sm_put(&at, tag);
    sm_put(&at, (sm_bytes){place + 2, outbox->stream.len - before - 2});
    return name;
}

/* The name as a string of its own, to be freed, where machines may write there; NULL and an error where not. */
static RedisModuleString *open_name(RedisModuleCtx *ctx, const sm_outbox *outbox, sm_bytes key, sm_outcome *outcome) {
    sm_bytes name = stream_of(outbox, key, outcome), tag, own_tag;
    RedisModuleString *stream;

    if (!name.ptr) return NULL;
    stream = RedisModule_CreateString(NULL, name.ptr, name.len);
    name = bytes_of(stream);
    tag = tag_of(name), own_tag = tag_of(key);
    if (sm_same(name, key))
        refuse(outcome, "the outbox ", name, " is the machine's own key");
    else if (memchr(name.ptr, 0, name.len))
        refuse(outcome, "the outbox ", name, " has a NUL in its name");
    else if (strcmp(sm_config.outbox_streams, "*") != 0 && fnmatch(sm_config.outbox_streams, name.ptr, 0) != 0)
        refuse(outcome, "the outbox ", name, " is none that redisstate.outbox-streams lets machines write to");
    else if (in_cluster(ctx) && !sm_same(tag.ptr ? tag : name, own_tag.ptr ? own_tag : key))
        refuse(outcome, "the outbox ", name, " may lie in another slot: put {} into its name, for the key's hash tag");
    else
        return stream;
    RedisModule_FreeString(NULL, stream);
    return NULL;
}

/* The stream, or NULL and an error where something else is there. */
static RedisModuleKey *open_stream(RedisModuleCtx *ctx, RedisModuleString *name, sm_outcome *outcome) {
    RedisModuleKey *key = RedisModule_OpenKey(ctx, name, REDISMODULE_READ | REDISMODULE_WRITE);
    int type = RedisModule_KeyType(key);

    if (key && (type == REDISMODULE_KEYTYPE_EMPTY || type == REDISMODULE_KEYTYPE_STREAM)) return key;
    if (key) RedisModule_CloseKey(key);
    refuse(outcome, "the outbox ", bytes_of(name), " is a key that holds no stream");
    return NULL;
}

/* ---- entries ---- */

static void name_fields(void) {
    static const char *const words[FIELDS] = {"id",   "key",   "machine",  "type", "params",
                                              "task", "event", "revision", "ms"};

    if (names[0]) return;
    for (int i = 0; i < FIELDS; i++) names[i] = RedisModule_CreateString(NULL, words[i], strlen(words[i]));
}

static sm_bytes number(char *digits, const char *format, uint64_t value) {
    return (sm_bytes){digits, (size_t)snprintf(digits, DIGITS, format, (unsigned long long)value)};
}

/* Values without a byte are left out, but for a key that has no name. */
static void make(entry *made, const sm_bytes values[FIELDS]) {
    made->argc = 0;
    for (int i = 0; i < FIELDS; i++) {
        if (!values[i].len && i != KEY) continue;
        made->argv[made->argc++] = names[i];
        made->argv[made->argc++] = RedisModule_CreateString(NULL, values[i].ptr, values[i].len);
    }
}

static void free_values(entry *made) {
    for (size_t i = 1; i < made->argc; i += 2) RedisModule_FreeString(NULL, made->argv[i]);
}

/* What all entries of a step say. */
typedef struct writing {
    sm_outbox_batch *batch;
    sm_bytes values[FIELDS];
    char id[DIGITS], revision[DIGITS], ms[DIGITS];
    uint64_t now;
} writing;

static void add(writing *work, sm_bytes type, sm_bytes params, sm_bytes task) {
    work->values[ID] = number(work->id, "%llx", sm_new_number(work->now));
    work->values[TYPE] = type;
    work->values[PARAMS] = params;
    work->values[TASK] = task;
    make(&work->batch->entries[work->batch->count++], work->values);
}

/* An array of strings in tokens, as JSON. */
static char *put_strings(char *at, sm_bytes tokens) {
    uint32_t count = 0;
    sm_bytes string;
    char token = 0;

    *at++ = '[';
    if (sm_tokens_take(&tokens, &token, 1) && sm_tokens_take(&tokens, &count, sizeof(count))) {
        for (uint32_t i = 0; i < count && sm_tokens_string(&tokens, &string); i++) {
            if (i) *at++ = ',';
            at = sm_put_json(at, string);
        }
    }
    *at++ = ']';
    return at;
}

static void add_step(writing *work, const sm_target *target, sm_outcome *outcome) {
    static const char type[] = "xstate.step";
    const sm_bytes none = {NULL, 0};
    sm_bytes to = outcome->node->details->states;
    sm_bytes from = target->machine && !target->replaces ? sm_machine_node(target->machine)->details->states : none;
    char *params = sm_outcome_room(outcome, 6 * (to.len + from.len) + 32), *at = params;

    at = stpcpy(at, "{");
    if (from.ptr) at = stpcpy(put_strings(stpcpy(at, "\"from\":"), from), ",");
    at = put_strings(stpcpy(at, "\"to\":"), to);
    *at++ = '}';
    add(work, (sm_bytes){type, sizeof(type) - 1}, (sm_bytes){params, (size_t)(at - params)}, none);
}

/* A deadline that does not fire by itself any more. */
static void add_due(writing *work, const sm_waiting *waiting, sm_outcome *outcome) {
    static const char type[] = "xstate.due";
    const sm_bytes none = {NULL, 0};
    const sm_wait *timer = waiting->timer;
    char *params = sm_outcome_room(outcome, 6 * (timer->id.len + waiting->error.len) + 96), *at = params;

    at = sm_put_json(stpcpy(at, "{\"timer\":"), timer->id) - 1; /* before the last quote */
    at = sm_wait_put_handle(at, &(sm_wait){.number = timer->number});
    at = stpcpy(at, waiting->mark == SM_TIMER_DUE ? "\",\"status\":\"due\"" : "\",\"status\":\"failed\",\"error\":");
    if (waiting->mark != SM_TIMER_DUE) at = sm_put_json(at, waiting->error);
    *at++ = '}';
    add(work, (sm_bytes){type, sizeof(type) - 1}, (sm_bytes){params, (size_t)(at - params)}, none);
}

static void add_all(writing *work, const sm_target *target, sm_outcome *outcome, const sm_outbox *outbox) {
    bool is_marked = target->waiting && target->waiting->marked;
    sm_bytes left = outcome->reply;
    size_t count = sm_effects_begin(&left);
    sm_effect effect;

    work->batch->entries = RedisModule_Alloc((count + 1) * sizeof(entry));
    if (is_marked) add_due(work, target->waiting, outcome);
    else if (outbox->steps) add_step(work, target, outcome);
    while (!is_marked && work->batch->count <= count && sm_effects_take(&left, &effect))
        add(work, effect.name, effect.params, effect.task);
}

/* ---- writing ---- */

static void forget(sm_outbox_batch *batch) {
    for (size_t i = 0; i < batch->count; i++) free_values(&batch->entries[i]);
    RedisModule_Free(batch->entries);
    if (batch->stream) RedisModule_FreeString(NULL, batch->stream);
    *batch = (sm_outbox_batch){0};
}

static void take_back(RedisModuleKey *stream, const sm_outbox_batch *batch, size_t count) {
    while (count--) RedisModule_StreamDelete(stream, &batch->entries[count].id);
}

/* The stream takes all or none: its last identifier may be the last that there is. */
static bool append(RedisModuleKey *stream, sm_outbox_batch *batch, sm_outcome *outcome) {
    for (size_t i = 0; i < batch->count; i++) {
        entry *one = &batch->entries[i];

        if (RedisModule_StreamAdd(stream, REDISMODULE_STREAM_ADD_AUTOID, &one->id, one->argv, (long)one->argc / 2) ==
            REDISMODULE_OK)
            continue;
        take_back(stream, batch, i);
        return refuse(outcome, "the outbox ", bytes_of(batch->stream), " takes no more entries");
    }
    return true;
}

static bool has_room(RedisModuleCtx *ctx, sm_outcome *outcome) {
    static const char why[] = "the step writes to its outbox, and used memory > 'maxmemory'";

    if (!(RedisModule_GetContextFlags(ctx) & REDISMODULE_CTX_FLAGS_OOM)) return true;
    outcome->result = SM_ERROR;
    outcome->code = "OOM";
    outcome->error = (sm_bytes){why, sizeof(why) - 1};
    return false;
}

static bool refuse_moving(sm_outcome *outcome, const RedisModuleString *stream) {
    refuse(outcome, "the outbox ", bytes_of(stream), " may be on the other node of a slot that moves");
    outcome->code = "TRYAGAIN";
    return false;
}

/* Where a slot moves key by key, a stream that is not here may be on its other node: one that began here would come in
 * its way. The server is asked. */
static bool may_begin(RedisModuleCtx *ctx, const sm_target *target, const sm_outbox_batch *batch, sm_outcome *outcome) {
    RedisModuleCallReply *reply;

    if (!in_cluster(ctx)) return true;
    reply = RedisModule_Call(ctx, "EXISTS", "ss", target->name, batch->stream); /* of one key a node is less sure */
    if (!reply) return refuse_moving(outcome, batch->stream);
    RedisModule_FreeCallReply(reply);
    return true;
}

/* The stream where it may be written to; otherwise NULL, and an error. */
static RedisModuleKey *begin(RedisModuleCtx *ctx, const sm_target *target, const sm_outbox_batch *batch,
                             sm_outcome *outcome) {
    RedisModuleKey *stream = open_stream(ctx, batch->stream, outcome);

    if (!stream || RedisModule_KeyType(stream) != REDISMODULE_KEYTYPE_EMPTY) return stream;
    RedisModule_CloseKey(stream);
    return may_begin(ctx, target, batch, outcome) ? open_stream(ctx, batch->stream, outcome) : NULL;
}

static uint64_t revision_of(const sm_machine *machine) {
    sm_data data = {0};

    if (machine) sm_machine_data(machine, &data);
    return data.revision;
}

/* Opens the machine's key again; false where the machine is not as it was. */
static bool reopen(RedisModuleCtx *ctx, sm_target *target, const sm_node *node, uint64_t revision) {
    const sm_machine *before = target->machine;

    target->key = RedisModule_OpenKey(ctx, target->name, REDISMODULE_READ | REDISMODULE_WRITE);
    target->machine = RedisModule_ModuleTypeGetType(target->key) == sm_type
                          ? RedisModule_ModuleTypeGetValue(target->key)
                          : NULL;
    if (!before) return RedisModule_KeyType(target->key) == REDISMODULE_KEYTYPE_EMPTY;
    return before == target->machine && sm_machine_node(before) == node && revision_of(before) == revision;
}

static bool refuse_changed(const sm_outbox_batch *batch, sm_outcome *outcome) {
    refuse(outcome, "the machine has changed while its outbox ", bytes_of(batch->stream), " was opened");
    outcome->code = "TRYAGAIN";
    return false;
}

/* What a step has written stays, though it be more than the stream is to keep. */
static void trim(RedisModuleKey *stream, uint64_t maxlen, sm_outbox_batch *batch) {
    long long most = (long long)(maxlen > batch->count ? maxlen : batch->count);

    if (RedisModule_ValueLength(stream) <= (size_t)most) return;
    if (RedisModule_StreamTrimByLength(stream, REDISMODULE_STREAM_TRIM_APPROX, most) > 0)
        batch->length = RedisModule_ValueLength(stream);
}

/* That a stream has expired, or that one begins, is an event, which runs other modules' code: the machine's key is
 * closed meanwhile. */
static bool write(RedisModuleCtx *ctx, const sm_outbox *outbox, sm_target *target, sm_outcome *outcome,
                  sm_outbox_batch *batch) {
    const sm_node *node = target->machine ? sm_machine_node(target->machine) : NULL;
    uint64_t revision = revision_of(target->machine);
    RedisModuleKey *stream;
    bool written, begins;

    if (!has_room(ctx, outcome) || !(batch->stream = open_name(ctx, outbox, bytes_of(target->name), outcome)))
        return false;
    RedisModule_CloseKey(target->key);
    stream = begin(ctx, target, batch, outcome);
    begins = stream && RedisModule_KeyType(stream) == REDISMODULE_KEYTYPE_EMPTY;
    written = stream && append(stream, batch, outcome);
    if (!reopen(ctx, target, node, revision)) {
        if (written && begins) RedisModule_DeleteKey(stream);
        else if (written) take_back(stream, batch, batch->count);
        written = refuse_changed(batch, outcome);
    }
    if (written && outbox->maxlen) trim(stream, outbox->maxlen, batch);
    if (stream) RedisModule_CloseKey(stream);
    return written;
}

bool sm_outbox_write(RedisModuleCtx *ctx, sm_target *target, sm_outcome *outcome, const sm_data *data,
                     sm_outbox_batch *batch) {
    const sm_outbox *outbox = outcome->node->details->definition->outbox;
    writing work = {.batch = batch, .now = (uint64_t)RedisModule_Milliseconds()};

    if (!outbox || sm_accepted_before(ctx)) return true;
    name_fields();
    work.values[KEY] = bytes_of(target->name);
    work.values[MACHINE] = outbox->machine;
    work.values[EVENT] = target->cause;
    work.values[REVISION] = number(work.revision, "%llu", data->revision);
    work.values[MS] = number(work.ms, "%llu", work.now);
    add_all(&work, target, outcome, outbox);
    if (batch->count && !write(ctx, outbox, target, outcome, batch)) {
        forget(batch);
        return false;
    }
    sm_outbox_entries += batch->count;
    if (!batch->count) forget(batch);
    return true;
}

/* ---- what others get ---- */

static void replicate(RedisModuleCtx *ctx, const sm_outbox_batch *batch, const entry *one, size_t length) {
    char digits[2 * DIGITS];

    snprintf(digits, sizeof(digits), "%llu-%llu", (unsigned long long)one->id.ms, (unsigned long long)one->id.seq);
    if (length)
        RedisModule_Replicate(ctx, "XADD", "scclcv", batch->stream, "MAXLEN", "=", (long long)length, digits,
                              one->argv, one->argc);
    else
        RedisModule_Replicate(ctx, "XADD", "scv", batch->stream, digits, one->argv, one->argc);
}

void sm_outbox_replicate(RedisModuleCtx *ctx, const sm_outbox_batch *batch) {
    for (size_t i = 0; i < batch->count; i++)
        replicate(ctx, batch, &batch->entries[i], i + 1 == batch->count ? batch->length : 0);
    if (batch->count) RedisModule_SignalModifiedKey(ctx, batch->stream);
}

void sm_outbox_end(RedisModuleCtx *ctx, sm_outbox_batch *batch) {
    for (size_t i = 0; i < batch->count; i++)
        RedisModule_NotifyKeyspaceEvent(ctx, REDISMODULE_NOTIFY_STREAM, "xadd", batch->stream);
    if (batch->count && batch->length)
        RedisModule_NotifyKeyspaceEvent(ctx, REDISMODULE_NOTIFY_STREAM, "xtrim", batch->stream);
    forget(batch);
}

/* ---- before there is a step ---- */

/* An entry that no stream takes: whether the user may write it is looked at before. Where there is no user another
 * module asks, which may do what it wants. */
static bool user_may(RedisModuleCtx *ctx, RedisModuleString *stream, sm_outcome *outcome) {
    RedisModuleCallReply *reply;

    errno = 0;
    reply = RedisModule_Call(ctx, "XADD", "Csccc", stream, "0-0", "id", "0");
    if (reply) RedisModule_FreeCallReply(reply);
    if (reply) return true;
    if (errno == EPERM) return refuse_moving(outcome, stream);
    if (errno != EACCES) return true;
    refuse(outcome, "the outbox ", bytes_of(stream), " is no stream that this user may write to by XADD");
    outcome->code = "NOPERM";
    return false;
}

bool sm_outbox_admit(RedisModuleCtx *ctx, const RedisModuleString *key, const sm_outbox *outbox, sm_outcome *outcome) {
    RedisModuleString *stream = open_name(ctx, outbox, bytes_of(key), outcome);
    RedisModuleKey *opened = stream ? open_stream(ctx, stream, outcome) : NULL;

    if (opened) RedisModule_CloseKey(opened);
    if (opened && !user_may(ctx, stream, outcome)) opened = NULL;
    if (stream) RedisModule_FreeString(NULL, stream);
    return opened != NULL;
}
