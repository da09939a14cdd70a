/* RedisModule_OnLoad: the one entry of the module. Whatever fails is named in the server's log, and nothing stays. */
#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "commands/register.h"
#include "engine/engine.h"
#include "info.h"
#include "python/python.h"
#include "reply/server_encoded.h"
#include "settings.h"
#include "timers/timers.h"
#include "type/type.h"
#include "version.h"

enum { OLDEST_SERVER = 0x00070000 };

static const char bundle_name[] = "/" SM_MODULE_NAME;

/* The folder of Python files beside this library. */
static bool find_bundle(RedisModuleCtx *ctx, char bundle[PATH_MAX]) {
    Dl_info self;
    char *slash;

    if (!dladdr(&bundle_name, &self) || !self.dli_fname || !realpath(self.dli_fname, bundle)) {
        RedisModule_Log(ctx, "warning", "cannot find the module's own file");
        return false;
    }
    slash = strrchr(bundle, '/');
    if (!slash || (size_t)(slash - bundle) + sizeof(bundle_name) > PATH_MAX) return false;
    memcpy(slash, bundle_name, sizeof(bundle_name));
    return true;
}

void sm_log_failure(const char *text, size_t len) {
    RedisModule_Log(NULL, "warning", "%.*s", (int)(len < 4096 ? len : 4096), text);
}

static bool new_enough(RedisModuleCtx *ctx, const char *missing) {
    int version = RedisModule_GetServerVersion ? RedisModule_GetServerVersion() : 0;

    if (!missing && version >= OLDEST_SERVER) return true;
    if (!RedisModule_Log) return false;
    RedisModule_Log(ctx, "warning", "redisstate needs Redis 7.0 or newer, or Valkey; this server is %d.%d.%d%s%s",
                    version >> 16, version >> 8 & 0xff, version & 0xff, missing ? " and lacks " : "",
                    missing ? missing : "");
    return false;
}

__attribute__((visibility("default"))) int RedisModule_OnLoad(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    static bool started;
    const char *missing = redis_api_load(ctx);
    char bundle[PATH_MAX];

    if (RedisModule_SetModuleAttribs) {
        if (RedisModule_IsModuleNameBusy && RedisModule_IsModuleNameBusy(SM_MODULE_NAME)) {
            if (RedisModule_Log)
                RedisModule_Log(NULL, "warning", "a module named " SM_MODULE_NAME " is loaded already");
            return REDISMODULE_ERR;
        }
        RedisModule_SetModuleAttribs(ctx, SM_MODULE_NAME, sm_version_number, REDISMODULE_APIVER_1);
    }
    if (!new_enough(ctx, missing) || !sm_settings_arguments(ctx, argv, argc)) return REDISMODULE_ERR;

    if (!started) {
        sm_memo_init();
        if (!find_bundle(ctx, bundle) || !sm_python_start(ctx, bundle)) return REDISMODULE_ERR;
        if (!sm_engine_start()) {
            RedisModule_Log(ctx, "warning", "cannot start the engine from %s", bundle);
            return REDISMODULE_ERR;
        }
        started = true;
    }
    if (!sm_type_register(ctx) || !sm_commands_register(ctx) ||
        !sm_settings_register(ctx, sm_engine_set_limits) ||
        RedisModule_RegisterInfoFunc(ctx, sm_info) != REDISMODULE_OK || !sm_type_listen(ctx) ||
        !sm_settings_listen(ctx) || !sm_timers_start(ctx, sm_type)) {
        RedisModule_Log(ctx, "warning", "redisstate could not be registered");
        return REDISMODULE_ERR;
    }
    sm_server_encoded_prepare(ctx);
    RedisModule_Log(ctx, "notice", "redisstate %s, Python %s", sm_version, sm_python_version());
    return REDISMODULE_OK;
}
