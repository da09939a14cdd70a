/* Errors to the client: one line each. */
#ifndef SM_REPLY_ERRORS_H
#define SM_REPLY_ERRORS_H

#include "bytes.h"
#include "redis_api.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* A code and the text, cut when long. */
int sm_reply_coded_error(RedisModuleCtx *ctx, const char *code, sm_bytes text);

/* The same with "ERR". */
int sm_reply_error(RedisModuleCtx *ctx, sm_bytes text);

/* `before`, a name in quotes, `between`, another where it is not NULL, `after`: short words and names of any length. */
int sm_reply_error_about(RedisModuleCtx *ctx, const char *before, sm_bytes name, const char *between, sm_bytes other,
                         const char *after);

#pragma GCC visibility pop

#endif
