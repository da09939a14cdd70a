/* The index of deadlines: a binary heap (Williams' heapsort), and a hash table by database and key. */
#include "timers/index.h"

#include <string.h>

/* A database; SWAPDB swaps which number it has, and its entries stay. */
typedef struct space {
    int db;
} space;

struct sm_timer_entry {
    sm_timer_entry *chain;
    const space *of;
    sm_timer_look look;
    uint32_t place; /* in the heap */
    uint32_t len;
    uint64_t hash;
    char key[];
};

struct sm_timer_index {
    sm_timer_entry **heap;
    uint32_t count, room;
    sm_timer_entry **table;
    uint32_t mask; /* the table's size less one */
    space **spaces; /* by number; NULL: nothing was ever noted there */
    int space_count;
};

enum { LEAST_ROOM = 16 };

sm_timer_index *sm_timer_index_new(void) {
    sm_timer_index *index = RedisModule_Calloc(1, sizeof(*index));

    index->room = LEAST_ROOM;
    index->heap = RedisModule_Calloc(index->room, sizeof(*index->heap));
    index->table = RedisModule_Calloc(LEAST_ROOM, sizeof(*index->table));
    index->mask = LEAST_ROOM - 1;
    return index;
}

void sm_timer_index_free(sm_timer_index *index) {
    sm_timer_index_flush(index, -1);
    for (int db = 0; db < index->space_count; db++) RedisModule_Free(index->spaces[db]);
    RedisModule_Free(index->spaces);
    RedisModule_Free(index->heap);
    RedisModule_Free(index->table);
    RedisModule_Free(index);
}

size_t sm_timer_index_count(const sm_timer_index *index) {
    return index->count;
}

/* ---- databases ---- */

static space *space_of(sm_timer_index *index, int db, bool make) {
    if (db < 0) return NULL;
    if (db >= index->space_count) {
        if (!make) return NULL;
        index->spaces = RedisModule_Realloc(index->spaces, (size_t)(db + 1) * sizeof(*index->spaces));
        while (index->space_count <= db) index->spaces[index->space_count++] = NULL;
    }
    if (!index->spaces[db] && make) {
        index->spaces[db] = RedisModule_Alloc(sizeof(space));
        index->spaces[db]->db = db;
    }
    return index->spaces[db];
}

void sm_timer_index_swap(sm_timer_index *index, int first, int second) {
    space *one = space_of(index, first, true), *other = space_of(index, second, true);

    if (!one || !other) return;
    one->db = second;
    other->db = first;
    index->spaces[first] = other;
    index->spaces[second] = one;
}

/* ---- the heap ---- */

static bool before(const sm_timer_entry *one, const sm_timer_entry *other) {
    if (one->look.ms != other->look.ms) return one->look.ms < other->look.ms;
    return one->look.number < other->look.number;
}

static void put(sm_timer_index *index, uint32_t place, sm_timer_entry *entry) {
    index->heap[place] = entry;
    entry->place = place;
}

static void rise(sm_timer_index *index, sm_timer_entry *entry) {
    uint32_t place = entry->place;

    while (place && before(entry, index->heap[(place - 1) / 2])) {
        put(index, place, index->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(index, place, entry);
}

static void sink(sm_timer_index *index, sm_timer_entry *entry) {
    uint32_t place = entry->place;

    for (;;) {
        uint32_t child = 2 * place + 1;

        if (child >= index->count) break;
        if (child + 1 < index->count && before(index->heap[child + 1], index->heap[child])) child++;
        if (!before(index->heap[child], entry)) break;
        put(index, place, index->heap[child]);
        place = child;
    }
    put(index, place, entry);
}

static void settle(sm_timer_index *index, sm_timer_entry *entry) {
    rise(index, entry);
    sink(index, entry);
}

/* ---- the table ---- */

/* FNV-1a (Fowler, Noll, Vo), of the key and of where its database lies. */
static uint64_t hash_of(const space *of, sm_bytes key) {
    uint64_t hash = 0xcbf29ce484222325ULL ^ (uint64_t)(uintptr_t)of;

    for (size_t i = 0; i < key.len; i++) hash = (hash ^ (unsigned char)key.ptr[i]) * 0x100000001b3ULL;
    return hash ^ hash >> 32;
}

static sm_timer_entry **link_of(const sm_timer_index *index, const space *of, sm_bytes key, uint64_t hash) {
    sm_timer_entry **link = &index->table[hash & index->mask];

    while (*link && ((*link)->hash != hash || (*link)->of != of || (*link)->len != key.len ||
                     memcmp((*link)->key, key.ptr, key.len) != 0))
        link = &(*link)->chain;
    return link;
}

/* The table has as many places as the heap has room. */
static void resize(sm_timer_index *index, uint32_t room) {
    sm_timer_entry **table = RedisModule_Calloc(room, sizeof(*table));

    for (uint32_t i = 0; i < index->count; i++) {
        sm_timer_entry *entry = index->heap[i], **link = &table[entry->hash & (room - 1)];

        entry->chain = *link;
        *link = entry;
    }
    RedisModule_Free(index->table);
    index->table = table;
    index->mask = room - 1;
    index->heap = RedisModule_Realloc(index->heap, room * sizeof(*index->heap));
    index->room = room;
}

const sm_timer_look *sm_timer_index_first(const sm_timer_index *index, int *db, sm_bytes *key) {
    const sm_timer_entry *entry = index->count ? index->heap[0] : NULL;

    if (!entry) return NULL;
    *db = entry->of->db;
    *key = (sm_bytes){entry->key, entry->len};
    return &entry->look;
}

const sm_timer_look *sm_timer_index_find(const sm_timer_index *index, int db, sm_bytes key) {
    const space *of = db >= 0 && db < index->space_count ? index->spaces[db] : NULL;
    sm_timer_entry *entry = of ? *link_of(index, of, key, hash_of(of, key)) : NULL;

    return entry ? &entry->look : NULL;
}

void sm_timer_index_set(sm_timer_index *index, int db, sm_bytes key, const sm_timer_look *look) {
    const space *of = space_of(index, db, true);
    uint64_t hash = hash_of(of, key);
    sm_timer_entry *entry = of ? *link_of(index, of, key, hash) : NULL;

    if (!of || key.len >= UINT32_MAX) return;
    if (!entry) {
        if (index->count == index->room) resize(index, index->room * 2);
        entry = RedisModule_Alloc(sizeof(*entry) + key.len);
        entry->of = of;
        entry->hash = hash;
        entry->len = (uint32_t)key.len;
        memcpy(entry->key, key.ptr, key.len);
        entry->chain = index->table[hash & index->mask];
        index->table[hash & index->mask] = entry;
        put(index, index->count++, entry);
    }
    entry->look = *look;
    settle(index, entry);
}

static void free_entry(sm_timer_index *index, sm_timer_entry *entry) {
    sm_timer_entry **link = link_of(index, entry->of, (sm_bytes){entry->key, entry->len}, entry->hash);
    sm_timer_entry *last = index->heap[--index->count];

    *link = entry->chain;
    if (last != entry) {
        put(index, entry->place, last);
        settle(index, last);
    }
    RedisModule_Free(entry);
    if (index->room > LEAST_ROOM && index->count < index->room / 8) resize(index, index->room / 2);
}

void sm_timer_index_remove(sm_timer_index *index, int db, sm_bytes key) {
    const space *of = db >= 0 && db < index->space_count ? index->spaces[db] : NULL;
    sm_timer_entry *entry = of ? *link_of(index, of, key, hash_of(of, key)) : NULL;

    if (entry) free_entry(index, entry);
}

void sm_timer_index_flush(sm_timer_index *index, int db) {
    uint32_t kept = 0;

    for (uint32_t i = 0; i < index->count; i++) {
        sm_timer_entry *entry = index->heap[i];

        if (db >= 0 && entry->of->db != db) index->heap[kept++] = entry;
        else RedisModule_Free(entry);
    }
    index->count = kept;
    for (uint32_t i = 0; i < kept; i++) index->heap[i]->place = i;
    for (uint32_t i = kept / 2; i-- > 0;) sink(index, index->heap[i]);
    while (index->room > LEAST_ROOM && index->count < index->room / 8) index->room /= 2;
    resize(index, index->room);
}
