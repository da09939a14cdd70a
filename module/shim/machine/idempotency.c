/* The list of tokens, read and written. */
#include "machine/idempotency.h"

#include <string.h>

#include "machine/history.h"

enum { FORCED = 0x80, HAS_CHECKSUM = 0x40, CHECKSUM_BYTES = 8 };

uint64_t sm_checksum(uint64_t begun, sm_bytes bytes) {
    uint64_t sum = begun ? begun : 0xcbf29ce484222325u;

    for (size_t i = 0; i < bytes.len; i++) sum = (sum ^ (unsigned char)bytes.ptr[i]) * 0x100000001b3u;
    return sum;
}

/* ---- reading ---- */

static bool take_checksum(sm_bytes *from, uint64_t *sum) {
    if (from->len < CHECKSUM_BYTES) return false;
    for (int i = CHECKSUM_BYTES; i-- > 0;) *sum = *sum << 8 | (unsigned char)from->ptr[i];
    *from = (sm_bytes){from->ptr + CHECKSUM_BYTES, from->len - CHECKSUM_BYTES};
    return true;
}

/* All that there is of one. */
static bool read_one(sm_bytes one, sm_token *token) {
    uint8_t command;

    token->checksum = 0;
    if (!sm_take_text(&one, &token->token) || !sm_take_byte(&one, &command) || !sm_take_text(&one, &token->argument) ||
        (command & HAS_CHECKSUM && !take_checksum(&one, &token->checksum)) || !sm_take_varint(&one, &token->revision) ||
        !sm_take_byte(&one, &token->status) || !sm_take_text(&one, &token->effects))
        return false;
    token->command = command & (HAS_CHECKSUM - 1);
    token->forced = command & FORCED;
    token->states = one;
    return true;
}

/* Tokens of one client are mostly as long, and begin alike: their ends are compared first. */
static bool is_that(sm_bytes one, sm_bytes other) {
    return one.len == other.len && (!one.len || (one.ptr[one.len - 1] == other.ptr[one.len - 1] &&
                                                 memcmp(one.ptr, other.ptr, one.len) == 0));
}

bool sm_tokens_find(sm_bytes list, sm_bytes token, sm_token *found) {
    uint64_t count;
    sm_bytes one, its;

    if (!list.ptr || !sm_take_varint(&list, &count)) return false;
    while (count-- && sm_take_text(&list, &one)) {
        sm_bytes left = one;

        if (sm_take_text(&left, &its) && is_that(its, token)) return read_one(one, found);
    }
    return false;
}

static bool are_states(sm_bytes states) {
    uint64_t count;
    sm_bytes state;

    if (!sm_states_begin(&states, &count)) return false;
    while (count--)
        if (!sm_take_text(&states, &state)) return false;
    return !states.len;
}

const char *sm_tokens_fault(sm_bytes list, uint8_t commands, bool (*are_effects)(sm_bytes)) {
    static const char cut[] = "its tokens are cut short";
    uint64_t count;

    if (!sm_take_varint(&list, &count) || !count) return cut;
    for (; count; count--) {
        sm_token token;
        sm_bytes one;

        if (!sm_take_text(&list, &one) || !read_one(one, &token) || !are_states(token.states)) return cut;
        if (!token.token.len || token.token.len > SM_LONGEST_TOKEN) return "it has a token that is none";
        if (token.command >= commands || token.status >= SM_STATUSES || token.revision > SM_LAST_REVISION)
            return "it has a token of an unknown command";
        if (!are_effects(token.effects)) return "it has a token whose effects are cut short";
    }
    return list.len ? "something follows its tokens" : NULL;
}

/* ---- writing ---- */

size_t sm_tokens_one_most(const sm_token *token) {
    return 7 * SM_VARINT_BYTES + 2 + CHECKSUM_BYTES + token->token.len + token->argument.len + token->effects.len +
           token->states.len;
}

sm_bytes sm_tokens_one(char *room, const sm_token *token) {
    char *begin = room + 2 * SM_VARINT_BYTES, *at = sm_put_text(begin, token->token), *end;
    size_t len;

    *at++ = (char)(token->command | (token->forced ? FORCED : 0) | (token->checksum ? HAS_CHECKSUM : 0));
    at = sm_put_text(at, token->argument);
    for (int i = 0; token->checksum && i < CHECKSUM_BYTES; i++) *at++ = (char)(token->checksum >> (8 * i));
    at = sm_put_varint(at, token->revision);
    *at++ = (char)token->status;
    at = sm_put_text(at, token->effects);
    memcpy(at, token->states.ptr, token->states.len);
    len = (size_t)(at + token->states.len - begin);
    end = sm_put_varint(sm_put_varint(room, 1), len);
    memmove(end, begin, len);
    return (sm_bytes){room, (size_t)(end + len - room)};
}

sm_bytes sm_tokens_append(char *room, sm_bytes list, sm_bytes one, uint64_t keep) {
    uint64_t count = 0, added = 0;
    sm_bytes oldest;
    char *at;

    if (list.ptr) sm_take_varint(&list, &count);
    if (!sm_take_varint(&one, &added)) return list;
    while (count && (count >= keep || list.len > SM_LONGEST_PAST) && sm_take_text(&list, &oldest)) count--;
    at = sm_put_varint(room, count + 1);
    if (count) memcpy(at, list.ptr, list.len);
    at += count ? list.len : 0;
    memcpy(at, one.ptr, one.len);
    return (sm_bytes){room, (size_t)(at + one.len - room)};
}
