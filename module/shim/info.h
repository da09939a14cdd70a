/* INFO redisstate. */
#ifndef SM_INFO_H
#define SM_INFO_H

#include "redis_api.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

void sm_info(RedisModuleInfoCtx *ctx, int for_crash_report);

#pragma GCC visibility pop

#endif
