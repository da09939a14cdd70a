/* The settings redisstate.*: by CONFIG SET, in redis.conf and as module arguments.
 *
 * A module argument changes the default, so that a value set by redis.conf or written by CONFIG REWRITE is stronger. */
#include "settings.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

sm_settings sm_config;
uint64_t sm_maxmemory;

/* A setting of two words, which mean 0 and 1. */
typedef struct choice {
    const char *name;
    int *value, standard;
    const char *words[2];
    int normal; /* the standard, or what a module argument makes of it */
} choice;

static choice choices[] = {
    {"invalid-transition", &sm_config.invalid_transition, 0, {"nil", "error"}, 0},
    {"server-encoded-replies", &sm_config.server_encoded_replies, 1, {"no", "yes"}, 0},
    {"fire-timers", &sm_config.fire_timers, 1, {"no", "yes"}, 0},
};

typedef struct numeric {
    const char *name;
    long long *value, standard, least, most;
    unsigned int flags;
    bool limits_documents;
    long long normal;
} numeric;

static numeric numerics[] = {
    {"max-document-bytes", &sm_config.document_bytes, 320 << 10, 64, 512LL << 20, REDISMODULE_CONFIG_MEMORY, true, 0},
    {"max-states", &sm_config.states, 10000, 1, 10000000, REDISMODULE_CONFIG_DEFAULT, true, 0},
    {"max-elements", &sm_config.elements, 4000, 1, 100000000, REDISMODULE_CONFIG_DEFAULT, true, 0},
    {"max-nesting", &sm_config.nesting, 64, 3, 256, REDISMODULE_CONFIG_DEFAULT, true, 0},
    {"max-context-bytes", &sm_config.context_bytes, 64 << 10, 2, 512LL << 20, REDISMODULE_CONFIG_MEMORY, true, 0},
    {"max-expression-steps", &sm_config.expression_steps, 50000, 1, 1000000000, REDISMODULE_CONFIG_DEFAULT, true, 0},
    {"max-history", &sm_config.history, 1000, 1, 1000000, REDISMODULE_CONFIG_DEFAULT, true, 0},
    {"max-idempotency", &sm_config.tokens, 1000, 1, 1000000, REDISMODULE_CONFIG_DEFAULT, true, 0},
    {"max-memo-bytes", &sm_config.memo_bytes, 128 << 20, 1 << 20, 1LL << 40, REDISMODULE_CONFIG_MEMORY, false, 0},
};

/* A pattern of names: glob(7). */
typedef struct pattern {
    const char *name, **value, *standard;
    const char *normal;
    RedisModuleString *kept; /* which `value` points into */
} pattern;

static pattern patterns[] = {{"outbox-streams", &sm_config.outbox_streams, "*", NULL, NULL}};

enum {
    PATTERNS = sizeof(patterns) / sizeof(*patterns),
    CHOICES = sizeof(choices) / sizeof(*choices),
    NUMERICS = sizeof(numerics) / sizeof(*numerics),
    LONGEST_LIST = 256,
};

static void (*limits_changed)(void);

static int get_choice(const char *name, void *setting) {
    (void)name;
    return *((choice *)setting)->value;
}

static int set_choice(const char *name, int value, void *setting, RedisModuleString **error) {
    (void)name, (void)error;
    *((choice *)setting)->value = value;
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
    if (number->limits_documents) limits_changed();
    return REDISMODULE_OK;
}

static void keep_pattern(pattern *setting, RedisModuleString *value) {
    RedisModuleString *former = setting->kept;

    setting->kept = value;
    *setting->value = RedisModule_StringPtrLen(value, NULL);
    if (former) RedisModule_FreeString(NULL, former);
}

static RedisModuleString *get_pattern(const char *name, void *setting) {
    (void)name;
    return ((pattern *)setting)->kept;
}

static int set_pattern(const char *name, RedisModuleString *value, void *setting, RedisModuleString **error) {
    static const char why[] = "a pattern has no NUL";
    size_t len;
    const char *text = RedisModule_StringPtrLen(value, &len);

    (void)name;
    if (memchr(text, 0, len)) {
        *error = RedisModule_CreateString(NULL, why, sizeof(why) - 1);
        return REDISMODULE_ERR;
    }
    keep_pattern(setting, RedisModule_CreateString(NULL, text, len));
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
        RedisModule_Log(ctx, "warning", "module argument %s: '%s' is not a number from %lld to %lld", number->name,
                        text, number->least, number->most);
        return false;
    }
    number->normal = value;
    return true;
}

static bool argument_choice(RedisModuleCtx *ctx, choice *setting, const char *text) {
    for (int i = 0; i < 2; i++) {
        if (strcasecmp(text, setting->words[i]) == 0) {
            setting->normal = i;
            return true;
        }
    }
    RedisModule_Log(ctx, "warning", "module argument %s: '%s' is neither %s nor %s", setting->name, text,
                    setting->words[0], setting->words[1]);
    return false;
}

static void log_unknown(RedisModuleCtx *ctx, const char *name) {
    char known[LONGEST_LIST] = "";

    for (size_t i = 0; i < CHOICES + NUMERICS + PATTERNS; i++) {
        strncat(known, i ? ", " : "", sizeof(known) - strlen(known) - 1);
        strncat(known, i < CHOICES              ? choices[i].name
                       : i < CHOICES + NUMERICS ? numerics[i - CHOICES].name
                                                : patterns[i - CHOICES - NUMERICS].name,
                sizeof(known) - strlen(known) - 1);
    }
    RedisModule_Log(ctx, "warning", "unknown module argument '%s'; known are %s", name, known);
}

static bool argument(RedisModuleCtx *ctx, const char *name, const char *text) {
    static const char prefix[] = SM_MODULE_NAME ".";

    if (strncasecmp(name, prefix, sizeof(prefix) - 1) == 0) name += sizeof(prefix) - 1;
    for (size_t i = 0; i < CHOICES; i++)
        if (strcasecmp(name, choices[i].name) == 0) return argument_choice(ctx, &choices[i], text);
    for (size_t i = 0; i < NUMERICS; i++)
        if (strcasecmp(name, numerics[i].name) == 0) return argument_numeric(ctx, &numerics[i], text);
    for (size_t i = 0; i < PATTERNS; i++) {
        if (strcasecmp(name, patterns[i].name) != 0) continue;
        patterns[i].normal = text;
        return true;
    }
    log_unknown(ctx, name);
    return false;
}

bool sm_settings_arguments(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    for (size_t i = 0; i < CHOICES; i++) choices[i].normal = choices[i].standard;
    for (size_t i = 0; i < NUMERICS; i++) numerics[i].normal = numerics[i].standard;
    for (size_t i = 0; i < PATTERNS; i++) patterns[i].normal = patterns[i].standard;
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

/* ---- registration ---- */

static bool register_choice(RedisModuleCtx *ctx, choice *setting) {
    static const int values[] = {0, 1};

    *setting->value = setting->normal;
    return RedisModule_RegisterEnumConfig(ctx, setting->name, setting->normal, REDISMODULE_CONFIG_DEFAULT,
                                          setting->words, values, 2, get_choice, set_choice, NULL,
                                          setting) == REDISMODULE_OK;
}

static bool register_numeric(RedisModuleCtx *ctx, numeric *number) {
    *number->value = number->normal;
    return RedisModule_RegisterNumericConfig(ctx, number->name, number->normal, number->flags, number->least,
                                             number->most, get_numeric, set_numeric, NULL, number) == REDISMODULE_OK;
}

static bool register_pattern(RedisModuleCtx *ctx, pattern *setting) {
    keep_pattern(setting, RedisModule_CreateString(NULL, setting->normal, strlen(setting->normal)));
    return RedisModule_RegisterStringConfig(ctx, setting->name, setting->normal, REDISMODULE_CONFIG_DEFAULT,
                                            get_pattern, set_pattern, NULL, setting) == REDISMODULE_OK;
}

bool sm_settings_register(RedisModuleCtx *ctx, void (*changed)(void)) {
    limits_changed = changed;
    for (size_t i = 0; i < CHOICES; i++)
        if (!register_choice(ctx, &choices[i])) return false;
    for (size_t i = 0; i < NUMERICS; i++)
        if (!register_numeric(ctx, &numerics[i])) return false;
    for (size_t i = 0; i < PATTERNS; i++)
        if (!register_pattern(ctx, &patterns[i])) return false;
    limits_changed();
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
