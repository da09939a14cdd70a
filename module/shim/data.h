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
    SM_TEXTS, /* are those before; the others are lists (machine/waits.h) */
    SM_PART_TIMERS = SM_TEXTS,
    SM_PART_TASKS,
    SM_PARTS,
};

typedef struct sm_data {
    uint64_t revision;        /* of the steps that it has taken, from 1; 0: they are not counted */
    sm_bytes parts[SM_PARTS]; /* the texts but for the reason JSON; without a pointer: there is none */
} sm_data;

#endif
