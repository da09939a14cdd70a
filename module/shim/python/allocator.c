/* CPython's memory: the server's, so that used_memory and maxmemory know of it.
 *
 * Python's own allocator of small objects is left out: it takes a megabyte at a time and can keep all of it for one
 * object, so that used_memory would not come back when machines and definitions have gone. What it is for, that a
 * small object seldom costs a whole malloc and free, a few blocks of each size do that are kept when they are freed:
 * at most 96 KB in all.
 *
 * Python's raw memory is wanted on any thread: of that, nothing is kept. The rest belongs to whoever has the GIL. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdatomic.h>
#include <string.h>

#include "python/boundary.h"
#include "python/python.h"
#include "sanitizer.h"

enum { KEPT_OF_A_SIZE = SM_ADDRESS_SANITIZER ? 0 : 32, GRAIN = 16, LARGEST_KEPT = 512 };

typedef struct block {
    struct block *next;
} block;

/* By size, in grains: a block of `kept[n]` has room for n of them at least. */
static struct {
    block *first;
    int count;
} kept[LARGEST_KEPT / GRAIN + 1];

static uint64_t kept_grains;
static _Atomic uint64_t taken, raw_taken; /* bytes */

/* Under the GIL: no locked instruction is needed to count. */
static void count(uint64_t more) {
    uint64_t bytes = atomic_load_explicit(&taken, memory_order_relaxed);

    atomic_store_explicit(&taken, bytes + more, memory_order_relaxed);
}

static void *counted(void *pointer) {
    if (pointer) count(RedisModule_MallocSize(pointer));
    return pointer;
}

/* The sizes that jemalloc has, so that what was freed as one of them is found when one of them is wanted. Python wants
 * a pointer for zero bytes too. */
static size_t rounded(size_t bytes) {
    size_t grain = bytes <= 128 || bytes > LARGEST_KEPT ? GRAIN : bytes <= 256 ? 2 * GRAIN : 4 * GRAIN;

    return bytes ? (bytes + grain - 1) & ~(grain - 1) : GRAIN;
}

/* The largest of those sizes that fits into a block, in grains: the allocator may have given more than was asked. */
static size_t grains_in(size_t size) {
    size_t grains = size / GRAIN;

    return grains > 16 ? grains & ~(size_t)3 : grains > 8 ? grains & ~(size_t)1 : grains;
}

static void *take_kept(size_t size) {
    block *found = size <= LARGEST_KEPT ? kept[size / GRAIN].first : NULL;

    if (!found) return NULL;
    kept[size / GRAIN].first = found->next;
    kept[size / GRAIN].count--;
    kept_grains -= size / GRAIN;
    return found;
}

static void *python_malloc(void *unused, size_t bytes) {
    size_t size = rounded(bytes);
    void *pointer = take_kept(size);

    (void)unused;
    return pointer ? pointer : counted(RedisModule_Alloc(size));
}

static void *python_calloc(void *unused, size_t items, size_t bytes) {
    size_t size;
    void *pointer;

    (void)unused;
    if (__builtin_mul_overflow(items, bytes, &size)) return NULL;
    size = rounded(size);
    pointer = take_kept(size);
    return pointer ? memset(pointer, 0, size) : counted(RedisModule_Calloc(1, size));
}

static void python_free(void *unused, void *pointer) {
    size_t size, grains;
    block *freed = pointer;

    (void)unused;
    if (!pointer) return;
    size = RedisModule_MallocSize(pointer);
    grains = grains_in(size);
    if (grains && grains <= LARGEST_KEPT / GRAIN && kept[grains].count < KEPT_OF_A_SIZE) {
        freed->next = kept[grains].first;
        kept[grains].first = freed;
        kept[grains].count++;
        kept_grains += grains;
        return;
    }
    count(-(uint64_t)size);
    RedisModule_Free(pointer);
}

static void *python_realloc(void *unused, void *pointer, size_t bytes) {
    size_t size, held;
    void *moved;

    if (!pointer) return python_malloc(unused, bytes);
    size = RedisModule_MallocSize(pointer);
    held = size / GRAIN * GRAIN;
    if (bytes <= held && bytes >= size / 2) return pointer;
    moved = take_kept(rounded(bytes)); /* copying so few bytes costs less than asking the server to */
    if (moved) {
        memcpy(moved, pointer, bytes < held ? bytes : held);
        python_free(unused, pointer);
        return moved;
    }
    count(-(uint64_t)size);
    return counted(RedisModule_Realloc(pointer, rounded(bytes)));
}

uint64_t sm_python_bytes_taken(void) {
    return atomic_load_explicit(&taken, memory_order_relaxed) + atomic_load_explicit(&raw_taken, memory_order_relaxed);
}

uint64_t sm_python_bytes(void) {
    return sm_python_bytes_taken() - kept_grains * GRAIN;
}

/* ---- raw memory ---- */

static void raw_count(uint64_t more) {
    atomic_fetch_add_explicit(&raw_taken, more, memory_order_relaxed);
}

static void *raw_counted(void *pointer) {
    if (pointer) raw_count(RedisModule_MallocSize(pointer));
    return pointer;
}

static void *raw_malloc(void *unused, size_t bytes) {
    (void)unused;
    return raw_counted(RedisModule_Alloc(bytes ? bytes : 1));
}

static void *raw_calloc(void *unused, size_t items, size_t bytes) {
    (void)unused;
    return raw_counted(items && bytes ? RedisModule_Calloc(items, bytes) : RedisModule_Calloc(1, 1));
}

static void raw_free(void *unused, void *pointer) {
    (void)unused;
    if (!pointer) return;
    raw_count(-(uint64_t)RedisModule_MallocSize(pointer));
    RedisModule_Free(pointer);
}

static void *raw_realloc(void *unused, void *pointer, size_t bytes) {
    if (!pointer) return raw_malloc(unused, bytes);
    raw_count(-(uint64_t)RedisModule_MallocSize(pointer));
    return raw_counted(RedisModule_Realloc(pointer, bytes ? bytes : 1));
}

void sm_python_use_servers_memory(void) {
    PyMemAllocatorEx raw = {NULL, raw_malloc, raw_calloc, raw_realloc, raw_free};
    PyMemAllocatorEx other = {NULL, python_malloc, python_calloc, python_realloc, python_free};

    PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &raw);
    PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &other);
    PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &other);
}
