/* The SM.* commands. Each answers from the memo or asks the engine; what changes a machine ends in `finish`,
 * the one place that decides how a write is replicated and which event it publishes.
 *
 * The table of commands is generated from commands.json. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "command_functions.h"
#include "shim.h"

static sm_bytes bytes_of(const RedisModuleString *string) {
    sm_bytes bytes;

    bytes.ptr = RedisModule_StringPtrLen(string, &bytes.len);
    return bytes;
}

static bool is_word(const RedisModuleString *string, const char *word) {
    sm_bytes bytes = bytes_of(string);

    return bytes.len == strlen(word) && strncasecmp(bytes.ptr, word, bytes.len) == 0;
}

static int syntax_error(RedisModuleCtx *ctx) {
    return RedisModule_ReplyWithError(ctx, "ERR syntax error");
}

bool sm_accepted_before(RedisModuleCtx *ctx) {
    return RedisModule_GetContextFlags(ctx) & (REDISMODULE_CTX_FLAGS_LOADING | REDISMODULE_CTX_FLAGS_REPLICATED);
}

/* ---- keys ---- */

/* Opening its key is most of what a command that reads does itself: it is a part of each, and no call. */
#define IN_PLACE inline __attribute__((always_inline))

typedef struct opened {
    RedisModuleKey *key;
    sm_machine *machine; /* NULL: no such key */
    sm_node *node;       /* where it stood */
} opened;

/* True where the key has no value, so that a command may give it one. */
static __attribute__((noinline, cold)) bool has_no_value(RedisModuleCtx *ctx, opened *at) {
    if (!at->key || RedisModule_KeyType(at->key) == REDISMODULE_KEYTYPE_EMPTY) return true;
    RedisModule_CloseKey(at->key);
    RedisModule_ReplyWithError(ctx, REDISMODULE_ERRORMSG_WRONGTYPE);
    return false;
}

/* Opens the key of a command. False where it holds another type: then the client has its error. */
static IN_PLACE bool open_key(RedisModuleCtx *ctx, RedisModuleString *name, int mode, opened *at) {
    at->machine = NULL;
    at->key = RedisModule_OpenKey(ctx, name, mode);
    if (RedisModule_ModuleTypeGetType(at->key) == sm_type) {
        at->machine = RedisModule_ModuleTypeGetValue(at->key);
        at->node = sm_machine_node(at->machine);
        return true;
    }
    return has_no_value(ctx, at);
}

static int close_key(opened *at, int result) {
    if (at->key) RedisModule_CloseKey(at->key);
    return result;
}

/* Opens for reading. True with a machine; otherwise the client has its answer: an error, or nil. */
static IN_PLACE bool open_machine(RedisModuleCtx *ctx, RedisModuleString *name, int mode, opened *at) {
    if (!open_key(ctx, name, mode, at)) return false;
    if (at->machine) return true;
    close_key(at, RedisModule_ReplyWithNull(ctx));
    return false;
}

/* How a write ends. If it has changed the machine, replicas and the AOF get the command as it came (the engine answers
 * alike everywhere, and what has been accepted here is not held to another server's limits), WATCH wakes, the event
 * goes out. The event is the last: it runs other modules' code, which may delete the key or ask the engine. */
static int finish(RedisModuleCtx *ctx, RedisModuleString *name, opened *at, bool changed, const char *event) {
    close_key(at, REDISMODULE_OK);
    if (!changed) return REDISMODULE_OK;
    RedisModule_SignalModifiedKey(ctx, name);
    RedisModule_ReplicateVerbatim(ctx);
    RedisModule_NotifyKeyspaceEvent(ctx, REDISMODULE_NOTIFY_GENERIC, event, name);
    return REDISMODULE_OK;
}

/* ---- documents in ---- */

/* What the key holds from now on. The key is open for writing and has our type: the server cannot refuse. */
static void hold(opened *at, sm_machine *machine) {
    int code = at->machine ? RedisModule_ModuleTypeReplaceValue(at->key, sm_type, machine, NULL)
                           : RedisModule_ModuleTypeSetValue(at->key, sm_type, machine);

    if (code != REDISMODULE_OK) RedisModule__Assert("the key takes its value", __FILE__, __LINE__);
    at->machine = machine;
}

/* The machine goes to a node, with a new reason or none; `way` is one of its own, or NULL. Says whether that changes
 * anything. */
static bool move(opened *at, sm_node *node, sm_followed *way, const sm_bytes *reason) {
    sm_bytes had;
    bool had_one = sm_machine_reason(at->machine, &had);
    sm_machine *moved;

    if (at->node == node && had_one == (reason != NULL) &&
        (!reason || (had.len == reason->len && memcmp(had.ptr, reason->ptr, had.len) == 0)))
        return false;
    if (way) sm_memo_count_move(at->node, way);
    else sm_machine_count_move(at->node, node);
    moved = sm_machine_move(at->machine, node, reason);
    if (moved != at->machine) hold(at, moved);
    return true;
}

/* Puts a machine at the key, in place of one that stands there; a TTL goes, as with SET. */
static bool store(opened *at, sm_node *node, const sm_bytes *reason) {
    bool expires;

    if (!at->machine) {
        hold(at, sm_machine_new(node, reason));
        return true;
    }
    expires = RedisModule_GetExpire(at->key) != REDISMODULE_NO_EXPIRE;
    if (expires) RedisModule_SetExpire(at->key, REDISMODULE_NO_EXPIRE);
    return move(at, node, NULL, reason) || expires;
}

static int set_document(RedisModuleCtx *ctx, RedisModuleString *name, sm_bytes document, const sm_bytes *current,
                        const char *event) {
    sm_definition *definition = NULL;
    sm_answer answer, entered;
    enum sm_outcome outcome;
    bool changed = false;
    opened at;

    if (!open_key(ctx, name, REDISMODULE_READ | REDISMODULE_WRITE, &at)) return REDISMODULE_OK;
    outcome = sm_engine_known_document(document, &definition, &answer)
                  ? SM_TAKEN
                  : sm_engine_document(document, sm_accepted_before(ctx), &definition, &answer);
    if (outcome == SM_ERROR || (outcome == SM_STRAY && !current)) {
        sm_reply_error(ctx, answer.error);
    } else {
        char *kept = NULL;
        sm_bytes reason = answer.reason;

        if (current) {
            if (answer.has_reason) { /* it does not outlive the next question */
                kept = RedisModule_Alloc(reason.len + 1);
                memcpy(kept, reason.ptr, reason.len);
                reason.ptr = kept;
            }
            outcome = sm_engine_ask(definition, answer.has_history ? answer.node : NULL, SM_KIND_ENTER, *current,
                                    &entered);
        } else {
            entered = answer;
        }
        if (outcome == SM_TAKEN) {
            changed = store(&at, entered.node, answer.has_reason ? &reason : NULL);
            sm_reply_ok(ctx);
        } else {
            sm_reply_error(ctx, entered.error);
        }
        if (kept) RedisModule_Free(kept);
    }
    if (definition) sm_definition_release(definition);
    return finish(ctx, name, &at, changed, event);
}

int sm_set_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    sm_bytes current;

    if (argc < 3 || argc > 4) return RedisModule_WrongArity(ctx);
    if (argc == 4) current = bytes_of(argv[3]);
    return set_document(ctx, argv[1], bytes_of(argv[2]), argc == 4 ? &current : NULL, "sm.set");
}

static const char template[] = "{\"current\":\"\",\"map\":{},\"initial\":\"\"}";

int sm_create_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    if (argc != 2) return RedisModule_WrongArity(ctx);
    return set_document(ctx, argv[1], (sm_bytes){template, sizeof(template) - 1}, NULL, "sm.create");
}

int sm_template_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    (void)argv;
    if (argc != 1) return RedisModule_WrongArity(ctx);
    return RedisModule_ReplyWithStringBuffer(ctx, template, sizeof(template) - 1);
}

/* ---- reading ---- */

static const sm_bytes no_argument = {"", 0};

/* Answers a question that has no argument and is always answered. Its answer is large: not on the stack of those that
 * answer without it. */
static __attribute__((noinline)) int ask(RedisModuleCtx *ctx, sm_definition *definition, sm_node *node, uint8_t kind) {
    sm_answer answer;
    enum sm_outcome outcome = sm_engine_ask(definition, node, kind, no_argument, &answer);

    return outcome == SM_TAKEN ? sm_reply_encoded(ctx, answer.reply) : sm_reply_error(ctx, answer.error);
}

int sm_get_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    enum { DOCUMENT, REASON, CURRENT, INITIAL } what = DOCUMENT;
    opened at;

    if (argc < 2 || argc > 3) return RedisModule_WrongArity(ctx);
    if (argc == 3) {
        if (is_word(argv[2], "REASON")) what = REASON;
        else if (is_word(argv[2], "CURRENT")) what = CURRENT;
        else if (is_word(argv[2], "INITIAL")) what = INITIAL;
        else return syntax_error(ctx);
    }
    if (!open_machine(ctx, argv[1], REDISMODULE_READ, &at)) return REDISMODULE_OK;

    if (what == DOCUMENT) {
        sm_counts.memory_answers++;
        sm_reply_document(ctx, at.machine, at.node);
    } else if (what == REASON) {
        sm_bytes reason;

        sm_counts.memory_answers++;
        sm_machine_reason(at.machine, &reason);
        RedisModule_ReplyWithStringBuffer(ctx, reason.ptr, reason.len);
    } else if (what == CURRENT) {
        ask(ctx, NULL, at.node, SM_KIND_CURRENT);
    } else {
        ask(ctx, at.node->details->definition, NULL, SM_KIND_INITIAL);
    }
    return close_key(&at, REDISMODULE_OK);
}

int sm_state_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    uint8_t kind = 0;
    opened at;

    if (argc < 2 || argc > 3) return RedisModule_WrongArity(ctx);
    if (argc == 3) {
        if (is_word(argv[2], "LIST")) kind = SM_KIND_LIST;
        else if (is_word(argv[2], "ALL")) kind = SM_KIND_ALL;
        else return syntax_error(ctx);
    }
    if (!open_machine(ctx, argv[1], REDISMODULE_READ, &at)) return REDISMODULE_OK;
    if (kind) {
        ask(ctx, at.node->details->definition, NULL, kind);
    } else {
        sm_counts.memory_answers++;
        sm_reply_states(ctx, at.node);
    }
    return close_key(&at, REDISMODULE_OK);
}

/* ---- moving ---- */

static bool good_reason(RedisModuleCtx *ctx, sm_bytes reason) {
    size_t fault = sm_utf8_fault(reason);
    char text[96];
    int len;

    if (reason.len > UINT32_MAX) {
        RedisModule_ReplyWithError(ctx, "ERR the reason is longer than 4294967295 bytes");
        return false;
    }
    if (fault == reason.len) return true;
    len = snprintf(text, sizeof(text), "the reason is not UTF-8: byte %zu is 0x%02x", fault,
                   (unsigned)(unsigned char)reason.ptr[fault]);
    sm_reply_error(ctx, (sm_bytes){text, (size_t)len});
    return false;
}

int sm_mutate_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    sm_bytes state, reason = no_argument;
    sm_answer answer;
    enum sm_outcome outcome;
    bool changed = false;
    opened at;

    if (argc < 3 || argc > 5) return RedisModule_WrongArity(ctx);
    if (argc == 5 && !is_word(argv[4], "FORCE")) return syntax_error(ctx);
    if (argc >= 4) {
        reason = bytes_of(argv[3]);
        if (!good_reason(ctx, reason)) return REDISMODULE_OK;
    }
    if (!open_machine(ctx, argv[1], REDISMODULE_READ | REDISMODULE_WRITE, &at)) return REDISMODULE_OK;

    state = bytes_of(argv[2]);
    outcome = sm_engine_ask(NULL, at.node, argc == 5 ? SM_KIND_FORCE : SM_KIND_MUTATE, state, &answer);
    if (outcome == SM_TAKEN) {
        changed = move(&at, answer.node, answer.way, argc >= 4 ? &reason : NULL);
        sm_reply_ok(ctx);
    } else if (outcome == SM_ERROR) {
        sm_reply_error(ctx, answer.error);
    } else if (sm_config.invalid_transition) {
        sm_reply_invalid_transition(ctx, at.node, state);
    } else {
        RedisModule_ReplyWithNull(ctx);
    }
    return finish(ctx, argv[1], &at, changed, "sm.mutate");
}

/* What an answer to SM.SEND or SM.RESET says: its own reply, or the states where the machine stands now. */
static int reply_taken(RedisModuleCtx *ctx, const sm_answer *answer) {
    return answer->reply.len ? sm_reply_encoded(ctx, answer->reply) : sm_reply_states(ctx, answer->node);
}

int sm_reset_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    bool actions = argc == 3, changed = false;
    sm_answer answer;
    opened at;

    if (argc < 2 || argc > 3) return RedisModule_WrongArity(ctx);
    if (actions && !is_word(argv[2], "ACTIONS")) return syntax_error(ctx);
    if (!open_machine(ctx, argv[1], REDISMODULE_READ | REDISMODULE_WRITE, &at)) return REDISMODULE_OK;
    if (sm_engine_ask(at.node->details->definition, NULL, actions ? SM_KIND_RESET_ACTIONS : SM_KIND_RESET, no_argument,
                      &answer) != SM_TAKEN) {
        sm_reply_error(ctx, answer.error);
    } else {
        changed = move(&at, answer.node, NULL, NULL);
        if (actions) reply_taken(ctx, &answer);
        else sm_reply_ok(ctx);
    }
    return finish(ctx, argv[1], &at, changed, "sm.reset");
}

/* ---- events ---- */

int sm_send_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    bool actions = argc == 4, changed = false;
    sm_answer answer;
    enum sm_outcome outcome;
    opened at;

    if (argc < 3 || argc > 4) return RedisModule_WrongArity(ctx);
    if (actions && !is_word(argv[3], "ACTIONS")) return syntax_error(ctx);
    if (!open_machine(ctx, argv[1], REDISMODULE_READ | REDISMODULE_WRITE, &at)) return REDISMODULE_OK;
    outcome = sm_engine_ask(NULL, at.node, actions ? SM_KIND_SEND_ACTIONS : SM_KIND_SEND, bytes_of(argv[2]), &answer);
    if (outcome == SM_TAKEN) {
        changed = move(&at, answer.node, answer.way, NULL);
        reply_taken(ctx, &answer); /* after the move is counted: it may call a command, and that other modules' filters */
    } else if (outcome == SM_ERROR) {
        sm_reply_error(ctx, answer.error);
    } else {
        RedisModule_ReplyWithNull(ctx);
    }
    return finish(ctx, argv[1], &at, changed, "sm.send");
}

int sm_can_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    sm_answer answer;
    enum sm_outcome outcome;
    opened at;

    if (argc != 3) return RedisModule_WrongArity(ctx);
    if (!open_machine(ctx, argv[1], REDISMODULE_READ, &at)) return REDISMODULE_OK;
    outcome = sm_engine_ask(NULL, at.node, SM_KIND_SEND, bytes_of(argv[2]), &answer);
    if (outcome == SM_ERROR) sm_reply_error(ctx, answer.error);
    else RedisModule_ReplyWithLongLong(ctx, outcome == SM_TAKEN);
    return close_key(&at, REDISMODULE_OK);
}

int sm_next_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    opened at;

    if (argc != 2) return RedisModule_WrongArity(ctx);
    if (!open_machine(ctx, argv[1], REDISMODULE_READ, &at)) return REDISMODULE_OK;
    ask(ctx, NULL, at.node, SM_KIND_NEXT);
    return close_key(&at, REDISMODULE_OK);
}

int sm_check_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    sm_answer answer;

    if (argc != 2) return RedisModule_WrongArity(ctx);
    if (sm_engine_check(bytes_of(argv[1]), &answer) == SM_TAKEN) return sm_reply_encoded(ctx, answer.reply);
    return sm_reply_error(ctx, answer.error);
}

int sm_diagram_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    uint8_t kind = SM_KIND_MERMAID;
    opened at;

    if (argc < 2 || argc > 3) return RedisModule_WrongArity(ctx);
    if (argc == 3 && is_word(argv[2], "DOT")) kind = SM_KIND_DOT;
    else if (argc == 3 && !is_word(argv[2], "MERMAID")) return syntax_error(ctx);
    if (!open_machine(ctx, argv[1], REDISMODULE_READ, &at)) return REDISMODULE_OK;
    ask(ctx, NULL, at.node, kind);
    return close_key(&at, REDISMODULE_OK);
}

/* ---- registration ---- */

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
