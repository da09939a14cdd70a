/* The stored format, and the snapshots that number what they carry. See type.c for the callbacks.
 *
 * Encoding versions:
 *   1  (the module written in Rust)  string: JSON document with current, map, initial, reason
 *   2  unsigned: 8 times the node's number in this snapshot, counted from 1 (0 outside a snapshot), plus flags,
 *                1: a reason follows, 2: the node is here, 4: the definition is here
 *      unsigned: the definition's number in this snapshot, likewise, where flag 2 is set
 *      string: its canonical document, where flag 4 is set
 *      string: the configuration, as the engine encodes it, where flag 2 is set
 *      string: the reason, where flag 1 is set
 *   3  as 2, but that the node's number is multiplied by 16, and one flag more,
 *                8: the rest follows, behind all else: what the machine keeps beside its reason
 *      unsigned: how many parts, where flag 8 is set; then of each
 *      unsigned: which, 1: its revision (64 bits, the lowest byte first; at most 2^62), 2: its context, 3: its
 *                output, 4: the error in which it is (JSON texts), 5: its deadlines, 6: its tasks (lists,
 *                machine/waits.h has their form), 7: its history (machine/history.h), 8: its tokens
 *                (machine/idempotency.h), 9: the TTL that its key has since it is done (Unix milliseconds, a number as
 *                in machine/packed.h); a part that is not known is refused
 *      string: the part
 *
 * So the DUMP of a machine that keeps no more than a reason has the fields of version 2.
 *
 * A snapshot (RDB file, full sync, AOF preamble) carries each definition and each node once, with the first machine
 * that uses it; later machines are the node's number. A DUMP, MIGRATE or slot move carries them each time, with
 * number 0. */
#ifndef SM_TYPE_STORED_H
#define SM_TYPE_STORED_H

#include <stdint.h>

#include "data.h"
#include "redis_api.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

enum { SM_VERSION_RUST = 1, SM_VERSION_NUMBERED = 2, SM_VERSION_DATA = 3, SM_VERSION_NEWEST = SM_VERSION_DATA };
enum { SM_FLAG_REASON = 1, SM_FLAG_NODE = 2, SM_FLAG_DEFINITION = 4, SM_FLAG_REST = 8, SM_FLAGS = 16 };
enum { SM_FLAGS_NUMBERED = 8 }; /* of version 2 */
enum { SM_REST_REVISION = 1, SM_REST_CONTEXT, SM_REST_OUTPUT, SM_REST_ERROR, SM_REST_TIMERS, SM_REST_TASKS,
       SM_REST_HISTORY, SM_REST_TOKENS, SM_REST_EXPIRES, SM_REST_PARTS };
enum { SM_REVISION_BYTES = 8 };

/* The part of a machine that is stored under such a number. */
static const enum sm_part sm_rest_part[SM_REST_PARTS] = {
    [SM_REST_CONTEXT] = SM_PART_CONTEXT, [SM_REST_OUTPUT] = SM_PART_OUTPUT, [SM_REST_ERROR] = SM_PART_ERROR,
    [SM_REST_TIMERS] = SM_PART_TIMERS,   [SM_REST_TASKS] = SM_PART_TASKS,
    [SM_REST_HISTORY] = SM_PART_HISTORY, [SM_REST_TOKENS] = SM_PART_TOKENS, [SM_REST_EXPIRES] = SM_PART_EXPIRES};

void sm_rdb_save(RedisModuleIO *rdb, void *value);
void *sm_rdb_load(RedisModuleIO *rdb, int encver);

/* Of the server's events: a snapshot begins or ends. */
void sm_save_event(uint64_t subevent);
void sm_load_event(uint64_t subevent);

#pragma GCC visibility pop

#endif
