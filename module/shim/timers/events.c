/* How names are kept true: what the server tells of keys that get their values without a command of the module's. */
#include <string.h>

#include "timers/timers.h"

static RedisModuleType *machine_type;

/* A key has got its value by a command of the server's: RENAME, MOVE, COPY, RESTORE. */
static int on_key(RedisModuleCtx *ctx, int type, const char *event, RedisModuleString *name) {
    static const char *const events[] = {"rename_to", "move_to", "copy_to", "restore"};
    RedisModuleKey *key;

    (void)type;
    if (*event != 'r' && *event != 'm' && *event != 'c') return REDISMODULE_OK; /* most are others */
    for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
        if (strcmp(event, events[i]) != 0) continue;
        key = RedisModule_OpenKey(ctx, name, REDISMODULE_READ | REDISMODULE_OPEN_KEY_NOTOUCH);
        if (key && RedisModule_ModuleTypeGetType(key) == machine_type) {
            sm_bytes bytes;

            bytes.ptr = RedisModule_StringPtrLen(name, &bytes.len);
            sm_timers_note(RedisModule_GetSelectedDb(ctx), bytes, RedisModule_ModuleTypeGetValue(key));
        }
        if (key) RedisModule_CloseKey(key);
    }
    return REDISMODULE_OK;
}

static void on_flush(RedisModuleCtx *ctx, RedisModuleEvent event, uint64_t subevent, void *data) {
    const RedisModuleFlushInfo *info = data;

    (void)ctx, (void)event;
    if (subevent == REDISMODULE_SUBEVENT_FLUSHDB_START) sm_timers_flush(info->dbnum);
}

static void on_swap(RedisModuleCtx *ctx, RedisModuleEvent event, uint64_t subevent, void *data) {
    const RedisModuleSwapDbInfo *info = data;

    (void)ctx, (void)event, (void)subevent;
    sm_timers_swap(info->dbnum_first, info->dbnum_second);
}

static void on_async_load(RedisModuleCtx *ctx, RedisModuleEvent event, uint64_t subevent, void *data) {
    (void)ctx, (void)event, (void)data;
    sm_timers_async_load(subevent == REDISMODULE_SUBEVENT_REPL_ASYNC_LOAD_STARTED     ? SM_ASYNC_LOAD_BEGINS
                         : subevent == REDISMODULE_SUBEVENT_REPL_ASYNC_LOAD_COMPLETED ? SM_ASYNC_LOAD_ENDS
                                                                                      : SM_ASYNC_LOAD_FAILS);
}

static bool listen_to(RedisModuleCtx *ctx, uint64_t event, RedisModuleEventCallback callback) {
    return RedisModule_SubscribeToServerEvent(ctx, (RedisModuleEvent){event, 1}, callback) == REDISMODULE_OK;
}

void sm_timers_listen_to_keys(RedisModuleCtx *ctx) {
    static bool listens;

    if (listens || !sm_names_are_told()) return;
    listens = RedisModule_SubscribeToKeyspaceEvents(ctx, REDISMODULE_NOTIFY_GENERIC, on_key) == REDISMODULE_OK;
}

bool sm_timers_listen(RedisModuleCtx *ctx, RedisModuleType *type) {
    machine_type = type;
    return listen_to(ctx, REDISMODULE_EVENT_FLUSHDB, on_flush) && listen_to(ctx, REDISMODULE_EVENT_SWAPDB, on_swap) &&
           listen_to(ctx, REDISMODULE_EVENT_REPL_ASYNC_LOAD, on_async_load);
}
