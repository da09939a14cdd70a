/* The hash table under the memo: chained, keyed by (owner, kind, bytes), grown a few buckets at a time so that no
 * command pays for a whole rehash.
 *
 * Hash: SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012) with a key drawn at start,
 * since keys are names that clients choose. */
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "memo/internal.h"

enum { FIRST_SIZE = 1024, MOVED_AT_ONCE = 4, MOVED_TO_SETTLE = 1024 };

static struct {
    sm_item **buckets, **old; /* old: what is still to be moved while the table grows or shrinks */
    size_t size, old_size, moved, count;
} table;

static uint64_t seed[2];

static inline uint64_t rotate(uint64_t word, int bits) {
    return (word << bits) | (word >> (64 - bits));
}

#define SIPHASH_ROUND(v0, v1, v2, v3)                                                                                 \
    do {                                                                                                              \
        v0 += v1, v1 = rotate(v1, 13), v1 ^= v0, v0 = rotate(v0, 32);                                                 \
        v2 += v3, v3 = rotate(v3, 16), v3 ^= v2;                                                                      \
        v0 += v3, v3 = rotate(v3, 21), v3 ^= v0;                                                                      \
        v2 += v1, v1 = rotate(v1, 17), v1 ^= v2, v2 = rotate(v2, 32);                                                 \
    } while (0)

/* The owner and the kind are the first word of the message. */
uint64_t sm_hash(const void *owner, uint8_t kind, sm_bytes key) {
    uint64_t v0 = seed[0] ^ 0x736f6d6570736575ULL, v1 = seed[1] ^ 0x646f72616e646f6dULL;
    uint64_t v2 = seed[0] ^ 0x6c7967656e657261ULL, v3 = seed[1] ^ 0x7465646279746573ULL;
    uint64_t word = ((uint64_t)(uintptr_t)owner << 8) | kind;
    size_t left = key.len;
    const char *at = key.ptr;

    v3 ^= word;
    SIPHASH_ROUND(v0, v1, v2, v3);
    v0 ^= word;
    for (; left >= 8; left -= 8, at += 8) {
        memcpy(&word, at, 8);
        v3 ^= word;
        SIPHASH_ROUND(v0, v1, v2, v3);
        v0 ^= word;
    }
    word = (uint64_t)key.len << 56;
    for (size_t i = 0; i < left; i++) word |= (uint64_t)(unsigned char)at[i] << (8 * i);
    v3 ^= word;
    SIPHASH_ROUND(v0, v1, v2, v3);
    v0 ^= word;
    v2 ^= 0xff;
    SIPHASH_ROUND(v0, v1, v2, v3);
    SIPHASH_ROUND(v0, v1, v2, v3);
    SIPHASH_ROUND(v0, v1, v2, v3);
    return v0 ^ v1 ^ v2 ^ v3;
}

void sm_table_init(void) {
    if (getrandom(seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed)) {
        struct timespec now = {0, 0};
        clock_gettime(CLOCK_REALTIME, &now);
        seed[0] = (uint64_t)now.tv_sec * 1000000007ULL ^ (uint64_t)now.tv_nsec;
        seed[1] = (uint64_t)getpid() ^ (uint64_t)(uintptr_t)&table;
    }
    memset(&table, 0, sizeof(table));
    table.size = FIRST_SIZE;
    table.buckets = RedisModule_Calloc(table.size, sizeof(sm_item *));
}

sm_question sm_question_make(const void *owner, uint8_t kind, sm_bytes key) {
    return (sm_question){owner, key, sm_hash(owner, kind, key), kind};
}

static sm_item *find_in(sm_item *item, const sm_question *question) {
    for (; item; item = item->chain) {
        if (item->hash == question->hash && item->owner == question->owner && item->kind == question->kind &&
            item->key_len == question->key.len && memcmp(item->key, question->key.ptr, item->key_len) == 0)
            return item;
    }
    return NULL;
}

sm_item *sm_table_find(const sm_question *question) {
    sm_item *item = find_in(table.buckets[question->hash & (table.size - 1)], question);
    if (!item && table.old) item = find_in(table.old[question->hash & (table.old_size - 1)], question);
    return item;
}

static void move_some(int buckets) {
    for (int i = 0; i < buckets && table.old; i++) {
        sm_item *item = table.old[table.moved];
        table.old[table.moved] = NULL;
        while (item) {
            sm_item *next = item->chain;
            sm_item **bucket = &table.buckets[item->hash & (table.size - 1)];
            item->chain = *bucket;
            *bucket = item;
            item = next;
        }
        if (++table.moved == table.old_size) {
            RedisModule_Free(table.old);
            table.old = NULL;
            table.old_size = table.moved = 0;
        }
    }
}

static void resize(size_t size) {
    table.old = table.buckets;
    table.old_size = table.size;
    table.moved = 0;
    table.size = size;
    table.buckets = RedisModule_Calloc(size, sizeof(sm_item *));
}

static void shrink(void) {
    if (!table.old && table.size > FIRST_SIZE && table.count < table.size / 8) resize(table.size / 2);
}

void sm_table_add(sm_item *item) {
    sm_item **bucket;

    move_some(MOVED_AT_ONCE);
    if (!table.old && table.count >= table.size) resize(table.size * 2);
    bucket = &table.buckets[item->hash & (table.size - 1)];
    item->chain = *bucket;
    *bucket = item;
    table.count++;
}

static bool remove_from(sm_item **bucket, sm_item *item) {
    for (; *bucket; bucket = &(*bucket)->chain) {
        if (*bucket == item) {
            *bucket = item->chain;
            return true;
        }
    }
    return false;
}

void sm_table_remove(sm_item *item) {
    if (!remove_from(&table.buckets[item->hash & (table.size - 1)], item) && table.old)
        remove_from(&table.old[item->hash & (table.old_size - 1)], item);
    table.count--;
    move_some(MOVED_AT_ONCE);
    shrink();
}

void sm_table_settle(void) {
    move_some(MOVED_TO_SETTLE);
    shrink();
}

size_t sm_table_bytes(void) {
    return (table.size + table.old_size) * sizeof(sm_item *);
}
