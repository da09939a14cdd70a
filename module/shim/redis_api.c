/* Defines the module API's function pointers and fills them from the server that loads the module. */
#include "redis_api.h"

#include <string.h>

#define REDIS_API_DEFINE(needed, type, name, args) type(*RedisModule_##name) args;
REDIS_API(REDIS_API_DEFINE)

bool redis_api_is_valkey;

typedef int (*get_api_function)(const char *name, void *pointer);

const char *redis_api_load(RedisModuleCtx *ctx) {
    void *first_word;
    get_api_function get_api;
    const char *missing = NULL;
    void *valkeys;

    memcpy(&first_word, ctx, sizeof(first_word));
    memcpy(&get_api, &first_word, sizeof(get_api));
#define REDIS_API_FILL(needed, type, name, args)                                                                      \
    if (get_api("RedisModule_" #name, (void *)&RedisModule_##name) != REDISMODULE_OK) {                               \
        RedisModule_##name = NULL;                                                                                    \
        if ((needed) && !missing) missing = #name;                                                                    \
    }
    REDIS_API(REDIS_API_FILL)
    redis_api_is_valkey = get_api("ValkeyModule_SetModuleOptions", &valkeys) == REDISMODULE_OK;
    return missing;
}
