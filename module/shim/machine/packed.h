/* Numbers and texts, as the lists of a machine have them.
 *
 * A number has seven bits in a byte, the lowest first, and the eighth where more follow; it has no byte too many (as in
 * LEB128). A difference is one in zigzag: 0, -1, 1, -2 … A text is its length, a number, and its bytes. */
#ifndef SM_MACHINE_PACKED_H
#define SM_MACHINE_PACKED_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

enum { SM_VARINT_BYTES = 10 }; /* of a number at most */

/* Bytes. Of a list of the past that is longer the oldest go, since each step copies it. */
enum { SM_LONGEST_PAST = 1 << 20 };

static inline uint64_t sm_zigzag(uint64_t difference) {
    return difference << 1 ^ -(difference >> 63);
}

static inline uint64_t sm_unzigzag(uint64_t number) {
    return number >> 1 ^ -(number & 1);
}

/* Each puts at a place with room, and gives where it ends. */
char *sm_put_varint(char *at, uint64_t number);
char *sm_put_text(char *at, sm_bytes text);

/* Each takes off the front. False where nothing well formed is there. */
bool sm_take_long_varint(sm_bytes *from, uint64_t *number);

/* Most are of one byte. */
static inline bool sm_take_varint(sm_bytes *from, uint64_t *number) {
    if (!from->len || (unsigned char)*from->ptr >= 0x80) return sm_take_long_varint(from, number);
    *number = (unsigned char)*from->ptr;
    *from = (sm_bytes){from->ptr + 1, from->len - 1};
    return true;
}

static inline bool sm_take_text(sm_bytes *from, sm_bytes *text) {
    uint64_t len;

    if (!sm_take_varint(from, &len) || len > from->len) return false;
    *text = (sm_bytes){from->ptr, (size_t)len};
    *from = (sm_bytes){from->ptr + len, from->len - (size_t)len};
    return true;
}

bool sm_take_byte(sm_bytes *from, uint8_t *byte);

#pragma GCC visibility pop

#endif
