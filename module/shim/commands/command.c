/* What the SM.* commands share: their arguments, opening and closing the key, and the one end of every write. */
#include "commands/command.h"

/* ---- arguments ---- */

int sm_word(const RedisModuleString *argument, const char *const *words) {
    sm_bytes bytes = sm_bytes_of(argument);

    for (int i = 0; words[i]; i++)
        if (sm_is_word(bytes, words[i])) return i;
    return -1;
}

int sm_reply_unknown_word(RedisModuleCtx *ctx, const RedisModuleString *command, const RedisModuleString *argument,
                          const char *known) {
    return sm_reply_error_about(ctx, "syntax error: ", sm_bytes_of(argument), " is no option of ", sm_bytes_of(command),
                                known);
}

bool sm_accepted_before(RedisModuleCtx *ctx) {
    return RedisModule_GetContextFlags(ctx) & (REDISMODULE_CTX_FLAGS_LOADING | REDISMODULE_CTX_FLAGS_REPLICATED);
}

/* ---- the key ---- */

__attribute__((cold)) bool sm_key_is_empty(RedisModuleCtx *ctx, RedisModuleKey *key) {
    if (!key || RedisModule_KeyType(key) == REDISMODULE_KEYTYPE_EMPTY) return true;
    RedisModule_CloseKey(key);
    RedisModule_ReplyWithError(ctx, REDISMODULE_ERRORMSG_WRONGTYPE);
    return false;
}

__attribute__((cold)) int sm_reply_no_machine(RedisModuleCtx *ctx, const RedisModuleString *name) {
    if (!sm_config.invalid_transition) return RedisModule_ReplyWithNull(ctx);
    return sm_reply_error_about(ctx, "no such key: ", sm_bytes_of(name), "", (sm_bytes){NULL, 0}, "");
}

/* ---- writing ---- */

/* What the key holds from now on. The key is open for writing and has our type: the server cannot refuse. */
static void set_value(sm_open_key *open, sm_machine *machine) {
    int code = open->machine ? RedisModule_ModuleTypeReplaceValue(open->key, sm_type, machine, NULL)
                             : RedisModule_ModuleTypeSetValue(open->key, sm_type, machine);

    if (code != REDISMODULE_OK) RedisModule__Assert("the key takes its value", __FILE__, __LINE__);
    open->machine = machine;
}

bool sm_key_move(sm_open_key *open, sm_node *node, sm_followed *way, const sm_bytes *reason) {
    sm_bytes had;
    bool had_one = sm_machine_reason(open->machine, &had);
    sm_machine *moved;

    if (open->node == node && had_one == (reason != NULL) &&
        (!reason || (had.len == reason->len && memcmp(had.ptr, reason->ptr, had.len) == 0)))
        return false;
    if (way) sm_memo_count_move(open->node, way);
    else sm_machine_count_move(open->node, node);
    moved = sm_machine_move(open->machine, node, reason);
    if (moved != open->machine) set_value(open, moved);
    return true;
}

bool sm_key_store(sm_open_key *open, sm_node *node, const sm_bytes *reason) {
    bool expires;

    if (!open->machine) {
        set_value(open, sm_machine_new(node, reason));
        return true;
    }
    expires = RedisModule_GetExpire(open->key) != REDISMODULE_NO_EXPIRE;
    if (expires) RedisModule_SetExpire(open->key, REDISMODULE_NO_EXPIRE);
    return sm_key_move(open, node, NULL, reason) || expires;
}

/* Replicas and the AOF get the command as it came: the engine answers alike everywhere, and what has been accepted here
 * is not held to another server's limits. WATCH wakes, and the event goes out last: it runs other modules' code, which
 * may delete the key or send commands of its own. The client is answered after all of it. */
void sm_commit(RedisModuleCtx *ctx, RedisModuleString *name, sm_open_key *open, const char *event) {
    sm_key_close(open);
    RedisModule_SignalModifiedKey(ctx, name);
    RedisModule_ReplicateVerbatim(ctx);
    RedisModule_NotifyKeyspaceEvent(ctx, REDISMODULE_NOTIFY_GENERIC, event, name);
}
