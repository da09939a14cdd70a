/* What a machine keeps beside the node where it stands. */
#ifndef SM_DATA_H
#define SM_DATA_H

#include <stdint.h>

#include "bytes.h"

enum sm_part {
    SM_PART_REASON,
    SM_PART_CONTEXT,
    SM_PART_OUTPUT,
    SM_PART_ERROR,
    SM_TEXTS, /* are those before */
    SM_PART_TIMERS = SM_TEXTS, /* a list, as machine/waits.h has it */
    SM_PART_TASKS,
    SM_WAITS, /* are those before, and no texts; what follows is the steps' that were */
    SM_PART_HISTORY = SM_WAITS, /* machine/history.h */
    SM_PART_TOKENS,             /* machine/idempotency.h */
    SM_PART_EXPIRES,            /* the TTL that its key has since it is done: Unix milliseconds, a number */
    SM_PARTS,
};

/* The last revision: none that is larger is read, so that each is a number that RESP has. */
#define SM_LAST_REVISION ((uint64_t)1 << 62)
#define SM_ABOVE_LAST_REVISION "its revision is more than 4611686018427387904"

typedef struct sm_data {
    uint64_t revision;        /* of the steps that it has taken, from 1; 0: they are not counted */
    sm_bytes parts[SM_PARTS]; /* the texts but for the reason JSON; without a pointer: there is none */
} sm_data;

/* The first follows the last, to which only a payload that was made by hand comes. */
static inline uint64_t sm_revision_after(uint64_t revision) {
    return revision < SM_LAST_REVISION ? revision + 1 : 1;
}

#endif
