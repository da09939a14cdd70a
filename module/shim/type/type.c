/* The data type's callbacks: how a machine is rewritten, digested, weighed, copied and freed; stored.h has the format.
 *
 * No Python here but for loading a definition or a configuration that has not been seen: the server saves and rewrites
 * in forked children and frees on other threads.
 *
 * Left out: aux_load, aux_save, aux_save2 (nothing lives outside keys), unlink (free does all), mem_usage2,
 * free_effort2 (neither the key's name nor the database matters). */
#include "type/type.h"

#include "machine/machine.h"
#include "reply/documents.h"
#include "timers/timers.h"
#include "type/applied.h"
#include "type/stored.h"

static const char type_name[] = "StateType";

RedisModuleType *sm_type;

/* ---- callbacks ---- */

static void aof_rewrite(RedisModuleIO *aof, RedisModuleString *key, void *value) {
    bool keeps = sm_machine_keeps(value);
    sm_applied applied;
    sm_data data;
    size_t len;
    char *bytes;

    if (keeps) {
        sm_machine_data(value, &data);
        applied = sm_applied_machine(sm_machine_node(value), &data, SM_EVENT_SET);
        bytes = sm_applied_write(&applied, &len);
    } else {
        bytes = sm_document_render(value, &len);
    }
    RedisModule_EmitAOF(aof, keeps ? "SM.APPLY" : "SM.SET", "sb", key, bytes, len);
    RedisModule_Free(bytes);
}

static size_t mem_usage(const void *value) {
    const sm_definition *definition = sm_machine_node(value)->details->definition;
    uint64_t sharers = sm_tally_count(&definition->machines);

    return sm_machine_bytes(value) + definition->bytes / (sharers ? (size_t)sharers : 1);
}

static void digest(RedisModuleDigest *md, void *value) {
    const sm_details *details = sm_machine_node(value)->details;
    const sm_item *node = &details->item, *definition = &details->definition->item;
    sm_data data;

    sm_machine_data(value, &data);
    RedisModule_DigestAddStringBuffer(md, definition->key, definition->key_len);
    RedisModule_DigestAddStringBuffer(md, node->key, node->key_len);
    for (int part = 0; part < (sm_machine_keeps(value) ? SM_PARTS : SM_PART_REASON + 1); part++) {
        RedisModule_DigestAddStringBuffer(md, data.parts[part].ptr ? "+" : "-", 1);
        if (data.parts[part].ptr) RedisModule_DigestAddStringBuffer(md, data.parts[part].ptr, data.parts[part].len);
    }
    if (data.revision) RedisModule_DigestAddStringBuffer(md, (const char *)&data.revision, sizeof(data.revision));
    RedisModule_DigestEndSequence(md);
}

static void free_value(void *value) {
    sm_machine_free(value);
}

/* On the main thread, whenever a key loses its value but for FLUSHDB and FLUSHALL. */
static void unlink_value(RedisModuleKeyOptCtx *ctx, const void *value) {
    const RedisModuleString *name;
    sm_data data;
    sm_bytes key;

    if (!sm_machine_waits(value)) return;
    sm_machine_data(value, &data);
    if (!data.parts[SM_PART_TIMERS].ptr || !(name = RedisModule_GetKeyNameFromOptCtx(ctx))) return;
    key.ptr = RedisModule_StringPtrLen(name, &key.len);
    sm_timers_left(RedisModule_GetDbIdFromOptCtx(ctx), key, (sm_machine *)(uintptr_t)value);
}

static size_t free_effort(RedisModuleString *key, const void *value) {
    (void)key, (void)value;
    return 1;
}

/* What it may replace is removed later: servers that tell of the copy do so then. */
static void *copy(RedisModuleKeyOptCtx *ctx, const void *value) {
    const RedisModuleString *name = RedisModule_GetToKeyNameFromOptCtx(ctx);
    sm_machine *machine = sm_machine_copy(value);
    sm_bytes key;

    if (name && sm_machine_waits(machine)) {
        key.ptr = RedisModule_StringPtrLen(name, &key.len);
        sm_timers_note(RedisModule_GetToDbIdFromOptCtx(ctx), key, machine);
    }
    return machine;
}

/* Definitions and nodes are shared and pointed to from many places: they stay where they are. */
static int defrag(RedisModuleDefragCtx *ctx, RedisModuleString *key, void **value) {
    (void)key;
    *value = sm_machine_defrag(*value, ctx);
    return 0;
}

/* ---- events ---- */

static void on_persistence(RedisModuleCtx *ctx, RedisModuleEvent event, uint64_t subevent, void *data) {
    (void)ctx, (void)event, (void)data;
    sm_save_event(subevent);
}

static void on_loading(RedisModuleCtx *ctx, RedisModuleEvent event, uint64_t subevent, void *data) {
    (void)ctx, (void)event, (void)data;
    sm_load_event(subevent);
}

static void on_cron(RedisModuleCtx *ctx, RedisModuleEvent event, uint64_t subevent, void *data) {
    (void)ctx, (void)event, (void)subevent, (void)data;
    sm_memo_tick();
    sm_timers_check();
}

static bool listen_to(RedisModuleCtx *ctx, uint64_t event, RedisModuleEventCallback callback) {
    return RedisModule_SubscribeToServerEvent(ctx, (RedisModuleEvent){event, 1}, callback) == REDISMODULE_OK;
}

bool sm_type_listen(RedisModuleCtx *ctx) {
    return listen_to(ctx, REDISMODULE_EVENT_PERSISTENCE, on_persistence) &&
           listen_to(ctx, REDISMODULE_EVENT_LOADING, on_loading) &&
           listen_to(ctx, REDISMODULE_EVENT_CRON_LOOP, on_cron);
}

/* ---- registration ---- */

/* All that a machine is, its key holds: a slot that moves takes all along, whether its keys are sent as dumps or, as
 * Valkey does when it moves a slot at once, as what aof_rewrite emits. */
static int options(void) {
    return REDISMODULE_OPTIONS_HANDLE_IO_ERRORS | REDISMODULE_OPTION_NO_IMPLICIT_SIGNAL_MODIFIED |
           REDISMODULE_OPTIONS_HANDLE_REPL_ASYNC_LOAD |
           (redis_api_is_valkey ? VALKEYMODULE_OPTIONS_HANDLE_ATOMIC_SLOT_MIGRATION : 0);
}

bool sm_type_register(RedisModuleCtx *ctx) {
    RedisModuleTypeMethods methods = {
        .version = REDISMODULE_TYPE_METHOD_VERSION,
        .rdb_load = sm_rdb_load,
        .rdb_save = sm_rdb_save,
        .aof_rewrite = aof_rewrite,
        .mem_usage = mem_usage,
        .digest = digest,
        .free = free_value,
        .free_effort = free_effort,
        .copy2 = copy,
        .defrag = defrag,
        .unlink2 = unlink_value,
    };

    sm_type = RedisModule_CreateDataType(ctx, type_name, SM_VERSION_NEWEST, &methods);
    RedisModule_SetModuleOptions(ctx, options());
    return sm_type != NULL;
}
