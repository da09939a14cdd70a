/* Commands that read a machine, and those that look at a document which is not stored. */
#include "command_functions.h"
#include "commands/keys.h"
#include "commands/options.h"
#include "reply/errors.h"
#include "reply/server_encoded.h"
#include "reply/tokens.h"

static int reply_and_release(RedisModuleCtx *ctx, sm_outcome *outcome) {
    if (outcome->result == SM_TAKEN) sm_reply_tokens(ctx, outcome->reply);
    else sm_reply_coded_error(ctx, outcome->code, outcome->error);
    sm_outcome_release(outcome);
    return REDISMODULE_OK;
}

/* Answers a question. Its outcome is large: not on the stack of those that answer without it. */
static __attribute__((noinline)) int ask(RedisModuleCtx *ctx, sm_definition *definition, sm_node *node,
                                         const sm_asked *asked) {
    sm_outcome outcome;

    sm_engine_ask(definition, node, asked, &outcome);
    return reply_and_release(ctx, &outcome);
}

static int ask_of_node(RedisModuleCtx *ctx, const sm_target *target, uint8_t kind) {
    sm_asked asked = {.kind = kind, .argument = {"", 0}};

    return ask(ctx, NULL, sm_machine_node(target->machine), &asked);
}

static int ask_of_definition(RedisModuleCtx *ctx, const sm_target *target, uint8_t kind) {
    sm_asked asked = {.kind = kind, .argument = {"", 0}};

    return ask(ctx, sm_machine_node(target->machine)->details->definition, NULL, &asked);
}

/* About where a machine stands and what it keeps. */
static int ask_of_machine(RedisModuleCtx *ctx, const sm_target *target, uint8_t kind, sm_bytes argument,
                          const sm_given *given) {
    sm_asked asked = {.kind = kind, .argument = argument, .given = given};
    sm_data held;

    if (sm_machine_keeps(target->machine)) {
        sm_machine_data(target->machine, &held);
        asked.held = &held;
    }
    return ask(ctx, NULL, sm_machine_node(target->machine), &asked);
}

/* ---- SM.GET ---- */

static int reply_reason(RedisModuleCtx *ctx, const sm_machine *machine) {
    sm_bytes reason;

    sm_machine_reason(machine, &reason);
    return RedisModule_ReplyWithStringBuffer(ctx, reason.ptr, reason.len);
}

static int reply_part(RedisModuleCtx *ctx, const sm_machine *machine, enum sm_part part) {
    sm_data data;

    sm_machine_data(machine, &data);
    if (!data.parts[part].ptr) return RedisModule_ReplyWithNull(ctx);
    return RedisModule_ReplyWithStringBuffer(ctx, data.parts[part].ptr, data.parts[part].len);
}

static int reply_revision(RedisModuleCtx *ctx, const sm_machine *machine) {
    sm_data data;

    sm_machine_data(machine, &data);
    return data.revision ? RedisModule_ReplyWithLongLong(ctx, (long long)data.revision)
                         : RedisModule_ReplyWithNull(ctx);
}

static int reply_status(RedisModuleCtx *ctx, const sm_machine *machine) {
    const char *status = sm_machine_status(machine);

    return RedisModule_ReplyWithStringBuffer(ctx, status, strlen(status));
}

enum { DOCUMENT = -1, REASON, CURRENT, INITIAL, CONTEXT, OUTPUT, STATUS, SNAPSHOT, REVISION };

static int reply_member(RedisModuleCtx *ctx, const sm_target *target, int what) {
    if (what == CURRENT) return ask_of_node(ctx, target, SM_ASK_CURRENT);
    if (what == INITIAL) return ask_of_definition(ctx, target, SM_ASK_INITIAL);
    if (what == SNAPSHOT) return ask_of_machine(ctx, target, SM_ASK_SNAPSHOT, (sm_bytes){"", 0}, NULL);
    sm_engine_counts.memory_answers++;
    switch (what) {
    case REASON: return reply_reason(ctx, target->machine);
    case CONTEXT: return reply_part(ctx, target->machine, SM_PART_CONTEXT);
    case OUTPUT: return reply_part(ctx, target->machine, SM_PART_OUTPUT);
    case STATUS: return reply_status(ctx, target->machine);
    case REVISION: return reply_revision(ctx, target->machine);
    default: return RedisModule_ReplyWithNull(ctx);
    }
}

int sm_get_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    static const char *const words[] = {"REASON", "CURRENT",  "INITIAL",  "CONTEXT", "OUTPUT",
                                        "STATUS", "SNAPSHOT", "REVISION", NULL};
    static const char known[] =
        "; known are REASON, CURRENT, INITIAL, CONTEXT, OUTPUT, STATUS, SNAPSHOT, REVISION";
    int what = DOCUMENT;
    sm_target target;

    if (argc < 2 || argc > 3) return RedisModule_WrongArity(ctx);
    if (argc == 3 && (what = sm_word(argv[2], words)) < 0)
        return sm_reply_unknown_word(ctx, argv[0], argv[2], known);
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ, &target)) return REDISMODULE_OK;
    if (what == DOCUMENT) {
        sm_engine_counts.memory_answers++;
        sm_reply_document(ctx, target.machine);
    } else {
        reply_member(ctx, &target, what);
    }
    sm_key_close(&target);
    return REDISMODULE_OK;
}

int sm_state_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    static const char *const words[] = {"LIST", "ALL", NULL};
    static const uint8_t kinds[] = {SM_ASK_LIST, SM_ASK_ALL};
    int word = -1;
    sm_target target;

    if (argc < 2 || argc > 3) return RedisModule_WrongArity(ctx);
    if (argc == 3 && (word = sm_word(argv[2], words)) < 0)
        return sm_reply_unknown_word(ctx, argv[0], argv[2], "; known are LIST, ALL");
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ, &target)) return REDISMODULE_OK;
    if (word >= 0) {
        ask_of_definition(ctx, &target, kinds[word]);
    } else {
        sm_engine_counts.memory_answers++;
        sm_reply_states(ctx, sm_machine_node(target.machine));
    }
    sm_key_close(&target);
    return REDISMODULE_OK;
}

int sm_can_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    sm_options options;
    sm_target target;

    if (argc < 3) return RedisModule_WrongArity(ctx);
    sm_options_begin(&options);
    if (argc > 3 && !sm_options_read(ctx, argv, argc, 3, SM_OPTION_DATA | SM_OPTION_GUARDS | SM_OPTION_WHY, &options))
        return REDISMODULE_OK;
    if (sm_key_open_machine(ctx, argv[1], REDISMODULE_READ, &target)) {
        ask_of_machine(ctx, &target, options.found & SM_OPTION_WHY ? SM_ASK_WHY : SM_ASK_CAN, sm_bytes_of(argv[2]),
                       sm_options_given(&options));
        sm_key_close(&target);
    }
    sm_options_end(&options);
    return REDISMODULE_OK;
}

/* Guards are not asked: it is a question about the node, unless the machine takes nothing any more. */
int sm_next_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    sm_target target;

    if (argc != 2) return RedisModule_WrongArity(ctx);
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ, &target)) return REDISMODULE_OK;
    if (sm_machine_keeps(target.machine) && strcmp(sm_machine_status(target.machine), "error") == 0)
        ask_of_machine(ctx, &target, SM_ASK_NEXT, (sm_bytes){"", 0}, NULL);
    else
        ask_of_node(ctx, &target, SM_ASK_NEXT);
    sm_key_close(&target);
    return REDISMODULE_OK;
}

/* ---- documents and pictures ---- */

/* The form of a picture: a kind of question, or 0 after an error. */
static uint8_t picture_form(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    static const char *const words[] = {"MERMAID", "DOT", NULL};
    static const uint8_t kinds[] = {SM_ASK_MERMAID, SM_ASK_DOT};
    int word = argc == 3 ? sm_word(argv[2], words) : 0;

    if (word >= 0) return kinds[word];
    sm_reply_unknown_word(ctx, argv[0], argv[2], "; known are MERMAID, DOT");
    return 0;
}

int sm_diagram_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    uint8_t kind;
    sm_target target;

    if (argc < 2 || argc > 3) return RedisModule_WrongArity(ctx);
    if (!(kind = picture_form(ctx, argv, argc))) return REDISMODULE_OK;
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ, &target)) return REDISMODULE_OK;
    ask_of_node(ctx, &target, kind);
    sm_key_close(&target);
    return REDISMODULE_OK;
}

static int look_at(RedisModuleCtx *ctx, uint8_t kind, const RedisModuleString *document) {
    sm_outcome outcome;

    sm_engine_look_at(kind, sm_bytes_of(document), &outcome);
    return reply_and_release(ctx, &outcome);
}

int sm_render_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    uint8_t kind;

    if (argc < 2 || argc > 3) return RedisModule_WrongArity(ctx);
    if (!(kind = picture_form(ctx, argv, argc))) return REDISMODULE_OK;
    return look_at(ctx, kind, argv[1]);
}

int sm_check_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    if (argc != 2) return RedisModule_WrongArity(ctx);
    return look_at(ctx, SM_ASK_CHECK, argv[1]);
}
