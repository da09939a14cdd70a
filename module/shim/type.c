/* The data type: how a machine is saved, loaded, rewritten, digested, weighed, copied and freed.
 *
 * No Python here but for rdb_load of a definition or a configuration that has not been seen: the server calls
 * rdb_save and aof_rewrite in forked children and free on other threads.
 *
 * Encoding versions:
 *   1  (the module written in Rust)  string: JSON document with current, map, initial, reason
 *   2  unsigned: 8 times the node's number in this snapshot, counted from 1 (0 outside a snapshot), plus flags,
 *                1: a reason follows, 2: the node is here, 4: the definition is here
 *      unsigned: the definition's number in this snapshot, likewise, where flag 2 is set
 *      string: its canonical document, where flag 4 is set
 *      string: the configuration, as the engine encodes it, where flag 2 is set
 *      string: the reason, where flag 1 is set
 *
 * A snapshot (RDB file, full sync, AOF preamble) carries each definition and each node once, with the first machine
 * that uses it; later machines are the node's number. A DUMP, MIGRATE or slot move carries them each time, with
 * number 0.
 *
 * Left out: aux_load, aux_save, aux_save2 (nothing lives outside keys), unlink (free does all), mem_usage2,
 * free_effort2, unlink2, copy2 (neither the key's name nor the database matters). */
#include <string.h>

#include "shim.h"

enum { VERSION_RUST = 1, VERSION_NUMBERED = 2, VERSION_NEWEST = VERSION_NUMBERED };
enum { FLAG_REASON = 1, FLAG_NODE = 2, FLAG_DEFINITION = 4, FLAGS = 8 };

RedisModuleType *sm_type;

/* ---- snapshots ---- */

/* While saving: in the process that saves, from the server's start event to its end event. */
static bool saving;

/* The numbers that this snapshot has given, by place; 0: none yet. Beside the definitions and nodes, not in them: a
 * forked child that wrote there would copy all their pages. */
static struct numbers {
    uint32_t *of, last;
    size_t places;
} definition_numbers, node_numbers;

static void numbers_begin(struct numbers *numbers, size_t places) {
    RedisModule_Free(numbers->of);
    *numbers = (struct numbers){RedisModule_Calloc(places ? places : 1, sizeof(uint32_t)), 0, places};
}

static void numbers_end(struct numbers *numbers) {
    RedisModule_Free(numbers->of);
    memset(numbers, 0, sizeof(*numbers));
}

/* The number of what is at a place, given now where it had none; `known` says which. 0 outside a snapshot. */
static uint64_t number_of(struct numbers *numbers, size_t place, bool *known) {
    *known = saving && place < numbers->places && numbers->of[place];
    if (!saving || place >= numbers->places || numbers->last == UINT32_MAX) return *known ? numbers->of[place] : 0;
    if (!*known) numbers->of[place] = ++numbers->last;
    return numbers->of[place];
}

static void on_persistence(RedisModuleCtx *ctx, RedisModuleEvent event, uint64_t subevent, void *data) {
    (void)ctx, (void)event, (void)data;
    switch (subevent) {
    case REDISMODULE_SUBEVENT_PERSISTENCE_RDB_START:
    case REDISMODULE_SUBEVENT_PERSISTENCE_AOF_START:
    case REDISMODULE_SUBEVENT_PERSISTENCE_SYNC_RDB_START:
    case REDISMODULE_SUBEVENT_PERSISTENCE_SYNC_AOF_START:
        saving = true;
        numbers_begin(&definition_numbers, sm_definitions_count());
        numbers_begin(&node_numbers, sm_slab_places());
        break;
    case REDISMODULE_SUBEVENT_PERSISTENCE_ENDED:
    case REDISMODULE_SUBEVENT_PERSISTENCE_FAILED:
        saving = false;
        numbers_end(&definition_numbers);
        numbers_end(&node_numbers);
    }
}

/* While loading: the definitions and nodes that have come, by number. Their definitions are held until the load has
 * ended (each node holds its own: a file that lies may number a node of a definition that it does not number). */
static bool loading;

static struct came {
    void **items;
    size_t count, room;
} came_definitions, came_nodes;

static void came_add(struct came *came, void *item) {
    if (came->count == came->room) {
        came->room = came->room ? came->room * 2 : 64;
        came->items = RedisModule_Realloc(came->items, came->room * sizeof(*came->items));
    }
    came->items[came->count++] = item;
}

static void came_forget(struct came *came) {
    RedisModule_Free(came->items);
    memset(came, 0, sizeof(*came));
}

static void on_loading(RedisModuleCtx *ctx, RedisModuleEvent event, uint64_t subevent, void *data) {
    (void)ctx, (void)event, (void)data;
    for (size_t i = 0; i < came_definitions.count; i++) sm_definition_release(came_definitions.items[i]);
    for (size_t i = 0; i < came_nodes.count; i++)
        sm_definition_release(((sm_node *)came_nodes.items[i])->details->definition);
    came_forget(&came_definitions);
    came_forget(&came_nodes);
    loading = subevent == REDISMODULE_SUBEVENT_LOADING_RDB_START || subevent == REDISMODULE_SUBEVENT_LOADING_AOF_START ||
              subevent == REDISMODULE_SUBEVENT_LOADING_REPL_START;
}

static void on_cron(RedisModuleCtx *ctx, RedisModuleEvent event, uint64_t subevent, void *data) {
    (void)ctx, (void)event, (void)subevent, (void)data;
    sm_memo_tick();
}

/* ---- save ---- */

static void rdb_save(RedisModuleIO *rdb, void *value) {
    const sm_details *node = sm_machine_node(value)->details;
    const sm_definition *definition = node->definition;
    sm_bytes reason;
    bool has_reason = sm_machine_reason(value, &reason), known_node, known_definition = true;
    uint64_t node_number = number_of(&node_numbers, sm_slab_place(node), &known_node);
    uint64_t number = known_node ? 0 : number_of(&definition_numbers, definition->index, &known_definition);
    uint64_t flags = (has_reason ? FLAG_REASON : 0) | (known_node ? 0 : FLAG_NODE) |
                     (known_definition ? 0 : FLAG_DEFINITION);

    RedisModule_SaveUnsigned(rdb, node_number * FLAGS + flags);
    if (!known_node) {
        RedisModule_SaveUnsigned(rdb, number);
        if (!known_definition) RedisModule_SaveStringBuffer(rdb, definition->item.key, definition->item.key_len);
        RedisModule_SaveStringBuffer(rdb, node->item.key, node->item.key_len);
    }
    if (has_reason) RedisModule_SaveStringBuffer(rdb, reason.ptr, reason.len);
}

static void aof_rewrite(RedisModuleIO *aof, RedisModuleString *key, void *value) {
    size_t len;
    char *document = sm_document_render(value, &len);

    RedisModule_EmitAOF(aof, "SM.SET", "sb", key, document, len);
    RedisModule_Free(document);
}

/* ---- load ---- */

static bool load_string(RedisModuleIO *rdb, sm_bytes *string) {
    string->ptr = RedisModule_LoadStringBuffer(rdb, &string->len);
    return string->ptr && !RedisModule_IsIOError(rdb);
}

static void free_string(sm_bytes string) {
    if (string.ptr) RedisModule_Free((void *)(uintptr_t)string.ptr);
}

static void *refuse(RedisModuleIO *rdb, const char *what, sm_bytes why) {
    RedisModule_LogIOError(rdb, "warning", "cannot load a state machine: %s%s%.*s", what, why.len ? ": " : "",
                           (int)(why.len < 300 ? why.len : 300), why.ptr ? why.ptr : "");
    return NULL;
}

static const sm_bytes no_more = {"", 0};

/* What a primary or this server before a restart accepted is taken; a RESTORE by a client is held to the limits.
 * Inside RESTORE the context knows no client, so it cannot say who sent it; but on a replica the primary did. */
static bool accepted_before(RedisModuleIO *rdb) {
    RedisModuleCtx *ctx = RedisModule_GetContextFromIO(rdb);

    if (loading) return true;
    return ctx && (sm_accepted_before(ctx) || (RedisModule_GetContextFlags(ctx) & REDISMODULE_CTX_FLAGS_SLAVE));
}

static void *load_rust(RedisModuleIO *rdb) {
    sm_definition *definition = NULL;
    sm_bytes document;
    sm_answer answer;
    sm_machine *machine = NULL;
    enum sm_outcome outcome;

    if (!load_string(rdb, &document)) {
        free_string(document);
        return refuse(rdb, "the document is cut short", no_more);
    }
    outcome = sm_engine_document(document, accepted_before(rdb), &definition, &answer);
    if (outcome == SM_TAKEN) {
        machine = sm_machine_new(answer.node, answer.has_reason ? &answer.reason : NULL);
        sm_definition_release(definition);
    } else {
        if (outcome == SM_STRAY) sm_definition_release(definition);
        refuse(rdb, "version 1", answer.error);
    }
    sm_answer_release(&answer);
    free_string(document);
    return machine;
}

/* The definition of a machine that is loading, held; NULL after a line in the log. */
static sm_definition *load_definition(RedisModuleIO *rdb, bool here) {
    uint64_t number = RedisModule_LoadUnsigned(rdb);
    sm_definition *definition = NULL;
    sm_bytes canonical;
    sm_answer answer;
    enum sm_outcome outcome;

    if (RedisModule_IsIOError(rdb)) return refuse(rdb, "its number is cut short", no_more);
    if (!here) {
        if (!loading || !number || number > came_definitions.count)
            return refuse(rdb, "it names a definition that has not come", no_more);
        definition = came_definitions.items[number - 1];
        sm_definition_hold(definition);
        return definition;
    }
    if (number && (!loading || number != came_definitions.count + 1))
        return refuse(rdb, "its definition is out of order", no_more);
    if (!load_string(rdb, &canonical)) {
        free_string(canonical);
        return refuse(rdb, "the definition is cut short", no_more);
    }
    outcome = sm_engine_definition(canonical, accepted_before(rdb), &definition, &answer);
    if (outcome != SM_TAKEN) {
        definition = refuse(rdb, "its definition", answer.error);
    } else if (number) {
        sm_definition_hold(definition);
        came_add(&came_definitions, definition);
    }
    sm_answer_release(&answer);
    free_string(canonical);
    return definition;
}

/* The node of a machine that is loading, its definition held; NULL after a line in the log. */
static sm_node *load_node(RedisModuleIO *rdb, uint64_t number, uint64_t flags) {
    sm_definition *definition;
    sm_bytes configuration;
    sm_answer answer;
    sm_node *node = NULL;

    if (!(flags & FLAG_NODE)) {
        if (!loading || !number || number > came_nodes.count)
            return refuse(rdb, "it names a state that has not come", no_more);
        node = came_nodes.items[number - 1];
        sm_definition_hold(node->details->definition);
        return node;
    }
    if (number && (!loading || number != came_nodes.count + 1))
        return refuse(rdb, "its state is out of order", no_more);
    definition = load_definition(rdb, flags & FLAG_DEFINITION);
    if (!definition) return NULL;
    if (!load_string(rdb, &configuration)) {
        refuse(rdb, "the configuration is cut short", no_more);
    } else {
        if (sm_engine_node(definition, configuration, accepted_before(rdb), &answer) == SM_TAKEN) node = answer.node;
        else refuse(rdb, "its configuration", answer.error);
        sm_answer_release(&answer);
    }
    if (node && number) {
        sm_definition_hold(definition);
        came_add(&came_nodes, node);
    }
    free_string(configuration);
    if (!node) sm_definition_release(definition);
    return node;
}

static void *load_numbered(RedisModuleIO *rdb) {
    uint64_t word = RedisModule_LoadUnsigned(rdb), flags = word % FLAGS;
    sm_node *node;
    sm_bytes reason = {NULL, 0};
    sm_machine *machine = NULL;

    if (RedisModule_IsIOError(rdb) || (flags & (FLAG_NODE | FLAG_DEFINITION)) == FLAG_DEFINITION)
        return refuse(rdb, "its flags are cut short or unknown", no_more);
    node = load_node(rdb, word / FLAGS, flags);
    if (!node) return NULL;
    if ((flags & FLAG_REASON) && !load_string(rdb, &reason)) {
        refuse(rdb, "the reason is cut short", no_more);
    } else if (reason.len > UINT32_MAX) {
        refuse(rdb, "the reason is too long", no_more);
    } else if ((flags & FLAG_REASON) && sm_utf8_fault(reason) != reason.len) {
        refuse(rdb, "the reason is not UTF-8", no_more);
    } else {
        machine = sm_machine_new(node, flags & FLAG_REASON ? &reason : NULL);
    }
    sm_definition_release(node->details->definition);
    free_string(reason);
    return machine;
}

static void *rdb_load(RedisModuleIO *rdb, int encver) {
    if (encver == VERSION_RUST) return load_rust(rdb);
    if (encver == VERSION_NUMBERED) return load_numbered(rdb);
    RedisModule_LogIOError(rdb, "warning", "a state machine of encoding version %d; this module (%s) knows up to %d",
                           encver, sm_version, VERSION_NEWEST);
    return NULL;
}

/* ---- the rest ---- */

static size_t mem_usage(const void *value) {
    const sm_definition *definition = sm_machine_node(value)->details->definition;
    uint64_t sharers = sm_tally_count(&definition->machines);

    return sm_machine_bytes(value) + definition->bytes / (sharers ? (size_t)sharers : 1);
}

static void digest(RedisModuleDigest *md, void *value) {
    const sm_details *details = sm_machine_node(value)->details;
    const sm_item *node = &details->item, *definition = &details->definition->item;
    sm_bytes reason;
    bool has_reason = sm_machine_reason(value, &reason);

    RedisModule_DigestAddStringBuffer(md, definition->key, definition->key_len);
    RedisModule_DigestAddStringBuffer(md, node->key, node->key_len);
    RedisModule_DigestAddStringBuffer(md, has_reason ? "+" : "-", 1);
    if (has_reason) RedisModule_DigestAddStringBuffer(md, reason.ptr, reason.len);
    RedisModule_DigestEndSequence(md);
}

static void free_value(void *value) {
    sm_machine_free(value);
}

static size_t free_effort(RedisModuleString *key, const void *value) {
    (void)key, (void)value;
    return 1;
}

static void *copy(RedisModuleString *from, RedisModuleString *to, const void *value) {
    sm_bytes reason;

    (void)from, (void)to;
    return sm_machine_new(sm_machine_node(value), sm_machine_reason(value, &reason) ? &reason : NULL);
}

/* Definitions and nodes are shared and pointed to from many places: they stay where they are. */
static int defrag(RedisModuleDefragCtx *ctx, RedisModuleString *key, void **value) {
    (void)key;
    *value = sm_machine_defrag(*value, ctx);
    return 0;
}

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
        .rdb_load = rdb_load,
        .rdb_save = rdb_save,
        .aof_rewrite = aof_rewrite,
        .mem_usage = mem_usage,
        .digest = digest,
        .free = free_value,
        .free_effort = free_effort,
        .copy = copy,
        .defrag = defrag,
    };

    sm_type = RedisModule_CreateDataType(ctx, SM_TYPE_NAME, VERSION_NEWEST, &methods);
    RedisModule_SetModuleOptions(ctx, options());
    return sm_type != NULL;
}

/* The last step of loading that may fail: servers before 7.2.4 go on calling a module that did not load. */
bool sm_type_listen(RedisModuleCtx *ctx) {
    return RedisModule_SubscribeToServerEvent(ctx, (RedisModuleEvent){REDISMODULE_EVENT_PERSISTENCE, 1},
                                              on_persistence) == REDISMODULE_OK &&
           RedisModule_SubscribeToServerEvent(ctx, (RedisModuleEvent){REDISMODULE_EVENT_LOADING, 1}, on_loading) ==
               REDISMODULE_OK &&
           RedisModule_SubscribeToServerEvent(ctx, (RedisModuleEvent){REDISMODULE_EVENT_CRON_LOOP, 1}, on_cron) ==
               REDISMODULE_OK;
}
