/* Numbers and texts, put and taken. */
#include "machine/packed.h"

#include <string.h>

enum { MORE = 0x80 };

bool sm_take_long_varint(sm_bytes *from, uint64_t *number) {
    *number = 0;
    for (size_t i = 0; i < from->len && i < SM_VARINT_BYTES; i++) {
        unsigned char byte = (unsigned char)from->ptr[i];

        if (i == SM_VARINT_BYTES - 1 && byte > 1) return false; /* the 64th bit */
        *number |= (uint64_t)(byte & ~MORE) << (7 * i);
        if (byte & MORE) continue;
        *from = (sm_bytes){from->ptr + i + 1, from->len - i - 1};
        return byte || !i;
    }
    return false;
}

bool sm_take_byte(sm_bytes *from, uint8_t *byte) {
    if (!from->len) return false;
    *byte = (uint8_t)*from->ptr;
    *from = (sm_bytes){from->ptr + 1, from->len - 1};
    return true;
}

char *sm_put_varint(char *at, uint64_t number) {
    for (; number >= MORE; number >>= 7) *at++ = (char)(number | MORE);
    *at++ = (char)number;
    return at;
}

char *sm_put_text(char *at, sm_bytes text) {
    at = sm_put_varint(at, text.len);
    if (text.len) memcpy(at, text.ptr, text.len);
    return at + text.len;
}
