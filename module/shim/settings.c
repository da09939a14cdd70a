/* The settings redisstate.*: by CONFIG SET, in redis.conf and as module arguments.
 *
 * A module argument changes the default, so that a value set by redis.conf or written by CONFIG REWRITE is stronger. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "shim.h"

sm_settings sm_config;
uint64_t sm_maxmemory;

static const char *invalid_transition_words[] = {"nil", "error"};
static const int invalid_transition_values[] = {0, 1};

typedef struct numeric {
    const char *name;
    long long *value, standard, least, most;
    unsigned int flags;
    bool limits_documents;
    long long normal; /* the standard, or what a module argument makes of it */
} numeric;

static numeric numerics[] = {
    {"max-document-bytes", &sm_config.document_bytes, 4 << 20, 64, 512LL << 20, REDISMODULE_CONFIG_MEMORY, true, 0},
    {"max-states", &sm_config.states, 10000, 1, 10000000, REDISMODULE_CONFIG_DEFAULT, true, 0},
    {"max-nesting", &sm_config.nesting, 64, 3, 256, REDISMODULE_CONFIG_DEFAULT, true, 0},
    {"max-memo-bytes", &sm_config.memo_bytes, 64 << 20, 1 << 20, 1LL << 40, REDISMODULE_CONFIG_MEMORY, false, 0},
};

enum { NUMERICS = sizeof(numerics) / sizeof(*numerics) };

static int get_enum(const char *name, void *setting) {
    (void)name;
    return *(int *)setting;
}

static int set_enum(const char *name, int value, void *setting, RedisModuleString **error) {
    (void)name, (void)error;
    *(int *)setting = value;
    return REDISMODULE_OK;
}

static long long get_numeric(const char *name, void *setting) {
    (void)name;
    return *((numeric *)setting)->value;
}

static int set_numeric(const char *name, long long value, void *setting, RedisModuleString **error) {
    numeric *number = setting;

    (void)name, (void)error;
    if (*number->value == value) return REDISMODULE_OK;
    *number->value = value;
    if (number->limits_documents) sm_engine_set_limits();
    return REDISMODULE_OK;
}

/* ---- module arguments ---- */

/* A number, with a unit of memory where the setting is one, as redis.conf has it. -1: it is none. */
static long long parse_number(const char *text, bool memory) {
    static const struct {
        const char *word;
        long long bytes;
    } units[] = {{"", 1},         {"b", 1},          {"k", 1000},          {"kb", 1 << 10},
                 {"m", 1000000},  {"mb", 1 << 20},   {"g", 1000000000},    {"gb", 1 << 30}};
    char *end;
    long long value;

    if (*text < '0' || *text > '9') return -1;
    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno) return -1;
    for (size_t i = 0; i < (memory ? sizeof(units) / sizeof(*units) : 1); i++)
        if (strcasecmp(end, units[i].word) == 0 && value <= LLONG_MAX / units[i].bytes) return value * units[i].bytes;
    return -1;
}

static bool argument_numeric(RedisModuleCtx *ctx, numeric *number, const char *text) {
    long long value = parse_number(text, number->flags & REDISMODULE_CONFIG_MEMORY);

    if (value < number->least || value > number->most) {
        RedisModule_Log(ctx, "warning", "module argument %s: '%s' is not a number from %lld to %lld", number->name, text,
                        number->least, number->most);
        return false;
    }
    number->normal = value;
    return true;
}

static bool argument_invalid_transition(RedisModuleCtx *ctx, const char *text) {
    for (int i = 0; i < 2; i++) {
        if (strcasecmp(text, invalid_transition_words[i]) == 0) {
            sm_config.invalid_transition = invalid_transition_values[i];
            return true;
        }
    }
    RedisModule_Log(ctx, "warning", "module argument invalid-transition: '%s' is neither nil nor error", text);
    return false;
}

static bool argument(RedisModuleCtx *ctx, const char *name, const char *text) {
    static const char prefix[] = SM_MODULE_NAME ".";

    if (strncasecmp(name, prefix, sizeof(prefix) - 1) == 0) name += sizeof(prefix) - 1;
    if (strcasecmp(name, "invalid-transition") == 0) return argument_invalid_transition(ctx, text);
    for (size_t i = 0; i < NUMERICS; i++)
        if (strcasecmp(name, numerics[i].name) == 0) return argument_numeric(ctx, &numerics[i], text);
    RedisModule_Log(ctx, "warning",
                    "unknown module argument '%s'; known are invalid-transition, max-document-bytes, max-states, "
                    "max-nesting, max-memo-bytes",
                    name);
    return false;
}

bool sm_settings_arguments(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    sm_config.invalid_transition = 0;
    for (size_t i = 0; i < NUMERICS; i++) numerics[i].normal = numerics[i].standard;
    if (argc % 2) {
        RedisModule_Log(ctx, "warning", "module arguments come in pairs of a setting's name and its value");
        return false;
    }
    for (int i = 0; i < argc; i += 2) {
        const char *name = RedisModule_StringPtrLen(argv[i], NULL);

        if (!argument(ctx, name, RedisModule_StringPtrLen(argv[i + 1], NULL))) return false;
    }
    return true;
}

bool sm_settings_register(RedisModuleCtx *ctx) {
    if (RedisModule_RegisterEnumConfig(ctx, "invalid-transition", sm_config.invalid_transition,
                                       REDISMODULE_CONFIG_DEFAULT, invalid_transition_words, invalid_transition_values,
                                       2, get_enum, set_enum, NULL, &sm_config.invalid_transition) != REDISMODULE_OK)
        return false;
    for (size_t i = 0; i < NUMERICS; i++) {
        numeric *number = &numerics[i];

        *number->value = number->normal;
        if (RedisModule_RegisterNumericConfig(ctx, number->name, number->normal, number->flags, number->least,
                                              number->most, get_numeric, set_numeric, NULL, number) != REDISMODULE_OK)
            return false;
    }
    sm_engine_set_limits();
    return RedisModule_LoadConfigs(ctx) == REDISMODULE_OK;
}

/* ---- a setting of the server's ---- */

static void read_maxmemory(RedisModuleCtx *ctx) {
    RedisModuleServerInfoData *memory = RedisModule_GetServerInfo(ctx, "memory");
    int error = REDISMODULE_OK;
    unsigned long long bytes = RedisModule_ServerInfoGetFieldUnsigned(memory, "maxmemory", &error);

    sm_maxmemory = error == REDISMODULE_OK ? bytes : 0;
    RedisModule_FreeServerInfo(ctx, memory);
}

static void on_config(RedisModuleCtx *ctx, RedisModuleEvent event, uint64_t subevent, void *data) {
    (void)event, (void)subevent, (void)data;
    read_maxmemory(ctx);
}

bool sm_settings_listen(RedisModuleCtx *ctx) {
    read_maxmemory(ctx);
    return RedisModule_SubscribeToServerEvent(ctx, (RedisModuleEvent){REDISMODULE_EVENT_CONFIG, 1}, on_config) ==
           REDISMODULE_OK;
}
