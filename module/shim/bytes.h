/* Bytes with a length: not ended by a NUL, and not to be freed by who reads them. */
#ifndef SM_BYTES_H
#define SM_BYTES_H
#include <stddef.h>

typedef struct sm_bytes {
    const char *ptr;
    size_t len;
} sm_bytes;

#endif
