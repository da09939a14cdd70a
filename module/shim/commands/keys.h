/* What the SM.* commands share: their words and their key. */
#ifndef SM_COMMANDS_KEYS_H
#define SM_COMMANDS_KEYS_H

#include <string.h>
#include <strings.h>

#include "commands/options.h"
#include "type/type.h"
#include "write/commit.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* ---- words ---- */

static inline sm_bytes sm_bytes_of(const RedisModuleString *string) {
    sm_bytes bytes;

    bytes.ptr = RedisModule_StringPtrLen(string, &bytes.len);
    return bytes;
}

/* Whether bytes are this word, in any letter case. */
static inline bool sm_is_word(sm_bytes bytes, const char *word) {
    return bytes.len == strlen(word) && strncasecmp(bytes.ptr, word, bytes.len) == 0;
}

/* Which of the words an argument is: an index, or -1. The list ends with NULL. */
int sm_word(const RedisModuleString *argument, const char *const *words);

/* Answers that the command does not know a word; `known` says which it knows there. */
int sm_reply_unknown_word(RedisModuleCtx *ctx, const RedisModuleString *command, const RedisModuleString *argument,
                          const char *known);

/* ---- steps ---- */

/* What a step answers that was taken: the states, or what `reply` asks for. */
int sm_reply_step(RedisModuleCtx *ctx, enum sm_reply reply, const sm_target *target, const sm_outcome *outcome);

/* ---- the key ---- */

/* Answers WRONGTYPE and closes the key, unless it has no value; says whether it has none. */
bool sm_key_is_empty(RedisModuleCtx *ctx, RedisModuleKey *key);

/* Answers that there is no machine at the key: nil, or an error where the settings want one. */
int sm_reply_no_machine(RedisModuleCtx *ctx, const RedisModuleString *name);

/* Answers that there is one, where there must not be. */
int sm_reply_is_there(RedisModuleCtx *ctx, const RedisModuleString *name);

/* Opening the key is most of what a command that reads does itself: always inline, so that it is no call. */
#define SM_ALWAYS_INLINE static inline __attribute__((always_inline))

/* Opens the key of a command. False where it holds another type: then the client has its error. */
SM_ALWAYS_INLINE bool sm_key_open(RedisModuleCtx *ctx, RedisModuleString *name, int mode, sm_target *target) {
    target->name = name;
    target->machine = NULL;
    target->replaces = false;
    target->revision = 0;
    target->with_effects = false;
    target->cause = target->user = (sm_bytes){NULL, 0};
    target->forced = false;
    target->token = NULL;
    target->waiting = NULL;
    target->key = RedisModule_OpenKey(ctx, name, mode);
    if (RedisModule_ModuleTypeGetType(target->key) == sm_type) {
        target->machine = RedisModule_ModuleTypeGetValue(target->key);
        return true;
    }
    return sm_key_is_empty(ctx, target->key);
}

static inline void sm_key_close(const sm_target *target) {
    if (target->key) RedisModule_CloseKey(target->key);
}

/* Opens a key that holds a machine. Otherwise the client has its answer: an error, or nil. */
SM_ALWAYS_INLINE bool sm_key_open_machine(RedisModuleCtx *ctx, RedisModuleString *name, int mode, sm_target *target) {
    if (!sm_key_open(ctx, name, mode, target)) return false;
    if (target->machine) return true;
    sm_key_close(target);
    sm_reply_no_machine(ctx, name);
    return false;
}

#pragma GCC visibility pop

#endif
