/* The one end of every write: value, WATCH, replication, keyspace event, in this order. */
#include "write/commit.h"

#include <string.h>

#include "timers/timers.h"
#include "type/type.h"
#include "write/outbox.h"
#include "write/record.h"

static const char *const event_names[SM_EVENTS] = {
    [SM_EVENT_SET] = "sm.set",   [SM_EVENT_CREATE] = "sm.create", [SM_EVENT_MUTATE] = "sm.mutate",
    [SM_EVENT_SEND] = "sm.send", [SM_EVENT_RESET] = "sm.reset",   [SM_EVENT_TIMER] = "sm.timer",
    [SM_EVENT_DONE] = "sm.done", [SM_EVENT_FAIL] = "sm.fail",     [SM_EVENT_RETRY] = "sm.retry",
};

/* ---- the value ---- */

/* The key is open for writing and holds nothing or our type: the server cannot refuse. */
static void set_value(sm_target *target, sm_machine *machine) {
    int code = target->machine ? RedisModule_ModuleTypeReplaceValue(target->key, sm_type, machine, NULL)
                               : RedisModule_ModuleTypeSetValue(target->key, sm_type, machine);

    if (code != REDISMODULE_OK) RedisModule__Assert("the key takes its value", __FILE__, __LINE__);
}

static bool drop_ttl(RedisModuleKey *key) {
    if (RedisModule_GetExpire(key) == REDISMODULE_NO_EXPIRE) return false;
    RedisModule_SetExpire(key, REDISMODULE_NO_EXPIRE);
    return true;
}

/* Says whether anything is other than it was; so do the others. */
static bool change(sm_target *target, sm_node *node, sm_cached_edge *edge, const sm_bytes *reason) {
    sm_machine *moved;
    bool changed;

    if (!target->machine) {
        sm_data data = {.parts[SM_PART_REASON] = reason ? *reason : (sm_bytes){NULL, 0}};

        set_value(target, sm_machine_new(node, reason ? &data : NULL));
        return true;
    }
    changed = target->replaces && drop_ttl(target->key);
    if (sm_machine_stands(target->machine, node, reason)) return changed;
    moved = sm_machine_move(target->machine, node, edge, reason);
    if (moved != target->machine) set_value(target, moved);
    return true;
}

static bool keep_data(sm_target *target, sm_node *node, sm_cached_edge *edge, const sm_data *data) {
    bool changed;

    target->revision = data->revision;
    if (!target->machine) {
        set_value(target, sm_machine_new(node, data));
        return true;
    }
    changed = target->replaces && drop_ttl(target->key);
    if (sm_machine_is(target->machine, node, data)) return changed;
    set_value(target, sm_machine_keep(target->machine, node, edge, data));
    return true;
}

enum { SHIFT = 60000 };

/* Whether the key's TTL is the one that came because its machine was done. MIGRATE and RESTORE say how long it is, so
 * that it ends a little later than it did, or by another clock: by a minute, or a tenth of all of it, at most. */
static bool is_ours(const sm_target *target, uint64_t ms, uint64_t expire) {
    long long ends = RedisModule_GetAbsExpire(target->key);
    uint64_t shift = ends < 0 ? 0 : (uint64_t)ends > ms ? (uint64_t)ends - ms : ms - (uint64_t)ends;

    return ends >= 0 && shift <= (expire / 10 < SHIFT ? expire / 10 : SHIFT);
}

/* The key has a TTL from now on where the step `expires`; one that came so before goes, and no other. */
static bool keep(sm_target *target, sm_node *node, sm_cached_edge *edge, const sm_data *data, bool expires) {
    uint64_t ms = sm_expires(data), had = 0;
    sm_data held;
    bool changed;

    if (target->machine && !target->replaces && node->details->definition->expire) { /* as that of the machine there */
        sm_machine_data(target->machine, &held);
        had = sm_expires(&held);
    }
    changed = keep_data(target, node, edge, data);
    if (expires && ms) RedisModule_SetAbsExpire(target->key, (long long)ms);
    else if (had && !ms && is_ours(target, had, node->details->definition->expire)) drop_ttl(target->key);
    return changed;
}

/* What the machine keeps from now on: a step's outcome says what of it is new. */
static sm_data data_after(const sm_target *target, const sm_outcome *outcome, const sm_data *held,
                          const sm_bytes *reason) {
    bool is_marked = target->waiting && target->waiting->marked;
    const sm_data *said = outcome->data;
    sm_data data = {0};

    if (outcome->node->details->definition->counts)
        data.revision = is_marked ? held->revision : sm_revision_after(held->revision);
    if (!target->replaces) data.parts[SM_PART_CONTEXT] = held->parts[SM_PART_CONTEXT];
    if (said || !target->replaces) /* another machine does not wait for what this one did */
        memcpy(&data.parts[SM_TEXTS], said ? &said->parts[SM_TEXTS] : &held->parts[SM_TEXTS],
               (SM_WAITS - SM_TEXTS) * sizeof(sm_bytes));
    if (said) {
        if (said->parts[SM_PART_CONTEXT].ptr) data.parts[SM_PART_CONTEXT] = said->parts[SM_PART_CONTEXT];
        data.parts[SM_PART_OUTPUT] = said->parts[SM_PART_OUTPUT];
        data.parts[SM_PART_ERROR] = said->parts[SM_PART_ERROR];
    }
    if (reason) data.parts[SM_PART_REASON] = *reason;
    return data;
}

static size_t size_of(const sm_data *data) {
    size_t size = 0;

    for (int part = SM_PART_CONTEXT; part < SM_PART_EXPIRES; part++)
        size += data->parts[part].ptr ? data->parts[part].len : 0;
    return size;
}

/* A step that makes what its machine keeps larger is refused where the server's memory is full; SM.SET, which begins
 * one, the server refuses itself. A reason does not count, nor a TTL, nor why a deadline has failed. */
static bool fits(RedisModuleCtx *ctx, const sm_target *target, sm_outcome *outcome, const sm_data *held,
                 const sm_data *data) {
    static const char why[] = "the step makes the machine larger, and used memory > 'maxmemory'";
    bool is_marked = target->waiting && target->waiting->marked;

    if (target->replaces || is_marked || size_of(data) <= size_of(held)) return true;
    if (!(RedisModule_GetContextFlags(ctx) & REDISMODULE_CTX_FLAGS_OOM) || sm_accepted_before(ctx)) return true;
    outcome->result = SM_ERROR;
    outcome->code = "OOM";
    outcome->error = (sm_bytes){why, sizeof(why) - 1};
    return false;
}

bool sm_may_pass(const char *code) {
    return strcmp(code, "OOM") == 0 || strcmp(code, "TRYAGAIN") == 0;
}

/* A deadline that does not fire any more says so where it can: what refuses that for good is not tried again. */
static bool write_outbox(RedisModuleCtx *ctx, sm_target *target, sm_outcome *outcome, const sm_data *data,
                         sm_outbox_batch *batch) {
    if (sm_outbox_write(ctx, target, outcome, data, batch)) return true;
    if (!target->waiting || !target->waiting->marked || sm_may_pass(outcome->code)) return false;
    RedisModule_Log(ctx, "warning", "a deadline waits for SM.FIRE, and its outbox does not say so: %.*s",
                    (int)outcome->error.len, outcome->error.ptr);
    outcome->result = SM_TAKEN;
    return true;
}

/* ---- what others get ---- */

/* Of a context that is as it was, nothing is said; of one that changed a little, the changes; of history and tokens
 * what was added. */
static void replicate_outcome(RedisModuleCtx *ctx, const sm_target *target, const sm_outcome *outcome,
                              const sm_data *data, const sm_record *record, enum sm_event event) {
    sm_applied applied = sm_applied_machine(outcome->node, data, event);
    size_t len;
    char *bytes;

    applied.whole = target->replaces;
    if (!applied.whole) {
        applied.changes = outcome->changes;
        applied.data.parts[SM_PART_CONTEXT] =
            outcome->changes.ptr || !outcome->data ? (sm_bytes){NULL, 0} : outcome->data->parts[SM_PART_CONTEXT];
        applied.data.parts[SM_PART_HISTORY] = applied.data.parts[SM_PART_TOKENS] = (sm_bytes){NULL, 0};
        applied.record = *record;
    }
    applied.record.expires = record->expires;
    bytes = sm_applied_write(&applied, &len);
    RedisModule_Replicate(ctx, "SM.APPLY", "sb", target->name, bytes, len);
    RedisModule_Free(bytes);
}

static void close_key(const sm_target *target) {
    if (target->key) RedisModule_CloseKey(target->key);
}

/* When its first deadline is to fire, where it waits or did. */
static void note_deadlines(RedisModuleCtx *ctx, const sm_target *target, const sm_node *node) {
    sm_bytes key;

    if (!node->details->definition->waits && !target->replaces) return;
    key.ptr = RedisModule_StringPtrLen(target->name, &key.len);
    sm_timers_note(RedisModule_GetSelectedDb(ctx), key, RedisModule_ModuleTypeGetValue(target->key));
}

/* The event is the last: it runs other modules' code, which may delete the key or send commands of its own. */
static void publish(RedisModuleCtx *ctx, const sm_target *target, enum sm_event event) {
    RedisModule_NotifyKeyspaceEvent(ctx, REDISMODULE_NOTIFY_GENERIC, event_names[event], target->name);
}

/* ---- a machine that keeps data, before or after ---- */

/* What an outcome does to deadlines and tasks. Where no transition is taken the reason stays, and is in `kept`. False
 * where it is refused. */
static bool settle(const sm_target *target, sm_outcome *outcome, const sm_bytes **reason, sm_bytes *kept,
                   enum sm_event event) {
    const sm_definition *definition = outcome->node->details->definition;
    bool stays = target->waiting && target->waiting->stays;
    sm_data held = {0};

    if (!definition->waits) return true;
    if (target->machine) sm_machine_data(target->machine, &held);
    *kept = held.parts[SM_PART_REASON];
    if (stays && kept->ptr) *reason = kept;
    return sm_settle(outcome, target->waiting, target->with_effects || target->token || definition->outbox, &held,
                     target->replaces || event == SM_EVENT_RESET);
}

enum kept { REFUSED, AS_IT_WAS, CHANGED };

/* `data` is what the machine keeps then. */
static enum kept keep_all(RedisModuleCtx *ctx, sm_target *target, sm_outcome *outcome, const sm_bytes *reason,
                          const sm_bytes *kept, sm_data *data, sm_record *record, sm_outbox_batch *batch) {
    sm_data held = {0};
    bool changed;

    if (target->machine) sm_machine_data(target->machine, &held);
    *data = data_after(target, outcome, &held, reason);
    sm_record_step(target, outcome, &held, reason == kept ? NULL : reason, data, record);
    if (!fits(ctx, target, outcome, &held, data) || !write_outbox(ctx, target, outcome, data, batch)) return REFUSED;
    changed = keep(target, outcome->node, outcome->edge, data, record->expires);
    if (changed) note_deadlines(ctx, target, outcome->node);
    sm_machine_data(RedisModule_ModuleTypeGetValue(target->key), data); /* what was held before is gone */
    return changed ? CHANGED : AS_IT_WAS;
}

/* A step by which nothing but the revision changes, and which asks for nothing. */
static bool is_light(const sm_target *target, const sm_outcome *outcome, const sm_bytes *reason) {
    const sm_definition *definition = outcome->node->details->definition;

    return !target->replaces && !outcome->data && !reason && !target->token && !definition->outbox &&
           !definition->history && !definition->expire;
}

static __attribute__((noinline)) void commit_data(RedisModuleCtx *ctx, sm_target *target, sm_outcome *outcome,
                                                  const sm_bytes *reason, enum sm_event event) {
    enum kept how = REFUSED;
    sm_outbox_batch batch = {0};
    sm_record record = {0};
    sm_data data;
    sm_bytes kept;

    if (settle(target, outcome, &reason, &kept, event)) {
        if (is_light(target, outcome, reason) &&
            sm_machine_step(target->machine, outcome->node, outcome->edge, &target->revision))
            how = CHANGED;
        else
            how = keep_all(ctx, target, outcome, reason, &kept, &data, &record, &batch);
    }
    close_key(target);
    if (how != CHANGED) return;
    RedisModule_SignalModifiedKey(ctx, target->name);
    if ((outcome->data && !outcome->is_pure) || batch.count || record.entry.ptr || record.token.ptr || record.expires)
        replicate_outcome(ctx, target, outcome, &data, &record, event);
    else RedisModule_ReplicateVerbatim(ctx);
    sm_outbox_replicate(ctx, &batch);
    publish(ctx, target, event);
    if (batch.count) sm_outbox_end(ctx, &batch);
}

/* Verbatim, since the engine answers alike everywhere, and what has been accepted here is not held to another server's
 * limits. */
void sm_commit(RedisModuleCtx *ctx, sm_target *target, sm_outcome *outcome, const sm_bytes *reason,
               enum sm_event event) {
    bool changed;

    if (outcome->data || sm_machine_keeps(target->machine) ||
        (target->replaces && outcome->node->details->definition->counts)) {
        commit_data(ctx, target, outcome, reason, event);
        return;
    }
    changed = change(target, outcome->node, outcome->edge, reason);
    close_key(target);
    if (!changed) return;
    RedisModule_SignalModifiedKey(ctx, target->name);
    RedisModule_ReplicateVerbatim(ctx);
    publish(ctx, target, event);
}

void sm_commit_applied(RedisModuleCtx *ctx, sm_target *target, sm_node *node, const sm_data *data, bool expires,
                       enum sm_event event) {
    bool changed = keep(target, node, NULL, data, expires);

    if (changed) note_deadlines(ctx, target, node);
    close_key(target);
    if (!changed) return;
    RedisModule_SignalModifiedKey(ctx, target->name);
    RedisModule_ReplicateVerbatim(ctx);
    publish(ctx, target, event);
}
