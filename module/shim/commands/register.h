/* The table of commands that build.py makes of commands.json, and their registration. */
#ifndef SM_COMMANDS_REGISTER_H
#define SM_COMMANDS_REGISTER_H

#include <stdbool.h>

#include "redis_api.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

typedef struct sm_command {
    const char *name;
    RedisModuleCmdFunc function;
    const char *flags;
    const char *acl_categories; /* beside @statemachine */
    int has_key;
    const RedisModuleCommandInfo *info;
} sm_command;

extern const sm_command sm_commands[];
extern const size_t sm_commands_count;

bool sm_commands_register(RedisModuleCtx *ctx);

#pragma GCC visibility pop

#endif
