/* The index of deadlines: a heap of four ways (Johnson, "Priority queues with update", 1975), since what is compared
 * lies together there, and a hash table by database and key with linear probing (Knuth, The Art of Computer
 * Programming, 6.4, algorithms L and R). The table has places in the heap, and an entry knows its slot in the table, so
 * that each finds the other. A million deadlines may wait: an entry has no byte more than it needs, and the hash of a
 * key is computed again where it is wanted. */
#include "timers/index.h"

#include <string.h>

#include "memo/memo.h"

enum {
    LEAST_ROOM = 16,
    WAYS = 4,
    MOST_SPACES = 1 << 16, /* databases that have deadlines at once; what is noted in more does not fire by itself */
};

#define LATEST (((uint64_t)1 << 44) - 1) /* the year 2527: what is due later fires then */

struct entry {
    uint64_t number;
    uint32_t slot; /* in the table */
    uint32_t len;
    char key[];
};

/* In the heap: what is mostly compared lies there. */
struct item {
    uint64_t ms : 44;
    uint64_t refused : 4;
    uint64_t space : 16;
    struct entry *entry;
};

typedef struct numbers {
    uint32_t *of;
    uint32_t count;
} numbers;

struct sm_timer_index {
    struct item *heap;
    uint32_t count, room;
    uint32_t *table;     /* places in the heap, from 1; 0: free */
    uint32_t mask;       /* the table's size less one: twice the heap's room */
    numbers dbs, spaces; /* of a space its database; of a database its space, from 1. SWAPDB swaps them */
};

/* ---- databases ---- */

static uint32_t *number_at(numbers *list, uint32_t at) {
    if (at >= list->count) {
        list->of = RedisModule_Realloc(list->of, (at + 1) * sizeof(*list->of));
        memset(list->of + list->count, 0, (at + 1 - list->count) * sizeof(*list->of));
        list->count = at + 1;
    }
    return &list->of[at];
}

/* From 1; 0: nothing was ever noted there. */
static uint32_t space_of(const sm_timer_index *index, int db) {
    return db >= 0 && (uint32_t)db < index->spaces.count ? index->spaces.of[db] : 0;
}

/* 0: there are too many. */
static uint32_t make_space(sm_timer_index *index, int db) {
    uint32_t space = space_of(index, db);

    if (space || db < 0 || index->dbs.count == MOST_SPACES) return space;
    space = index->dbs.count + 1;
    *number_at(&index->dbs, space - 1) = (uint32_t)db;
    return *number_at(&index->spaces, (uint32_t)db) = space;
}

static int db_of(const sm_timer_index *index, const struct item *item) {
    return (int)index->dbs.of[item->space];
}

void sm_timer_index_swap(sm_timer_index *index, int first, int second) {
    uint32_t one = make_space(index, first), other = make_space(index, second);

    if (!one || !other) return;
    index->dbs.of[one - 1] = (uint32_t)second;
    index->dbs.of[other - 1] = (uint32_t)first;
    index->spaces.of[first] = other;
    index->spaces.of[second] = one;
}

/* ---- the table ---- */

static uint32_t hash_of(uint32_t space, sm_bytes key) {
    return (uint32_t)sm_hash((const void *)(uintptr_t)space, 0, key);
}

static uint32_t home_of(const sm_timer_index *index, const struct item *item) {
    return hash_of(item->space, (sm_bytes){item->entry->key, item->entry->len}) & index->mask;
}

static bool is_of(const struct item *item, uint32_t space, sm_bytes key) {
    return item->space == space && item->entry->len == key.len && memcmp(item->entry->key, key.ptr, key.len) == 0;
}

/* The slot of a key, or the free one where it would be. */
static uint32_t slot_of(const sm_timer_index *index, uint32_t space, sm_bytes key) {
    uint32_t slot = hash_of(space, key) & index->mask;

    while (index->table[slot] && !is_of(&index->heap[index->table[slot] - 1], space, key))
        slot = (slot + 1) & index->mask;
    return slot;
}

/* Frees a slot. Those behind it that would not be found past it move up. */
static void vacate(sm_timer_index *index, uint32_t gap) {
    for (uint32_t slot = (gap + 1) & index->mask; index->table[slot]; slot = (slot + 1) & index->mask) {
        const struct item *item = &index->heap[index->table[slot] - 1];

        if (((slot - home_of(index, item)) & index->mask) < ((slot - gap) & index->mask)) continue;
        index->table[gap] = index->table[slot];
        item->entry->slot = gap;
        gap = slot;
    }
    index->table[gap] = 0;
}

/* Anew, from the heap. */
static void fill_table(sm_timer_index *index) {
    for (uint32_t place = 0; place < index->count; place++) {
        const struct item *item = &index->heap[place];
        uint32_t slot = home_of(index, item);

        while (index->table[slot]) slot = (slot + 1) & index->mask;
        index->table[slot] = place + 1;
        item->entry->slot = slot;
    }
}

static void resize(sm_timer_index *index, uint32_t room) {
    RedisModule_Free(index->table);
    index->table = RedisModule_Calloc((size_t)room * 2, sizeof(*index->table));
    index->mask = room * 2 - 1;
    index->heap = RedisModule_Realloc(index->heap, room * sizeof(*index->heap));
    index->room = room;
    fill_table(index);
}

/* ---- the heap ---- */

static bool before(const struct item *one, const struct item *other) {
    return one->ms != other->ms ? one->ms < other->ms : one->entry->number < other->entry->number;
}

static void put(sm_timer_index *index, uint32_t place, struct item item) {
    index->heap[place] = item;
    index->table[item.entry->slot] = place + 1;
}

static uint32_t rise(sm_timer_index *index, uint32_t place, struct item item) {
    while (place && before(&item, &index->heap[(place - 1) / WAYS])) {
        put(index, place, index->heap[(place - 1) / WAYS]);
        place = (place - 1) / WAYS;
    }
    return place;
}

static uint32_t sink(sm_timer_index *index, uint32_t place, struct item item) {
    for (;;) {
        uint32_t first = WAYS * place + 1, end = first + WAYS, child = first;

        if (first >= index->count) return place;
        for (uint32_t other = first + 1; other < end && other < index->count; other++)
            if (before(&index->heap[other], &index->heap[child])) child = other;
        if (!before(&index->heap[child], &item)) return place;
        put(index, place, index->heap[child]);
        place = child;
    }
}

/* Puts it where it belongs, from a place that is free. */
static void settle(sm_timer_index *index, uint32_t place, struct item item) {
    put(index, sink(index, rise(index, place, item), item), item);
}

/* ---- all of it ---- */

sm_timer_index *sm_timer_index_new(void) {
    sm_timer_index *index = RedisModule_Calloc(1, sizeof(*index));

    resize(index, LEAST_ROOM);
    return index;
}

void sm_timer_index_free(sm_timer_index *index) {
    sm_timer_index_flush(index, -1);
    RedisModule_Free(index->dbs.of);
    RedisModule_Free(index->spaces.of);
    RedisModule_Free(index->heap);
    RedisModule_Free(index->table);
    RedisModule_Free(index);
}

size_t sm_timer_index_count(const sm_timer_index *index) {
    return index->count;
}

static sm_timer_look look_of(const struct item *item) {
    return (sm_timer_look){item->ms, item->entry->number, item->refused};
}

static const struct item *find(const sm_timer_index *index, int db, sm_bytes key) {
    uint32_t space = space_of(index, db), place = space ? index->table[slot_of(index, space - 1, key)] : 0;

    return place ? &index->heap[place - 1] : NULL;
}

bool sm_timer_index_first(const sm_timer_index *index, int *db, sm_bytes *key, sm_timer_look *look) {
    const struct item *item = index->heap;

    if (!index->count) return false;
    *db = db_of(index, item);
    *key = (sm_bytes){item->entry->key, item->entry->len};
    *look = look_of(item);
    return true;
}

bool sm_timer_index_find(const sm_timer_index *index, int db, sm_bytes key, sm_timer_look *look) {
    const struct item *item = find(index, db, key);

    if (item) *look = look_of(item);
    return item;
}

/* Its place in the heap is the last. */
static struct entry *add(sm_timer_index *index, uint32_t space, sm_bytes key) {
    struct entry *entry;

    if (index->count == index->room) resize(index, index->room * 2);
    entry = RedisModule_Alloc(sizeof(*entry) + key.len);
    entry->len = (uint32_t)key.len;
    entry->slot = slot_of(index, space, key);
    memcpy(entry->key, key.ptr, key.len);
    index->count++;
    return entry;
}

void sm_timer_index_set(sm_timer_index *index, int db, sm_bytes key, const sm_timer_look *look) {
    uint32_t space = make_space(index, db);
    const struct item *known = find(index, db, key);
    struct item item;

    if (!space || key.len >= UINT32_MAX) return;
    item.ms = look->ms < LATEST ? look->ms : LATEST;
    item.refused = look->refused < SM_MOST_REFUSED ? look->refused : SM_MOST_REFUSED;
    item.space = (space - 1) % MOST_SPACES;
    item.entry = known ? known->entry : add(index, space - 1, key);
    item.entry->number = look->number;
    settle(index, known ? (uint32_t)(known - index->heap) : index->count - 1, item);
}

static void remove_at(sm_timer_index *index, uint32_t place) {
    struct entry *entry = index->heap[place].entry;

    vacate(index, entry->slot);
    index->count--;
    if (place < index->count) settle(index, place, index->heap[index->count]);
    RedisModule_Free(entry);
    if (index->room > LEAST_ROOM && index->count < index->room / 8) resize(index, index->room / 2);
}

void sm_timer_index_remove(sm_timer_index *index, int db, sm_bytes key) {
    const struct item *known = find(index, db, key);

    if (known) remove_at(index, (uint32_t)(known - index->heap));
}

void sm_timer_index_remove_first(sm_timer_index *index) {
    if (index->count) remove_at(index, 0);
}

void sm_timer_index_flush(sm_timer_index *index, int db) {
    uint32_t kept = 0, room = index->room;

    for (uint32_t place = 0; place < index->count; place++) {
        const struct item *item = &index->heap[place];

        if (db >= 0 && db_of(index, item) != db) index->heap[kept++] = *item;
        else RedisModule_Free(item->entry);
    }
    index->count = kept;
    if (!kept) index->dbs.count = index->spaces.count = 0;
    while (room > LEAST_ROOM && kept < room / 8) room /= 2;
    resize(index, room);
    for (uint32_t place = kept; place-- > 0;) {
        struct item item = index->heap[place];

        put(index, sink(index, place, item), item);
    }
}
