/* What a client reads: encoded replies, a machine's document, error lines. */
#include "shim.h"

#include <stdio.h>
#include <string.h>

/* ---- encoded replies ----
 *
 * The engine answers in tokens: '*' and a count (an array of so many replies follows), '$' a length and bytes,
 * ':' a number. Counts and lengths are 32 bits, numbers 64, in the machine's order. */

static bool take(sm_bytes *encoded, void *into, size_t len) {
    if (encoded->len < len) return false;
    memcpy(into, encoded->ptr, len);
    encoded->ptr += len;
    encoded->len -= len;
    return true;
}

int sm_reply_encoded(RedisModuleCtx *ctx, sm_bytes encoded) {
    while (encoded.len) {
        char token = 0;
        uint32_t len = 0;
        int64_t number = 0;

        if (!take(&encoded, &token, 1)) break;
        if (token == ':' && take(&encoded, &number, sizeof(number))) {
            RedisModule_ReplyWithLongLong(ctx, number);
        } else if (token == '*' && take(&encoded, &len, sizeof(len))) {
            RedisModule_ReplyWithArray(ctx, (long)len);
        } else if (token == '$' && take(&encoded, &len, sizeof(len)) && len <= encoded.len) {
            RedisModule_ReplyWithStringBuffer(ctx, encoded.ptr, len);
            encoded.ptr += len;
            encoded.len -= len;
        } else {
            RedisModule_Log(ctx, "warning", "a reply of the engine is not well formed");
            break;
        }
    }
    return REDISMODULE_OK;
}

/* ---- replies as the server sends them ----
 *
 * The server puts a reply together from pieces, an array of three strings from ten, and ReplyWithSimpleString copies
 * and filters its text besides: a tenth to a fifth of a whole command. What is answered again and again is put
 * together once, as the reply to a command of the server that answers just that, and sent as it is from then on.
 * Where such a command has been renamed away, the pieces do. */

enum { ASKED_OFTEN = 1024, MOST_STATES = 32, MOST_STATES_BYTES = 1024, STRING_HEADER = 16 };

static RedisModuleCtx *lasting; /* the replies refer to it */
static RedisModuleCallReply *ok;

/* Whether what was sent begins so; what is left of it then. Another module's filter may change any command on its way to
 * the server, and so what is answered: nothing is kept without a look at each of its bytes. */
static bool begins(sm_bytes *sent, const char *bytes, size_t len) {
    if (sent->len < len || memcmp(sent->ptr, bytes, len) != 0) return false;
    sent->ptr += len;
    sent->len -= len;
    return true;
}

static bool begins_with_header(sm_bytes *sent, char type, size_t number) {
    char header[STRING_HEADER + 8];

    return begins(sent, header, (size_t)snprintf(header, sizeof(header), "%c%zu\r\n", type, number));
}

static bool begins_with_string(sm_bytes *sent, sm_bytes string) {
    return begins_with_header(sent, '$', string.len) && begins(sent, string.ptr, string.len) && begins(sent, "\r\n", 2);
}

static sm_bytes sent_as(RedisModuleCallReply *reply) {
    sm_bytes sent = {"", 0};
    const char *bytes = RedisModule_CallReplyProto(reply, &sent.len);

    return bytes ? (sm_bytes){bytes, sent.len} : sent;
}

static bool is_array(RedisModuleCallReply *reply, RedisModuleString **strings, size_t count) {
    sm_bytes sent = sent_as(reply), string;

    if (!begins_with_header(&sent, '*', count)) return false;
    for (size_t i = 0; i < count; i++) {
        string.ptr = RedisModule_StringPtrLen(strings[i], &string.len);
        if (!begins_with_string(&sent, string)) return false;
    }
    return !sent.len;
}

static bool is_string(RedisModuleCallReply *reply, sm_bytes string) {
    sm_bytes sent = sent_as(reply);

    return begins_with_string(&sent, string) && !sent.len;
}

static bool is_ok(RedisModuleCallReply *reply) {
    sm_bytes sent = sent_as(reply);

    return begins(&sent, "+OK\r\n", 5) && !sent.len;
}

static RedisModuleCallReply *only_if(RedisModuleCallReply *reply, bool as_meant) {
    if (as_meant || !reply) return reply;
    RedisModule_FreeCallReply(reply);
    return NULL;
}

void sm_reply_prepare(RedisModuleCtx *ctx) {
    RedisModuleCallReply *reply;

    lasting = RedisModule_GetDetachedThreadSafeContext(ctx);
    reply = RedisModule_Call(lasting, "SELECT", "c", "0");
    ok = only_if(reply, reply && is_ok(reply));
}

int sm_reply_ok(RedisModuleCtx *ctx) {
    return ok ? RedisModule_ReplyWithCallReply(ctx, ok) : RedisModule_ReplyWithSimpleString(ctx, "OK");
}

/* An array of strings, by the server: the keys of a command that has these. NULL where the encoded reply is no such
 * array, or a large one, which is not worth its memory. */
static RedisModuleCallReply *array_of(sm_bytes encoded) {
    RedisModuleString *strings[MOST_STATES];
    RedisModuleCallReply *reply = NULL;
    uint32_t count = 0, made = 0, len;
    char token = 0;

    if (encoded.len > MOST_STATES_BYTES || !take(&encoded, &token, 1) || token != '*' ||
        !take(&encoded, &count, sizeof(count)) || !count || count > MOST_STATES)
        return NULL;
    while (made < count && take(&encoded, &token, 1) && token == '$' && take(&encoded, &len, sizeof(len)) &&
           len <= encoded.len) {
        strings[made++] = RedisModule_CreateString(NULL, encoded.ptr, len);
        encoded.ptr += len;
        encoded.len -= len;
    }
    if (made == count) reply = RedisModule_Call(lasting, "COMMAND", "ccv", "GETKEYS", "MGET", strings, (size_t)count);
    reply = only_if(reply, reply && is_array(reply, strings, count));
    while (made) RedisModule_FreeString(NULL, strings[--made]);
    return reply;
}

/* A string, by the server. */
static RedisModuleCallReply *string_of(sm_bytes bytes) {
    RedisModuleCallReply *reply = RedisModule_Call(lasting, "ECHO", "b", bytes.ptr, bytes.len);

    return only_if(reply, reply && is_string(reply, bytes));
}

/* Those commands show in MONITOR: they are for what is asked for all the time, not for a look at a machine. */
static bool asked_often(uint32_t *asked) {
    return *asked < ASKED_OFTEN && ++*asked == ASKED_OFTEN;
}

static void keep(sm_node *node, RedisModuleCallReply **sent, RedisModuleCallReply *reply, size_t elements) {
    size_t len = 0;

    if (!reply) return;
    *sent = reply;
    RedisModule_CallReplyProto(reply, &len);
    sm_memo_weigh(node, len + STRING_HEADER + RedisModule_MallocSize(reply) * (1 + elements));
}

/* The command that the server is given may run other modules' code, which may delete the machine that is answered for. */
int sm_reply_states_in_pieces(RedisModuleCtx *ctx, sm_node *node) {
    sm_details *details = node->details;

    if (asked_often(&details->states_asked)) {
        RedisModuleCallReply *reply;

        sm_memo_pin();
        reply = array_of(details->states);
        keep(node, &node->sent_states, reply, reply ? RedisModule_CallReplyLength(reply) : 0);
        sm_reply_encoded(ctx, details->states);
        sm_memo_unpin();
        return REDISMODULE_OK;
    }
    return sm_reply_encoded(ctx, details->states);
}

void sm_reply_forget(sm_node *node) {
    if (node->sent_states) RedisModule_FreeCallReply(node->sent_states);
    if (node->details->sent_document) RedisModule_FreeCallReply(node->details->sent_document);
}

/* ---- documents ---- */

enum {
    SMALL_DOCUMENT = 1024, /* bytes; larger ones are worth an allocation */
    LONGEST_KEPT = 256,    /* bytes; longer ones are put together for each SM.GET */
};

static const char short_escapes[256] = {
    ['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
};

static char *put(char *at, const char *bytes, size_t len) {
    memcpy(at, bytes, len);
    return at + len;
}

/* Writes a JSON string; `at` has room for six times the text and two quotes. */
static char *put_json_string(char *at, const char *text, size_t len) {
    static const char hex[] = "0123456789abcdef";

    *at++ = '"';
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)text[i];

        if (short_escapes[byte]) {
            *at++ = '\\';
            *at++ = short_escapes[byte];
        } else if (byte < 0x20) {
            at = put(at, "\\u00", 4);
            *at++ = hex[byte >> 4];
            *at++ = hex[byte & 15];
        } else {
            *at++ = (char)byte;
        }
    }
    *at++ = '"';
    return at;
}

static const char member[] = ",\"reason\":";

static size_t most_bytes(const sm_machine *machine) {
    const sm_details *node = sm_machine_node(machine)->details;
    sm_bytes reason;
    bool has_reason = sm_machine_reason(machine, &reason);

    return node->head.len + node->definition->item.key_len + (has_reason ? sizeof(member) + 6 * reason.len + 2 : 0);
}

/* Writes the machine's document, as SM.GET answers it; `text` has room for most_bytes. */
static size_t render(const sm_machine *machine, char *text) {
    const sm_details *node = sm_machine_node(machine)->details;
    const char *canonical = node->definition->item.key;
    size_t split = node->definition->split, canonical_len = node->definition->item.key_len;
    char *at = put(text, node->head.ptr, node->head.len);
    sm_bytes reason;

    *at++ = ','; /* in place of the canonical document's opening brace */
    at = put(at, canonical + 1, split - 1);
    if (sm_machine_reason(machine, &reason)) {
        at = put(at, member, sizeof(member) - 1);
        at = put_json_string(at, reason.ptr, reason.len);
    }
    at = put(at, canonical + split, canonical_len - split);
    return (size_t)(at - text);
}

/* The same for the AOF rewrite, whose forked child may not enter Python. The caller frees it. */
char *sm_document_render(const sm_machine *machine, size_t *len) {
    char *text = RedisModule_Alloc(most_bytes(machine));

    *len = render(machine, text);
    return text;
}

int sm_reply_document_in_pieces(RedisModuleCtx *ctx, const sm_machine *machine) {
    sm_node *node = sm_machine_node(machine);
    char small[SMALL_DOCUMENT];
    size_t most = most_bytes(machine);
    char *text = most <= sizeof(small) ? small : RedisModule_Alloc(most);
    sm_bytes document = {text, render(machine, text)};

    if (!sm_machine_block(machine) && document.len <= LONGEST_KEPT && asked_often(&node->details->document_asked)) {
        sm_memo_pin();
        keep(node, &node->details->sent_document, string_of(document), 0);
        sm_memo_unpin();
    }
    RedisModule_ReplyWithStringBuffer(ctx, document.ptr, document.len);
    if (text != small) RedisModule_Free(text);
    return REDISMODULE_OK;
}

/* ---- errors ---- */

enum { LONGEST_ERROR = 1024, LONGEST_NAME = 96, SHORT_NAME = 24, LONGEST_WORDS = 128 };

_Static_assert(LONGEST_ERROR > 4 * (LONGEST_NAME + SHORT_NAME) + 3 * LONGEST_WORDS, "an error about two names has room");

int sm_reply_error(RedisModuleCtx *ctx, sm_bytes text) {
    char line[LONGEST_ERROR];
    size_t len = text.len < sizeof(line) - 5 ? text.len : sizeof(line) - 5;

    memcpy(line, "ERR ", 4);
    memcpy(line + 4, text.ptr, len);
    line[4 + len] = '\0';
    for (char *at = line; *at; at++)
        if ((unsigned char)*at < 0x20) *at = ' ';
    return RedisModule_ReplyWithError(ctx, line);
}

/* A name in quotes, cut when long: text as it is, control characters and what is not UTF-8 as \xNN. */
static char *put_name(char *at, sm_bytes name) {
    static const char hex[] = "0123456789abcdef";
    bool text = sm_utf8_fault(name) == name.len;
    bool cut = name.len > LONGEST_NAME;
    size_t len = cut ? LONGEST_NAME : name.len;

    while (cut && text && len && ((unsigned char)name.ptr[len] & 0xc0) == 0x80) len--;
    *at++ = '\'';
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)name.ptr[i];

        if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !text)) {
            at = put(at, "\\x", 2);
            *at++ = hex[byte >> 4];
            *at++ = hex[byte & 15];
        } else {
            *at++ = (char)byte;
        }
    }
    if (cut) at = put(at, "...", 3);
    *at++ = '\'';
    return at;
}

int sm_reply_error_about(RedisModuleCtx *ctx, const char *before, sm_bytes name, const char *between, sm_bytes other,
                         const char *after) {
    char line[LONGEST_ERROR];
    char *at = put(line, before, strlen(before));

    at = put_name(at, name);
    at = put(at, between, strlen(between));
    if (other.ptr) at = put_name(at, (sm_bytes){other.ptr, other.len < SHORT_NAME ? other.len : SHORT_NAME});
    at = put(at, after, strlen(after));
    return sm_reply_error(ctx, (sm_bytes){line, (size_t)(at - line)});
}

/* The states of a node are encoded as an array of strings; an error names the first, and counts no others. */
int sm_reply_invalid_transition(RedisModuleCtx *ctx, const sm_node *from, sm_bytes to) {
    static const char begin[] = "invalid state transition: ";
    char line[sizeof(begin) + 2 * (4 * LONGEST_NAME + 8) + 8];
    sm_bytes states = from->details->states, name = {"", 0};
    uint32_t len = 0;
    char token, *at;

    if (take(&states, &token, 1) && take(&states, &len, sizeof(len)) && take(&states, &token, 1) &&
        take(&states, &len, sizeof(len)) && len <= states.len)
        name = (sm_bytes){states.ptr, len};
    at = put(line, begin, sizeof(begin) - 1);
    at = put_name(at, name);
    at = put(at, " to ", 4);
    at = put_name(at, to);
    return sm_reply_error(ctx, (sm_bytes){line, (size_t)(at - line)});
}

/* Where `text` stops being UTF-8 (RFC 3629: no surrogates, no overlong forms, up to U+10FFFF), or its length. */
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
