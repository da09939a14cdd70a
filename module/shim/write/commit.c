/* The one end of every write: value, WATCH, replication, keyspace event, in this order. */
#include "write/commit.h"

#include "type/type.h"

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

/* Says whether anything is other than it was. */
static bool change(sm_target *target, const sm_outcome *outcome, const sm_bytes *reason) {
    sm_machine *moved;
    bool changed;

    if (!target->machine) {
        set_value(target, sm_machine_new(outcome->node, reason));
        return true;
    }
    changed = target->replaces && drop_ttl(target->key);
    if (sm_machine_stands(target->machine, outcome->node, reason)) return changed;
    moved = sm_machine_move(target->machine, outcome->node, outcome->edge, reason);
    if (moved != target->machine) set_value(target, moved);
    return true;
}

/* Verbatim, since the engine answers alike everywhere, and what has been accepted here is not held to another server's
 * limits. The event is the last: it runs other modules' code, which may delete the key or send commands of its own. */
void sm_commit(RedisModuleCtx *ctx, sm_target *target, const sm_outcome *outcome, const sm_bytes *reason,
               const char *event) {
    bool changed = change(target, outcome, reason);

    if (target->key) RedisModule_CloseKey(target->key);
    if (!changed) return;
    RedisModule_SignalModifiedKey(ctx, target->name);
    RedisModule_ReplicateVerbatim(ctx);
    RedisModule_NotifyKeyspaceEvent(ctx, REDISMODULE_NOTIFY_GENERIC, event, target->name);
}
