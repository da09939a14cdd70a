/* The tokens of steps that a machine has taken, with what was answered: a list, the oldest first.
 *
 *   number: how many
 *   and of each
 *     number: how many bytes follow of it
 *     text: the token
 *     byte: the command; 128 more where it forced, 64 more where a checksum follows
 *     text: the event, the state or the task
 *     64 bits, where they follow: a checksum of what else came with it, the lowest byte first
 *     number: the revision that was answered
 *     byte: the status that was
 *     text: the effects, as reply/effects.h has them
 *     states, as machine/history.h has them, to its end */
#ifndef SM_MACHINE_IDEMPOTENCY_H
#define SM_MACHINE_IDEMPOTENCY_H

#include "data.h"
#include "machine/packed.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

enum { SM_LONGEST_TOKEN = 64 };

enum sm_status { SM_STATUS_ACTIVE, SM_STATUS_DONE, SM_STATUS_ERROR, SM_STATUSES };

typedef struct sm_token {
    sm_bytes token;
    uint8_t command; /* enum sm_event */
    bool forced;
    sm_bytes argument;
    uint64_t checksum; /* 0: nothing came with it */
    /* what was answered */
    uint64_t revision;
    uint8_t status;
    sm_bytes effects, states;
} sm_token;

/* The checksum of what came with a command, begun with 0: FNV-1a (Fowler, Noll and Vo), 64 bits. */
uint64_t sm_checksum(uint64_t begun, sm_bytes bytes);

/* The one of a step with that token. */
bool sm_tokens_find(sm_bytes list, sm_bytes token, sm_token *found);

/* A list of one, at a place with this room at most: */
size_t sm_tokens_one_most(const sm_token *token);
sm_bytes sm_tokens_one(char *room, const sm_token *token);

/* A list with one more, of which so many are kept, at a place with room for both and SM_VARINT_BYTES. */
sm_bytes sm_tokens_append(char *room, sm_bytes list, sm_bytes one, uint64_t keep);

/* NULL, or what is wrong with a list from outside. `commands`: how many there are; `are_effects` says whether the
 * effects can be read. */
const char *sm_tokens_fault(sm_bytes list, uint8_t commands, bool (*are_effects)(sm_bytes));

#pragma GCC visibility pop

#endif
