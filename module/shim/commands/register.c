/* Registers the SM.* commands, as the table that build.py makes of commands.json has them. */
#include "commands/register.h"

#include <stdio.h>

static bool set_categories(RedisModuleCtx *ctx, RedisModuleCommand *command, const char *categories, bool own) {
    char words[128];

    if (!RedisModule_SetCommandACLCategories) return true;
    snprintf(words, sizeof(words), "%s%s%s", categories, own && *categories ? " " : "", own ? "statemachine" : "");
    if (!*words || RedisModule_SetCommandACLCategories(command, words) == REDISMODULE_OK) return true;
    RedisModule_Log(ctx, "warning", "cannot set the ACL categories '%s'", words);
    return false;
}

bool sm_commands_register(RedisModuleCtx *ctx) {
    bool own_category = RedisModule_AddACLCategory && RedisModule_AddACLCategory(ctx, "statemachine") == REDISMODULE_OK;

    for (size_t i = 0; i < sm_commands_count; i++) {
        const sm_command *command = &sm_commands[i];
        int first = command->has_key ? 1 : 0;
        RedisModuleCommand *created;

        if (RedisModule_CreateCommand(ctx, command->name, command->function, command->flags, first, first, first) !=
                REDISMODULE_OK ||
            !(created = RedisModule_GetCommand(ctx, command->name)) ||
            RedisModule_SetCommandInfo(created, command->info) != REDISMODULE_OK ||
            !set_categories(ctx, created, command->acl_categories, own_category)) {
            RedisModule_Log(ctx, "warning", "cannot register the command %s", command->name);
            return false;
        }
    }
    return true;
}
