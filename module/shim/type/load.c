/* Loading: what another server, an earlier version or a lie has written. Every length and number is checked; what
 * cannot be a machine is refused with one line in the log. */
#include <string.h>

#include "engine/engine.h"
#include "machine/machine.h"
#include "reply/text.h"
#include "type/stored.h"
#include "type/type.h"
#include "version.h"

/* While loading: the definitions and nodes that the snapshot has numbered so far. Their definitions are retained until
 * the load has ended (each node retains its own: a file that lies may number a node of a definition that it does not
 * number). */
static bool loading;

static struct loaded {
    void **items;
    size_t count, room;
} loaded_definitions, loaded_nodes;

static void add(struct loaded *loaded, void *item) {
    if (loaded->count == loaded->room) {
        loaded->room = loaded->room ? loaded->room * 2 : 64;
        loaded->items = RedisModule_Realloc(loaded->items, loaded->room * sizeof(*loaded->items));
    }
    loaded->items[loaded->count++] = item;
}

static void forget(struct loaded *loaded) {
    RedisModule_Free(loaded->items);
    memset(loaded, 0, sizeof(*loaded));
}

void sm_load_event(uint64_t subevent) {
    for (size_t i = 0; i < loaded_definitions.count; i++) sm_definition_release(loaded_definitions.items[i]);
    for (size_t i = 0; i < loaded_nodes.count; i++)
        sm_definition_release(((sm_node *)loaded_nodes.items[i])->details->definition);
    forget(&loaded_definitions);
    forget(&loaded_nodes);
    loading = subevent == REDISMODULE_SUBEVENT_LOADING_RDB_START ||
              subevent == REDISMODULE_SUBEVENT_LOADING_AOF_START ||
              subevent == REDISMODULE_SUBEVENT_LOADING_REPL_START;
}

/* ---- pieces ---- */

static bool load_string(RedisModuleIO *rdb, sm_bytes *string) {
    string->ptr = RedisModule_LoadStringBuffer(rdb, &string->len);
    return string->ptr && !RedisModule_IsIOError(rdb);
}

static void free_string(sm_bytes string) {
    if (string.ptr) RedisModule_Free((void *)(uintptr_t)string.ptr);
}

static const sm_bytes no_more = {"", 0};

static void *refuse(RedisModuleIO *rdb, const char *what, sm_bytes why) {
    RedisModule_LogIOError(rdb, "warning", "cannot load a state machine: %s%s%.*s", what, why.len ? ": " : "",
                           (int)(why.len < 300 ? why.len : 300), why.ptr ? why.ptr : "");
    return NULL;
}

/* What a primary or this server before a restart accepted is taken; a RESTORE by a client is held to the limits.
 * Inside RESTORE the context knows no client, so it cannot say who sent it; but on a replica the primary did. */
static bool accepted_before(RedisModuleIO *rdb) {
    RedisModuleCtx *ctx = RedisModule_GetContextFromIO(rdb);

    if (loading) return true;
    return ctx && (sm_accepted_before(ctx) || (RedisModule_GetContextFlags(ctx) & REDISMODULE_CTX_FLAGS_SLAVE));
}

/* ---- version 1 ---- */

static void *load_rust(RedisModuleIO *rdb) {
    sm_bytes document;
    sm_outcome outcome;
    sm_machine *machine = NULL;

    if (!load_string(rdb, &document)) {
        free_string(document);
        return refuse(rdb, "the document is cut short", no_more);
    }
    if (sm_engine_document(document, accepted_before(rdb), &outcome) == SM_TAKEN)
        machine = sm_machine_new(outcome.node, outcome.has_reason ? &outcome.reason : NULL);
    else
        refuse(rdb, "version 1", outcome.error);
    sm_outcome_release(&outcome);
    free_string(document);
    return machine;
}

/* ---- version 2 ---- */

/* The definition of a machine that is loading, retained; NULL after a line in the log. */
static sm_definition *load_definition(RedisModuleIO *rdb, bool here) {
    uint64_t number = RedisModule_LoadUnsigned(rdb);
    sm_definition *definition = NULL;
    sm_bytes canonical;
    sm_outcome outcome;

    if (RedisModule_IsIOError(rdb)) return refuse(rdb, "its number is cut short", no_more);
    if (!here) {
        if (!loading || !number || number > loaded_definitions.count)
            return refuse(rdb, "it refers to an unknown definition", no_more);
        definition = loaded_definitions.items[number - 1];
        sm_definition_retain(definition);
        return definition;
    }
    if (number && (!loading || number != loaded_definitions.count + 1))
        return refuse(rdb, "its definition is out of order", no_more);
    if (!load_string(rdb, &canonical)) {
        free_string(canonical);
        return refuse(rdb, "the definition is cut short", no_more);
    }
    if (sm_engine_definition(canonical, accepted_before(rdb), &outcome) == SM_TAKEN) {
        definition = outcome.definition;
        sm_definition_retain(definition);
        if (number) {
            sm_definition_retain(definition);
            add(&loaded_definitions, definition);
        }
    } else {
        refuse(rdb, "its definition", outcome.error);
    }
    sm_outcome_release(&outcome);
    free_string(canonical);
    return definition;
}

/* The node of a machine that is loading, its definition retained; NULL after a line in the log. */
static sm_node *load_node(RedisModuleIO *rdb, uint64_t number, uint64_t flags) {
    sm_definition *definition;
    sm_bytes configuration;
    sm_outcome outcome;
    sm_node *node = NULL;

    if (!(flags & SM_FLAG_NODE)) {
        if (!loading || !number || number > loaded_nodes.count)
            return refuse(rdb, "it refers to an unknown configuration", no_more);
        node = loaded_nodes.items[number - 1];
        sm_definition_retain(node->details->definition);
        return node;
    }
    if (number && (!loading || number != loaded_nodes.count + 1))
        return refuse(rdb, "its configuration is out of order", no_more);
    definition = load_definition(rdb, flags & SM_FLAG_DEFINITION);
    if (!definition) return NULL;
    if (!load_string(rdb, &configuration)) {
        refuse(rdb, "the configuration is cut short", no_more);
    } else {
        if (sm_engine_node(definition, configuration, accepted_before(rdb), &outcome) == SM_TAKEN) node = outcome.node;
        else refuse(rdb, "its configuration", outcome.error);
        sm_outcome_release(&outcome);
    }
    if (node && number) {
        sm_definition_retain(definition);
        add(&loaded_nodes, node);
    }
    free_string(configuration);
    if (!node) sm_definition_release(definition);
    return node;
}

static void *load_numbered(RedisModuleIO *rdb) {
    uint64_t word = RedisModule_LoadUnsigned(rdb), flags = word % SM_FLAGS;
    sm_node *node;
    sm_bytes reason = {NULL, 0};
    sm_machine *machine = NULL;

    if (RedisModule_IsIOError(rdb) || (flags & (SM_FLAG_NODE | SM_FLAG_DEFINITION)) == SM_FLAG_DEFINITION)
        return refuse(rdb, "its flags are cut short or unknown", no_more);
    node = load_node(rdb, word / SM_FLAGS, flags);
    if (!node) return NULL;
    if ((flags & SM_FLAG_REASON) && !load_string(rdb, &reason)) {
        refuse(rdb, "the reason is cut short", no_more);
    } else if (reason.len > UINT32_MAX) {
        refuse(rdb, "the reason is too long", no_more);
    } else if ((flags & SM_FLAG_REASON) && sm_utf8_fault(reason) != reason.len) {
        refuse(rdb, "the reason is not UTF-8", no_more);
    } else {
        machine = sm_machine_new(node, flags & SM_FLAG_REASON ? &reason : NULL);
    }
    sm_definition_release(node->details->definition);
    free_string(reason);
    return machine;
}

void *sm_rdb_load(RedisModuleIO *rdb, int encver) {
    if (encver == SM_VERSION_RUST) return load_rust(rdb);
    if (encver == SM_VERSION_NUMBERED) return load_numbered(rdb);
    RedisModule_LogIOError(rdb, "warning", "a state machine of encoding version %d; this module (%s) knows up to %d",
                           encver, sm_version, SM_VERSION_NEWEST);
    return NULL;
}
