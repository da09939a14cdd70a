/* Memory for nodes, a cache line each: side by side whatever the server's allocator does, so that many of them take few
 * pages. A slab that no node is left in is given back; while one has room, no other is begun. So what nodes take is
 * bounded by what the most of them took at one time.
 *
 * Source: Bonwick, "The Slab Allocator: An Object-Caching Kernel Memory Allocator", 1994. */
#include "memo/internal.h"
#include "sanitizer.h"

#include <string.h>

enum {
    ALIGNMENT = _Alignof(sm_node), /* bytes */
    NODES = SM_ADDRESS_SANITIZER ? 1 : 61, /* of a slab: as many as 4 KB hold */
};

typedef struct sm_slab {
    LIST_ENTRY(sm_slab) with_room;
    size_t index; /* in `slabs` */
    unsigned nodes;              /* in use */
    unsigned char unused[NODES]; /* places, as a stack of NODES - nodes */
    char room[ALIGNMENT - 1 + NODES * sizeof(sm_node)];
} sm_slab;

static LIST_HEAD(, sm_slab) with_room = LIST_HEAD_INITIALIZER(with_room);
static sm_slab **slabs;
static size_t slabs_count, slabs_room;

static sm_node *place_of(sm_slab *slab, size_t place) {
    return (sm_node *)(slab->room + -(uintptr_t)slab->room % ALIGNMENT) + place;
}

static sm_slab *add_slab(void) {
    sm_slab *slab = RedisModule_Alloc(sizeof(*slab));

    slab->nodes = 0;
    for (size_t i = 0; i < NODES; i++) slab->unused[i] = (unsigned char)(NODES - 1 - i);
    LIST_INSERT_HEAD(&with_room, slab, with_room);
    if (slabs_count == slabs_room) {
        slabs_room = slabs_room ? 2 * slabs_room : 16;
        slabs = RedisModule_Realloc(slabs, slabs_room * sizeof(sm_slab *));
    }
    slab->index = slabs_count;
    slabs[slabs_count++] = slab;
    return slab;
}

static void remove_slab(sm_slab *slab) {
    LIST_REMOVE(slab, with_room);
    slabs[slab->index] = slabs[--slabs_count];
    slabs[slab->index]->index = slab->index;
    if (slabs_count < slabs_room / 4) {
        slabs_room /= 2;
        slabs = RedisModule_Realloc(slabs, slabs_room * sizeof(sm_slab *));
    }
    RedisModule_Free(slab);
}

size_t sm_slab_place(const sm_details *details) {
    return details->slab->index * NODES + (size_t)(details->node - place_of(details->slab, 0));
}

size_t sm_slab_places(void) {
    return slabs_count * NODES;
}

/* The node is all zero but for its details. */
void sm_slab_take(sm_details *details) {
    sm_slab *slab = LIST_EMPTY(&with_room) ? add_slab() : LIST_FIRST(&with_room);
    sm_node *node;

    node = place_of(slab, slab->unused[NODES - 1 - slab->nodes]);
    if (++slab->nodes == NODES) LIST_REMOVE(slab, with_room);
    memset(node, 0, sizeof(*node));
    node->details = details;
    details->node = node;
    details->slab = slab;
}

void sm_slab_give_back(const sm_details *details) {
    sm_slab *slab = details->slab;

    if (slab->nodes == NODES) LIST_INSERT_HEAD(&with_room, slab, with_room);
    slab->nodes--;
    slab->unused[NODES - 1 - slab->nodes] = (unsigned char)(details->node - place_of(slab, 0));
    if (!slab->nodes) remove_slab(slab);
}
