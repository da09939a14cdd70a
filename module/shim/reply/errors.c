/* Errors to the client: one line each. */
#include "reply/errors.h"

#include <string.h>

#include "reply/text.h"

enum { LONGEST_ERROR = 512, LONGEST_WORDS = 256 };

int sm_reply_coded_error(RedisModuleCtx *ctx, const char *code, sm_bytes text) {
    char line[LONGEST_ERROR];
    size_t begins = strlen(code) + 1, room = sizeof(line) - begins - 1, len = text.len < room ? text.len : room;

    memcpy(line, code, begins - 1);
    line[begins - 1] = ' ';
    memcpy(line + begins, text.ptr, len);
    line[begins + len] = '\0';
    for (char *at = line; *at; at++)
        if ((unsigned char)*at < 0x20) *at = ' ';
    return RedisModule_ReplyWithError(ctx, line);
}

int sm_reply_error(RedisModuleCtx *ctx, sm_bytes text) {
    return sm_reply_coded_error(ctx, "ERR", text);
}

static char *put(char *at, const char *words, size_t *room) {
    size_t len = strlen(words) < *room ? strlen(words) : *room;

    memcpy(at, words, len);
    *room -= len;
    return at + len;
}

int sm_reply_error_about(RedisModuleCtx *ctx, const char *before, sm_bytes name, const char *between, sm_bytes other,
                         const char *after) {
    char line[2 * SM_LONGEST_QUOTED + LONGEST_WORDS];
    size_t room = LONGEST_WORDS;
    char *at = put(line, before, &room);

    at = sm_put_quoted(at, name);
    at = put(at, between, &room);
    if (other.ptr) at = sm_put_quoted(at, other);
    at = put(at, after, &room);
    return sm_reply_error(ctx, (sm_bytes){line, (size_t)(at - line)});
}
