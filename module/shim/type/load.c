/* Loading: what another server, an earlier version or a lie has written. Every length and number is checked; what
 * cannot be a machine is refused with one line in the log. */
#include <stdio.h>
#include <string.h>

#include "engine/engine.h"
#include "machine/machine.h"
#include "reply/text.h"
#include "timers/timers.h"
#include "type/applied.h"
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
    sm_data data = {0};

    if (!load_string(rdb, &document)) {
        free_string(document);
        return refuse(rdb, "the document is cut short", no_more);
    }
    if (sm_engine_document(document, accepted_before(rdb), NULL, &outcome) != SM_TAKEN)
        refuse(rdb, "version 1", outcome.error);
    else if (!outcome.node || outcome.data) /* a flat document says where it stands, and no other was stored so */
        refuse(rdb, "version 1: it is no flat machine", no_more);
    else {
        if (outcome.has_reason) data.parts[SM_PART_REASON] = outcome.reason;
        data.revision = outcome.node->details->definition->counts; /* none was counted then: it is the first */
        machine = sm_machine_new(outcome.node, &data);
    }
    sm_outcome_release(&outcome);
    free_string(document);
    return machine;
}

/* ---- versions 2 and 3 ---- */

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

/* What a machine keeps, and the strings that it points to. */
static void free_data(const sm_data *data) {
    for (int part = 0; part < SM_PARTS; part++) free_string(data->parts[part]);
}

static bool load_reason(RedisModuleIO *rdb, sm_bytes *reason) {
    if (!load_string(rdb, reason)) return refuse(rdb, "the reason is cut short", no_more);
    if (reason->len >= UINT32_MAX) return refuse(rdb, "the reason is too long", no_more);
    if (sm_utf8_fault(*reason) != reason->len) return refuse(rdb, "the reason is not UTF-8", no_more);
    return true;
}

/* ---- the rest, of version 3 ---- */

static bool load_revision(RedisModuleIO *rdb, uint64_t *revision) {
    sm_bytes bytes;
    bool loaded = load_string(rdb, &bytes) && bytes.len == SM_REVISION_BYTES;

    for (size_t i = 0; loaded && i < SM_REVISION_BYTES; i++)
        *revision |= (uint64_t)(unsigned char)bytes.ptr[i] << (8 * i);
    free_string(bytes);
    if (!loaded || !*revision) return refuse(rdb, "its revision is none", no_more);
    if (*revision > SM_LAST_REVISION) return refuse(rdb, SM_ABOVE_LAST_REVISION, no_more);
    return true;
}

static bool load_part(RedisModuleIO *rdb, uint64_t number, sm_bytes *part) {
    char name[32];
    sm_bytes named = {name, (size_t)snprintf(name, sizeof(name), "part %llu", (unsigned long long)number)};

    if (part->ptr) return refuse(rdb, "it has a part twice", named);
    if (!load_string(rdb, part)) return refuse(rdb, "it is cut short", named);
    if (part->len >= UINT32_MAX) return refuse(rdb, "it is too long", named);
    if (sm_rest_part[number] < SM_TEXTS && sm_utf8_fault(*part) != part->len)
        return refuse(rdb, "it is not UTF-8", named);
    return true;
}

static bool load_rest(RedisModuleIO *rdb, sm_data *data) {
    uint64_t count = RedisModule_LoadUnsigned(rdb);

    if (RedisModule_IsIOError(rdb) || !count) return refuse(rdb, "the rest is cut short", no_more);
    while (count--) {
        uint64_t number = RedisModule_LoadUnsigned(rdb);

        if (RedisModule_IsIOError(rdb)) return refuse(rdb, "the rest is cut short", no_more);
        if (!number || number >= SM_REST_PARTS) {
            RedisModule_LogIOError(rdb, "warning", "cannot load a state machine: it keeps a part %llu, which this "
                                   "module (%s) does not know", (unsigned long long)number, sm_version);
            return false;
        }
        if (number == SM_REST_REVISION ? data->revision || !load_revision(rdb, &data->revision)
                                       : !load_part(rdb, number, &data->parts[sm_rest_part[number]]))
            return false;
    }
    return true;
}

static bool admits_waits(RedisModuleIO *rdb, const sm_data *data) {
    sm_outcome outcome;
    bool good = sm_engine_admit_waits(data, &outcome) == SM_TAKEN;

    if (!good) refuse(rdb, "what it waits for", outcome.error);
    sm_outcome_release(&outcome);
    return good;
}

/* The machine of what was loaded. What was not accepted before is the engine's to check. */
static sm_machine *machine_of(RedisModuleIO *rdb, sm_node *node, const sm_data *data) {
    const sm_definition *definition = node->details->definition;
    sm_machine *machine = NULL;
    sm_outcome outcome;
    sm_data admitted = *data;
    const char *fault = sm_lists_admit(node, data);

    if (fault) return refuse(rdb, fault, no_more);
    if (definition->counts != (data->revision != 0)) return refuse(rdb, "its revision is missing, or none", no_more);
    if (accepted_before(rdb) || (!definition->keeps && !sm_data_is_more(data))) return sm_machine_new(node, data);
    if (sm_engine_admit(node, data, &outcome) == SM_TAKEN) {
        memcpy(&admitted.parts[SM_PART_CONTEXT], &outcome.data->parts[SM_PART_CONTEXT],
               (SM_TEXTS - SM_PART_CONTEXT) * sizeof(sm_bytes));
        if (admits_waits(rdb, data)) machine = sm_machine_new(node, &admitted);
    } else {
        refuse(rdb, "what it keeps", outcome.error);
    }
    sm_outcome_release(&outcome);
    return machine;
}

/* Versions 2 and 3. */
static void *load_numbered(RedisModuleIO *rdb, uint64_t all_flags) {
    uint64_t word = RedisModule_LoadUnsigned(rdb), flags = word % all_flags;
    sm_node *node;
    sm_data data = {0};
    sm_machine *machine = NULL;

    if (RedisModule_IsIOError(rdb) || (flags & (SM_FLAG_NODE | SM_FLAG_DEFINITION)) == SM_FLAG_DEFINITION)
        return refuse(rdb, "its flags are cut short or unknown", no_more);
    node = load_node(rdb, word / all_flags, flags);
    if (!node) return NULL;
    if (all_flags == SM_FLAGS_NUMBERED && node->details->definition->counts) data.revision = 1; /* 1.0 counted none */
    if ((!(flags & SM_FLAG_REASON) || load_reason(rdb, &data.parts[SM_PART_REASON])) &&
        (!(flags & SM_FLAG_REST) || load_rest(rdb, &data)))
        machine = machine_of(rdb, node, &data);
    sm_definition_release(node->details->definition);
    free_data(&data);
    return machine;
}

static void *load(RedisModuleIO *rdb, int encver) {
    if (encver == SM_VERSION_RUST) return load_rust(rdb);
    if (encver == SM_VERSION_NUMBERED) return load_numbered(rdb, SM_FLAGS_NUMBERED);
    if (encver == SM_VERSION_DATA) return load_numbered(rdb, SM_FLAGS);
    RedisModule_LogIOError(rdb, "warning", "a state machine of encoding version %d; this module (%s) knows up to %d",
                           encver, sm_version, SM_VERSION_NEWEST);
    return NULL;
}

/* What a snapshot holds comes under its name without an event that may be answered in time. RESTORE has one, for which
 * nobody may have listened yet. */
void *sm_rdb_load(RedisModuleIO *rdb, int encver) {
    sm_machine *machine = load(rdb, encver);
    const RedisModuleString *name;
    sm_bytes key;

    if (!machine || !sm_machine_waits(machine) || !(name = RedisModule_GetKeyNameFromIO(rdb))) return machine;
    key.ptr = RedisModule_StringPtrLen(name, &key.len);
    if (loading) sm_timers_note_loaded(RedisModule_GetDbIdFromIO(rdb), key, machine);
    else sm_timers_note(RedisModule_GetDbIdFromIO(rdb), key, machine);
    return machine;
}
