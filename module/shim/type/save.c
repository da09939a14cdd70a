/* Saving: C over bytes that definitions and nodes hold, as it mostly runs in a forked child, where Python must not be
 * entered. */
#include <string.h>

#include "machine/machine.h"
#include "type/stored.h"

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

void sm_save_event(uint64_t subevent) {
    switch (subevent) {
    case REDISMODULE_SUBEVENT_PERSISTENCE_RDB_START:
    case REDISMODULE_SUBEVENT_PERSISTENCE_AOF_START:
    case REDISMODULE_SUBEVENT_PERSISTENCE_SYNC_RDB_START:
    case REDISMODULE_SUBEVENT_PERSISTENCE_SYNC_AOF_START:
        saving = true;
        numbers_begin(&definition_numbers, sm_memo_counts.definitions);
        numbers_begin(&node_numbers, sm_slab_places());
        break;
    case REDISMODULE_SUBEVENT_PERSISTENCE_ENDED:
    case REDISMODULE_SUBEVENT_PERSISTENCE_FAILED:
        saving = false;
        numbers_end(&definition_numbers);
        numbers_end(&node_numbers);
    }
}

/* ---- the rest ---- */

static uint64_t rest_count(const sm_data *data) {
    uint64_t count = data->revision != 0;

    for (int number = SM_REST_CONTEXT; number < SM_REST_PARTS; number++)
        count += data->parts[sm_rest_part[number]].ptr != NULL;
    return count;
}

static void save_rest(RedisModuleIO *rdb, const sm_data *data) {
    char revision[SM_REVISION_BYTES];

    RedisModule_SaveUnsigned(rdb, rest_count(data));
    if (data->revision) {
        for (int i = 0; i < SM_REVISION_BYTES; i++) revision[i] = (char)(data->revision >> (8 * i));
        RedisModule_SaveUnsigned(rdb, SM_REST_REVISION);
        RedisModule_SaveStringBuffer(rdb, revision, sizeof(revision));
    }
    for (int number = SM_REST_CONTEXT; number < SM_REST_PARTS; number++) {
        sm_bytes part = data->parts[sm_rest_part[number]];

        if (!part.ptr) continue;
        RedisModule_SaveUnsigned(rdb, (uint64_t)number);
        RedisModule_SaveStringBuffer(rdb, part.ptr, part.len);
    }
}

void sm_rdb_save(RedisModuleIO *rdb, void *value) {
    const sm_details *node = sm_machine_node(value)->details;
    const sm_definition *definition = node->definition;
    sm_data data;
    sm_bytes reason;
    bool known_node, known_definition = true;
    uint64_t node_number = number_of(&node_numbers, sm_slab_place(node), &known_node);
    uint64_t number = known_node ? 0 : number_of(&definition_numbers, definition->index, &known_definition);
    uint64_t flags = (known_node ? 0 : SM_FLAG_NODE) | (known_definition ? 0 : SM_FLAG_DEFINITION);

    sm_machine_data(value, &data);
    reason = data.parts[SM_PART_REASON];
    if (reason.ptr) flags |= SM_FLAG_REASON;
    if (rest_count(&data)) flags |= SM_FLAG_REST;
    RedisModule_SaveUnsigned(rdb, node_number * SM_FLAGS + flags);
    if (!known_node) {
        RedisModule_SaveUnsigned(rdb, number);
        if (!known_definition) RedisModule_SaveStringBuffer(rdb, definition->item.key, definition->item.key_len);
        RedisModule_SaveStringBuffer(rdb, node->item.key, node->item.key_len);
    }
    if (reason.ptr) RedisModule_SaveStringBuffer(rdb, reason.ptr, reason.len);
    if (flags & SM_FLAG_REST) save_rest(rdb, &data);
}
