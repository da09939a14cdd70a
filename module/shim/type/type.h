/* The data type: StateType, its callbacks, and what they need of the server. */
#ifndef SM_TYPE_TYPE_H
#define SM_TYPE_TYPE_H

#include <stdbool.h>

#include "redis_api.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

extern RedisModuleType *sm_type;

bool sm_type_register(RedisModuleCtx *ctx);

/* The last step of loading that may fail: servers before 7.2.4 go on calling a module that did not load. */
bool sm_type_listen(RedisModuleCtx *ctx);

#pragma GCC visibility pop

#endif
