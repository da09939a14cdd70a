/* Text that clients send: whether it is UTF-8, and how it is quoted in an error. */
#include "reply/text.h"

#include <stdbool.h>
#include <string.h>

enum { LONGEST_NAME = 96 };

/* RFC 3629: no surrogates, no overlong forms, up to U+10FFFF. */
size_t sm_utf8_fault(sm_bytes text) {
    const unsigned char *byte = (const unsigned char *)text.ptr;
    size_t i = 0;

    while (i < text.len) {
        unsigned char first = byte[i];
        size_t more = first < 0x80 ? 0 : first < 0xc2 ? 4 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 4;

        if (more == 4 || more > text.len - i - 1) return i;
        for (size_t k = 1; k <= more; k++)
            if ((byte[i + k] & 0xc0) != 0x80) return i;
        if ((first == 0xe0 && byte[i + 1] < 0xa0) || (first == 0xed && byte[i + 1] > 0x9f) ||
            (first == 0xf0 && byte[i + 1] < 0x90) || (first == 0xf4 && byte[i + 1] > 0x8f))
            return i;
        i += more + 1;
    }
    return text.len;
}

char *sm_put_quoted(char *at, sm_bytes name) {
    static const char hex[] = "0123456789abcdef";
    bool text = sm_utf8_fault(name) == name.len;
    bool cut = name.len > LONGEST_NAME;
    size_t len = cut ? LONGEST_NAME : name.len;

    while (cut && text && len && ((unsigned char)name.ptr[len] & 0xc0) == 0x80) len--;
    *at++ = '\'';
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)name.ptr[i];

        if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !text)) {
            *at++ = '\\';
            *at++ = 'x';
            *at++ = hex[byte >> 4];
            *at++ = hex[byte & 15];
        } else {
            *at++ = (char)byte;
        }
    }
    for (int i = 0; cut && i < 3; i++) *at++ = '.';
    *at++ = '\'';
    return at;
}

static const char short_escapes[256] = {
    ['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
};

char *sm_put_json(char *at, sm_bytes text) {
    static const char hex[] = "0123456789abcdef";

    *at++ = '"';
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];

        if (short_escapes[byte]) {
            *at++ = '\\';
            *at++ = short_escapes[byte];
        } else if (byte < 0x20) {
            memcpy(at, "\\u00", 4);
            at += 4;
            *at++ = hex[byte >> 4];
            *at++ = hex[byte & 15];
        } else {
            *at++ = (char)byte;
        }
    }
    *at++ = '"';
    return at;
}

static int hex_digit(char digit) {
    return digit >= '0' && digit <= '9' ? digit - '0' : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The byte that an escape stands for, and where it ends; -1: it is none. */
static int unescape(sm_bytes text, size_t *at) {
    char letter = *at < text.len ? text.ptr[(*at)++] : '\0';

    for (int byte = 0; byte < 256; byte++)
        if (short_escapes[byte] && short_escapes[byte] == letter) return byte;
    if (letter != 'u' || text.len - *at < 4) return -1;
    *at += 4;
    return 16 * hex_digit(text.ptr[*at - 2]) + hex_digit(text.ptr[*at - 1]);
}

sm_bytes sm_read_json(sm_bytes text, char *room) {
    size_t at = 1, len = 0;

    if (!text.len || text.ptr[0] != '"') return (sm_bytes){NULL, 0};
    while (at < text.len && text.ptr[at] != '"') {
        int byte = (unsigned char)text.ptr[at++];

        if (byte == '\\') byte = unescape(text, &at);
        if (byte < 0) break;
        room[len++] = (char)byte;
    }
    return at < text.len && text.ptr[at] == '"' ? (sm_bytes){room, len} : (sm_bytes){NULL, 0};
}
