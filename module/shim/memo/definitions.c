/* Definitions, interned: as many machines as there are share one. It is given back when its last machine has gone: at
 * once where memory is scarce, else by a sweep, after some seconds in which a machine that is set anew finds it. */
#include <string.h>

#include "memo/internal.h"
#include "python/exports.h" /* and with it the kinds of items */

enum {
    SCARCE_PERCENT = 90, /* of maxmemory */
    FIRST_ROOM = 64,
    SWEPT_PER_DEFINITION = 4,
    SWEEP_PERIOD_TICKS = 20, /* ticks in which all definitions are visited */
    VISITED_PER_TICK = 2048,
    /* Items; at most so many at once, so that no command waits for a large definition. */
    GIVEN_BACK_PER_DEFINITION = 256,
    GIVEN_BACK_PER_TICK = 4096,
    GIVEN_BACK_WITH_A_MACHINE = 16384,
};

static sm_definition **definitions;
static size_t room;
static size_t hand; /* the definition that the sweep visits next */
static size_t due;  /* visits that ticks have earned, times SWEEP_PERIOD_TICKS */

sm_question sm_definition_question(sm_bytes canonical) {
    return sm_question_make(NULL, SM_KIND_DEFINITION, canonical);
}

sm_definition *sm_definition_find(const sm_question *question) {
    return (sm_definition *)sm_table_find(question);
}

static void resize(size_t size) {
    room = size;
    definitions = RedisModule_Realloc(definitions, room * sizeof(*definitions));
}

sm_definition *sm_definition_add(const sm_question *question, size_t split, uint64_t engine, size_t engine_bytes) {
    sm_definition *definition;
    char *at;

    sm_definitions_sweep(SWEPT_PER_DEFINITION, GIVEN_BACK_PER_DEFINITION);
    definition = RedisModule_Calloc(1, sizeof(*definition) + question->key.len);
    at = definition->text;
    definition->engine = engine;
    definition->engine_bytes = engine_bytes;
    definition->split = split;
    definition->bytes = RedisModule_MallocSize(definition) + engine_bytes;
    LIST_INIT(&definition->edges);
    LIST_INIT(&definition->nodes);
    sm_item_add(&definition->item, question, sm_put(&at, question->key));
    if (sm_memo_counts.definitions == room) resize(room ? 2 * room : FIRST_ROOM);
    definition->index = sm_memo_counts.definitions;
    definitions[sm_memo_counts.definitions++] = definition;
    sm_memo_counts.definition_bytes += definition->bytes;
    return definition;
}

void sm_definition_set_outbox(sm_definition *definition, const sm_outbox *outbox) {
    sm_outbox *own = RedisModule_Alloc(sizeof(*own) + outbox->stream.len + outbox->machine.len);
    size_t bytes = RedisModule_MallocSize(own);
    char *at = own->text;

    own->stream = sm_put(&at, outbox->stream);
    own->machine = sm_put(&at, outbox->machine);
    own->maxlen = outbox->maxlen;
    own->steps = outbox->steps;
    definition->outbox = own;
    definition->bytes += bytes;
    sm_memo_counts.definition_bytes += bytes;
}

void sm_definition_weigh(sm_definition *definition, size_t engine_bytes) {
    definition->bytes += engine_bytes - definition->engine_bytes;
    sm_memo_counts.definition_bytes += engine_bytes - definition->engine_bytes;
    definition->engine_bytes = engine_bytes;
}

void sm_definition_retain(sm_definition *definition) {
    definition->references++;
}

void sm_definition_release(sm_definition *definition) {
    definition->references--;
}

/* ---- giving back ---- */

/* The last of all takes its place. */
static void free_definition(sm_definition *definition) {
    sm_definition *last = definitions[--sm_memo_counts.definitions];

    sm_table_remove(&definition->item);
    definitions[definition->index] = last;
    last->index = definition->index;
    if (sm_memo_counts.definitions < room / 4 && room > FIRST_ROOM) resize(room / 2);
    sm_memo_counts.definition_bytes -= RedisModule_MallocSize(definition) + definition->engine_bytes;
    if (definition->outbox) {
        sm_memo_counts.definition_bytes -= RedisModule_MallocSize(definition->outbox);
        RedisModule_Free(definition->outbox);
    }
    sm_python_forget(definition->engine);
    RedisModule_Free(definition);
}

/* Gives back a definition, as far as `items` allows: its edges first, since they count on their nodes. */
static bool give_back(sm_definition *definition, size_t *items) {
    for (; *items; --*items) {
        sm_item *item;

        if ((item = LIST_FIRST(&definition->edges))) {
            sm_edge_free((sm_edge *)item);
        } else if ((item = LIST_FIRST(&definition->nodes))) {
            sm_node_free((sm_details *)item);
        } else {
            free_definition(definition);
            --*items;
            return true;
        }
    }
    return false;
}

static bool has_a_use(const sm_definition *definition) {
    return definition->references || sm_tally_count(&definition->machines);
}

/* A definition that is seen twice without machines is given back. */
void sm_definitions_sweep(size_t visits, size_t items) {
    while (!sm_memo_pins && visits-- && items && sm_memo_counts.definitions) {
        sm_definition *definition = definitions[hand < sm_memo_counts.definitions ? hand : (hand = 0)];
        bool idle = !has_a_use(definition);

        if (idle && definition->idle) {
            give_back(definition, &items);
        } else {
            if (definition->idle != idle) definition->idle = idle; /* a page that is not written is not copied */
            hand++;
        }
    }
}

static bool memory_is_scarce(void) {
    return RedisModule_GetUsedMemoryRatio() * 100 >= SCARCE_PERCENT;
}

/* Where memory is scarce the server may be evicting: it must see the memory of what it evicts come back, now or at the
 * sweep's next visit. */
void sm_definition_machine_gone(sm_definition *definition) {
    size_t items = GIVEN_BACK_WITH_A_MACHINE;

    if (has_a_use(definition) || !memory_is_scarce()) return;
    if (!sm_memo_pins && give_back(definition, &items)) return;
    definition->idle = true;
    hand = definition->index;
}

void sm_memo_tick(void) {
    size_t visits;

    if (sm_memo_pins) { /* no command is under way */
        RedisModule_Log(NULL, "warning", "internal error: %u outcomes were not released", sm_memo_pins);
        sm_memo_pins = 0;
    }
    due += sm_memo_counts.definitions;
    visits = due / SWEEP_PERIOD_TICKS;
    due %= SWEEP_PERIOD_TICKS;
    sm_definitions_sweep(visits < VISITED_PER_TICK ? visits : VISITED_PER_TICK, GIVEN_BACK_PER_TICK);
    sm_memo_evict_at_tick();
    sm_table_settle();
}
