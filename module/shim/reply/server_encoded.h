/* Replies as the server encodes them, kept and sent as they are.
 *
 * The server puts a reply together from pieces, an array of three strings from ten, and ReplyWithSimpleString copies
 * and filters its text besides: a tenth to a fifth of a whole command. What is answered again and again is encoded
 * once, as the reply to a command of the server that answers just that. Where such a command has been renamed away, or
 * redisstate.server-encoded-replies is no, the pieces do. */
#ifndef SM_REPLY_SERVER_ENCODED_H
#define SM_REPLY_SERVER_ENCODED_H

#include "machine/machine.h"
#include "settings.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

void sm_server_encoded_prepare(RedisModuleCtx *ctx);

int sm_reply_ok(RedisModuleCtx *ctx);

int sm_reply_states_in_pieces(RedisModuleCtx *ctx, sm_node *node);
int sm_reply_document_in_pieces(RedisModuleCtx *ctx, const sm_machine *machine);

/* SM.STATE's reply. Inline, as a command that reads has little else to do. */
static inline int sm_reply_states(RedisModuleCtx *ctx, sm_node *node) {
    RedisModuleCallReply *sent = node->sent_states;

    return sent && sm_config.server_encoded_replies ? RedisModule_ReplyWithCallReply(ctx, sent)
                                                    : sm_reply_states_in_pieces(ctx, node);
}

/* SM.GET's. */
static inline int sm_reply_document(RedisModuleCtx *ctx, const sm_machine *machine) {
    RedisModuleCallReply *sent = sm_machine_is_node(machine) ? sm_machine_node(machine)->details->sent_document : NULL;

    return sent && sm_config.server_encoded_replies ? RedisModule_ReplyWithCallReply(ctx, sent)
                                                    : sm_reply_document_in_pieces(ctx, machine);
}

#pragma GCC visibility pop

#endif
