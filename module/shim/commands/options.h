/* The options of the commands: by name, in any order and letter case, behind the positional arguments. */
#ifndef SM_COMMANDS_OPTIONS_H
#define SM_COMMANDS_OPTIONS_H

#include "engine/engine.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

enum sm_option {
    SM_OPTION_CURRENT = 1 << 0, /* CURRENT value */
    SM_OPTION_DATA = 1 << 1,    /* DATA json */
    SM_OPTION_INPUT = 1 << 2,   /* INPUT json */
    SM_OPTION_GUARDS = 1 << 3,  /* GUARDS count name … */
    SM_OPTION_IF = 1 << 4,      /* IF ABSENT, IF PRESENT */
    SM_OPTION_ACTIONS = 1 << 5,
    SM_OPTION_EFFECTS = 1 << 6,
    SM_OPTION_REASON = 1 << 7, /* REASON text */
    SM_OPTION_FORCE = 1 << 8,
    SM_OPTION_WHY = 1 << 9,
    SM_OPTION_IFREV = 1 << 10,   /* IFREV revision */
    SM_OPTION_IFSTATE = 1 << 11, /* IFSTATE path */
    SM_OPTION_ID = 1 << 12,      /* ID token */
};

enum { SM_CONDITIONS = SM_OPTION_IFREV | SM_OPTION_IFSTATE };

/* What a step answers: the states, or these with the names of the effects, or all that came of it. */
enum sm_reply { SM_REPLY_STATES, SM_REPLY_ACTIONS, SM_REPLY_EFFECTS };

enum sm_condition { SM_IF_ANY, SM_IF_ABSENT, SM_IF_PRESENT };

typedef struct sm_options {
    unsigned found;           /* of enum sm_option */
    enum sm_reply reply;
    enum sm_condition condition;
    sm_bytes current, reason; /* without a pointer: not given */
    sm_bytes state;           /* of IFSTATE, */
    uint64_t revision;        /* of IFREV */
    sm_bytes token;           /* of ID */
    sm_given given;
    char *own;                /* the guards, where `few` has no room for them */
    char few[64];
} sm_options;

static inline void sm_options_begin(sm_options *options) {
    const sm_bytes none = {NULL, 0};

    options->found = 0;
    options->reply = SM_REPLY_STATES;
    options->condition = SM_IF_ANY;
    options->current = options->reason = none;
    options->given = (sm_given){none, none, none};
    options->own = NULL;
}

/* Reads what follows from argv[at] on; `known` are the options that this command takes. False after an error, which the
 * client has. */
bool sm_options_read(RedisModuleCtx *ctx, RedisModuleString **argv, int argc, int at, unsigned known,
                     sm_options *options);

/* Whether a word is the name of an option that wants a value; then the client has the error that it is missing. */
bool sm_options_lacks_value(RedisModuleCtx *ctx, RedisModuleString **argv, int at, unsigned known);

/* A number of so many digits at most; -1: it is none. */
long long sm_options_number(sm_bytes text, size_t digits);
enum { SM_LONGEST_NUMBER = 18 }; /* digits, of a revision or a count */

/* Whether a word is the name of one of these options. */
bool sm_options_is_name(sm_bytes word, unsigned known);

/* A reason for a machine. False after an error. */
bool sm_options_set_reason(RedisModuleCtx *ctx, sm_bytes reason, sm_options *options);

/* What came in, or NULL. */
static inline const sm_given *sm_options_given(const sm_options *options) {
    return options->found & (SM_OPTION_DATA | SM_OPTION_INPUT | SM_OPTION_GUARDS) ? &options->given : NULL;
}

static inline void sm_options_end(sm_options *options) {
    if (options->own) RedisModule_Free(options->own);
}

#pragma GCC visibility pop

#endif
