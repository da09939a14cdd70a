/* Who asks. */
#include "commands/asker.h"

#include <errno.h>

/* The server's call for the user's name ends the server where another module calls without one (also by EVAL): of a
 * command that is to run as the user the server says first whether there is one, and then that there is no such
 * command. One that there is would be written to the log of the ACL, where the user may not use it. */
static bool has_user(RedisModuleCtx *ctx) {
    RedisModuleCallReply *reply;

    errno = 0;
    reply = RedisModule_Call(ctx, "SM.NOBODY", "CE");
    if (reply) RedisModule_FreeCallReply(reply);
    return errno != ENOTSUP;
}

static bool in_script(RedisModuleCtx *ctx) {
    return RedisModule_GetContextFlags(ctx) & REDISMODULE_CTX_FLAGS_LUA;
}

/* Of a client that is connected, and in no script, its user is known without a call. */
static RedisModuleString *name_of_client(RedisModuleCtx *ctx) {
    RedisModule_AutoMemory(ctx); /* the name is there until the command has ended */
    return in_script(ctx) ? NULL : RedisModule_GetClientUserNameById(ctx, RedisModule_GetClientId(ctx));
}

sm_bytes sm_asker_name(RedisModuleCtx *ctx) {
    static const char nobody[] = "(module)";
    RedisModuleString *name = name_of_client(ctx);

    if (!name && has_user(ctx)) name = RedisModule_GetCurrentUserName(ctx);
    return name ? sm_bytes_of(name) : (sm_bytes){nobody, sizeof(nobody) - 1};
}

bool sm_asker_find(RedisModuleCtx *ctx, sm_target *target) {
    RedisModuleString *name = name_of_client(ctx);
    sm_bytes user;

    if (name) {
        target->user = sm_bytes_of(name);
        return true;
    }
    sm_key_close(target);
    user = sm_asker_name(ctx);
    if (!sm_key_open(ctx, target->name, REDISMODULE_READ | REDISMODULE_WRITE, target)) return false;
    target->user = user;
    return true;
}
