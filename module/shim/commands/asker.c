/* Who asks. */
#include "commands/asker.h"

#include <errno.h>

/* The server's call for the user's name ends the server where another module calls without one (also by EVAL). Outside
 * a script the name of the client's user is asked for instead, which is none there; in a script a command that runs as
 * its user says whether it has one. */
static bool script_has_user(RedisModuleCtx *ctx) {
    RedisModuleCallReply *reply;

    errno = 0;
    reply = RedisModule_Call(ctx, "SM.TEMPLATE", "CE");
    if (reply) RedisModule_FreeCallReply(reply);
    return errno != ENOTSUP;
}

static bool in_script(RedisModuleCtx *ctx) {
    return RedisModule_GetContextFlags(ctx) & REDISMODULE_CTX_FLAGS_LUA;
}

sm_bytes sm_asker_name(RedisModuleCtx *ctx) {
    static const char nobody[] = "(module)";
    RedisModuleString *name = NULL;

    RedisModule_AutoMemory(ctx); /* the name is there until the command has ended */
    if (!in_script(ctx)) name = RedisModule_GetClientUserNameById(ctx, RedisModule_GetClientId(ctx));
    else if (script_has_user(ctx)) name = RedisModule_GetCurrentUserName(ctx);
    return name ? sm_bytes_of(name) : (sm_bytes){nobody, sizeof(nobody) - 1};
}

bool sm_asker_find(RedisModuleCtx *ctx, sm_target *target) {
    bool closes = in_script(ctx);
    sm_bytes user;

    if (closes) sm_key_close(target);
    user = sm_asker_name(ctx);
    if (closes && !sm_key_open(ctx, target->name, REDISMODULE_READ | REDISMODULE_WRITE, target)) return false;
    target->user = user;
    return true;
}
