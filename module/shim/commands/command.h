/* What the SM.* commands share: their arguments, opening and closing the key, and the one end of every write. */
#ifndef SM_COMMANDS_COMMAND_H
#define SM_COMMANDS_COMMAND_H

#include <string.h>
#include <strings.h>

#include "shim.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* ---- arguments ---- */

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

/* ---- the key ---- */

typedef struct sm_open_key {
    RedisModuleKey *key;
    sm_machine *machine; /* NULL: no such key */
    sm_node *node;       /* where it stands */
} sm_open_key;

/* Answers WRONGTYPE and closes the key, unless it has no value; says whether it has none. */
bool sm_key_is_empty(RedisModuleCtx *ctx, RedisModuleKey *key);

/* Opening the key is most of what a command that reads does itself: always inline, so that it is no call. */
#define SM_ALWAYS_INLINE static inline __attribute__((always_inline))

/* Opens the key of a command. False where it holds another type: then the client has its error. */
SM_ALWAYS_INLINE bool sm_key_open(RedisModuleCtx *ctx, RedisModuleString *name, int mode, sm_open_key *open) {
    open->machine = NULL;
    open->key = RedisModule_OpenKey(ctx, name, mode);
    if (RedisModule_ModuleTypeGetType(open->key) == sm_type) {
        open->machine = RedisModule_ModuleTypeGetValue(open->key);
        open->node = sm_machine_node(open->machine);
        return true;
    }
    return sm_key_is_empty(ctx, open->key);
}

static inline void sm_key_close(sm_open_key *open) {
    if (open->key) RedisModule_CloseKey(open->key);
}

/* Answers that there is no machine at the key: nil, or an error where the settings want one. */
int sm_reply_no_machine(RedisModuleCtx *ctx, const RedisModuleString *name);

/* Opens a key that holds a machine. Otherwise the client has its answer: an error, or nil. */
SM_ALWAYS_INLINE bool sm_key_open_machine(RedisModuleCtx *ctx, RedisModuleString *name, int mode, sm_open_key *open) {
    if (!sm_key_open(ctx, name, mode, open)) return false;
    if (open->machine) return true;
    sm_key_close(open);
    sm_reply_no_machine(ctx, name);
    return false;
}

/* ---- writing ---- */

/* The machine goes to a node, with a new reason or none; `way` is one of its own node, or NULL. Says whether that
 * changes anything. */
bool sm_key_move(sm_open_key *open, sm_node *node, sm_followed *way, const sm_bytes *reason);

/* Puts a machine at the key, in place of one that stands there; a TTL goes, as with SET. Says whether that changes
 * anything. */
bool sm_key_store(sm_open_key *open, sm_node *node, const sm_bytes *reason);

/* How a write that has changed the machine ends, before the client is answered. */
void sm_commit(RedisModuleCtx *ctx, RedisModuleString *name, sm_open_key *open, const char *event);

#pragma GCC visibility pop

#endif
