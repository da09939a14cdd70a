/* Replies as the server encodes them, kept and sent as they are. */
#include "reply/server_encoded.h"

#include <stdio.h>
#include <string.h>

#include "reply/documents.h"
#include "reply/tokens.h"

enum {
    ASKED_OFTEN = 1024, /* times before a reply is kept: the commands that encode it show in MONITOR */
    MOST_STATES = 32,
    MOST_STATES_BYTES = 1024,
    LONGEST_DOCUMENT = 256, /* bytes; longer ones are put together for each SM.GET */
    STRING_HEADER = 16,
};

static RedisModuleCtx *lasting; /* the replies refer to it */
static RedisModuleCallReply *ok;

/* Whether what was sent begins so; what is left of it then. Another module's filter may change any command on its way
 * to the server, and so what is answered: nothing is kept without a look at each of its bytes. */
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

void sm_server_encoded_prepare(RedisModuleCtx *ctx) {
    RedisModuleCallReply *reply;

    lasting = RedisModule_GetDetachedThreadSafeContext(ctx);
    reply = RedisModule_Call(lasting, "SELECT", "c", "0");
    ok = only_if(reply, reply && is_ok(reply));
}

int sm_reply_ok(RedisModuleCtx *ctx) {
    return ok && sm_config.server_encoded_replies ? RedisModule_ReplyWithCallReply(ctx, ok)
                                                  : RedisModule_ReplyWithSimpleString(ctx, "OK");
}

/* An array of strings, by the server: the keys of a command that has these. NULL where the tokens are no such array, or
 * a large one, which is not worth its memory. */
static RedisModuleCallReply *array_of(sm_bytes tokens) {
    RedisModuleString *strings[MOST_STATES];
    RedisModuleCallReply *reply = NULL;
    uint32_t count = 0, made = 0;
    sm_bytes string;
    char token = 0;

    if (tokens.len > MOST_STATES_BYTES || !sm_tokens_take(&tokens, &token, 1) || token != '*' ||
        !sm_tokens_take(&tokens, &count, sizeof(count)) || !count || count > MOST_STATES)
        return NULL;
    while (made < count && sm_tokens_string(&tokens, &string))
        strings[made++] = RedisModule_CreateString(NULL, string.ptr, string.len);
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

static bool asked_often(uint32_t *asked) {
    return sm_config.server_encoded_replies && *asked < ASKED_OFTEN && ++*asked == ASKED_OFTEN;
}

static void keep(sm_node *node, RedisModuleCallReply **sent, RedisModuleCallReply *reply, size_t elements) {
    size_t len = 0;

    if (!reply) return;
    *sent = reply;
    RedisModule_CallReplyProto(reply, &len);
    sm_node_weigh(node, len + STRING_HEADER + RedisModule_MallocSize(reply) * (1 + elements));
}

/* The command that the server is given runs other modules' code, which may delete the machine that is answered for. */
int sm_reply_states_in_pieces(RedisModuleCtx *ctx, sm_node *node) {
    sm_details *details = node->details;

    sm_memo_pin();
    if (asked_often(&details->states_asked)) {
        RedisModuleCallReply *reply = array_of(details->states);

        keep(node, &node->sent_states, reply, reply ? RedisModule_CallReplyLength(reply) : 0);
    }
    sm_reply_tokens(ctx, details->states);
    sm_memo_unpin();
    return REDISMODULE_OK;
}

int sm_reply_document_in_pieces(RedisModuleCtx *ctx, const sm_machine *machine) {
    sm_node *node = sm_machine_node(machine);
    size_t len;
    char *text = sm_document_render(machine, &len);

    sm_memo_pin();
    if (sm_machine_is_node(machine) && len <= LONGEST_DOCUMENT && asked_often(&node->details->document_asked))
        keep(node, &node->details->sent_document, string_of((sm_bytes){text, len}), 0);
    sm_memo_unpin();
    RedisModule_ReplyWithStringBuffer(ctx, text, len);
    RedisModule_Free(text);
    return REDISMODULE_OK;
}
