/* A command with a token is done once: ID. */
#ifndef SM_COMMANDS_ONCE_H
#define SM_COMMANDS_ONCE_H

#include "commands/keys.h"
#include "machine/idempotency.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* Whether the machine of an open key has not taken a step with the command's token, which the target has then.
 * Otherwise, or where the machine keeps no tokens, the key is closed, and the client has its answer. `token` says the
 * command, its argument, and whether it forces. */
bool sm_once_look(RedisModuleCtx *ctx, sm_target *target, const sm_options *options, sm_token *token);

#pragma GCC visibility pop

#endif
