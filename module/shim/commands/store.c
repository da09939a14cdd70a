/* Commands that store a machine: SM.SET, SM.CREATE, and SM.TEMPLATE, which says what SM.CREATE stores. */
#include <stdio.h>

#include "command_functions.h"
#include "commands/asker.h"
#include "commands/conditions.h"
#include "commands/keys.h"
#include "commands/options.h"
#include "reply/errors.h"
#include "reply/server_encoded.h"
#include "write/outbox.h"

enum {
    LONGEST_ERROR = 512,
    SET_OPTIONS = SM_OPTION_CURRENT | SM_OPTION_INPUT | SM_OPTION_GUARDS | SM_OPTION_IF | SM_OPTION_ACTIONS |
                  SM_OPTION_EFFECTS | SM_CONDITIONS,
};

static const char template[] = "{\"current\":\"\",\"map\":{},\"initial\":\"\"}";

/* ---- where the machine stands ---- */

/* The machine that a document says. */
static enum sm_result read_document(RedisModuleCtx *ctx, sm_bytes document, const sm_options *options,
                                    sm_outcome *outcome) {
    if (sm_engine_known_document(document, sm_options_given(options), outcome)) return SM_TAKEN;
    return sm_engine_document(document, sm_accepted_before(ctx), sm_options_given(options), outcome);
}

static bool wants_effects(const sm_outcome *document, const sm_options *options) {
    return options->reply || document->definition->outbox;
}

/* `current` stands in for what the document says, but for what history states restore and the machine keeps. */
static void enter(RedisModuleCtx *ctx, const sm_outcome *document, const sm_options *options, sm_outcome *entered) {
    uint8_t kind = wants_effects(document, options) ? SM_STEP_ENTER | SM_WITH_EFFECTS : SM_STEP_ENTER;
    sm_asked asked = {kind, ctx, options->current, document->data, sm_options_given(options)};

    sm_engine_begin(document->definition, document->has_history ? document->node : NULL, &asked, entered);
}

/* Whether the definition's start is to be asked for: a document that says nothing of where it stands has a node with it
 * where its start depends on nothing. */
static bool starts(const sm_outcome *document, const sm_options *options) {
    return document->result == SM_TAKEN && document->starts &&
           (!document->node || wants_effects(document, options) || sm_options_given(options));
}

static void start(RedisModuleCtx *ctx, const sm_outcome *document, const sm_options *options, sm_outcome *started) {
    uint8_t kind = wants_effects(document, options) ? SM_STEP_RESET | SM_WITH_EFFECTS : SM_STEP_RESET;
    sm_asked asked = {kind, ctx, {"", 0}, NULL, sm_options_given(options)};

    sm_engine_begin(document->definition, NULL, &asked, started);
}

/* ---- SM.SET ---- */

/* A word alone that is no state may be meant as an option. What an expression says has found a state. */
static __attribute__((cold)) int reply_refused(RedisModuleCtx *ctx, const sm_outcome *document,
                                               const sm_outcome *outcome, const sm_options *options) {
    static const char hint[] = "; one word alone behind the document is current: options are two words or more";
    bool entered = outcome != document && strcmp(outcome->code, "ERR") == 0;
    bool alone = options->current.ptr && !(options->found & SM_OPTION_CURRENT);
    char line[LONGEST_ERROR];
    int len;

    if (!alone || !entered || !sm_options_is_name(options->current, SET_OPTIONS))
        return sm_reply_coded_error(ctx, outcome->code, outcome->error);
    len = snprintf(line, sizeof(line), "%.*s%s", (int)(outcome->error.len < 300 ? outcome->error.len : 300),
                   outcome->error.ptr, hint);
    return sm_reply_coded_error(ctx, outcome->code, (sm_bytes){line, (size_t)len});
}

static int finish(RedisModuleCtx *ctx, sm_target *target, const sm_outcome *document, sm_outcome *outcome,
                  const sm_options *options, enum sm_event event) {
    target->replaces = true;
    target->with_effects = options->reply != SM_REPLY_STATES;
    target->cause = SM_START_EVENT;
    if (outcome->result != SM_TAKEN) sm_key_close(target);
    else sm_commit(ctx, target, outcome, document->has_reason ? &document->reason : NULL, event);
    if (outcome->result != SM_TAKEN) return reply_refused(ctx, document, outcome, options);
    return options->reply ? sm_reply_step(ctx, options->reply, target, outcome) : sm_reply_ok(ctx);
}

/* Whether IF holds; otherwise the client has its answer. */
static bool condition_holds(RedisModuleCtx *ctx, const sm_target *target, enum sm_condition condition) {
    if (condition == SM_IF_ANY || (condition == SM_IF_PRESENT) == (target->machine != NULL)) return true;
    sm_key_close(target);
    if (condition == SM_IF_PRESENT) sm_reply_no_machine(ctx, target->name);
    else sm_reply_is_there(ctx, target->name);
    return false;
}

/* Opens the key where the machine is to be. Otherwise the client has its answer. */
static bool open_key(RedisModuleCtx *ctx, RedisModuleString *name, const sm_options *options, sm_target *target) {
    return sm_key_open(ctx, name, REDISMODULE_READ | REDISMODULE_WRITE, target) &&
           condition_holds(ctx, target, options->condition) && sm_conditions_hold(ctx, target, options);
}

/* Who asks, where the machine keeps that, and whether they may write its stream. The server is asked, which runs other
 * modules' code: the key is closed meanwhile. False where it does not open again. */
static bool find_user(RedisModuleCtx *ctx, RedisModuleString *name, const sm_options *options, sm_outcome *outcome,
                      sm_target *target) {
    const sm_definition *definition = outcome->definition;
    sm_bytes user = {NULL, 0};

    if ((!definition->outbox && !definition->history) || sm_accepted_before(ctx)) return true;
    sm_key_close(target);
    if (definition->outbox) sm_outbox_admit(ctx, name, definition->outbox, outcome);
    if (definition->history) user = sm_asker_name(ctx);
    if (!open_key(ctx, name, options, target)) return false;
    target->user = user;
    return true;
}

static int set_document(RedisModuleCtx *ctx, RedisModuleString *name, sm_bytes document, const sm_options *options,
                        enum sm_event event) {
    sm_outcome outcome, begun;
    sm_target target;

    if (!open_key(ctx, name, options, &target)) return REDISMODULE_OK;
    if (read_document(ctx, document, options, &outcome) != SM_ERROR &&
        !find_user(ctx, name, options, &outcome, &target)) {
        sm_outcome_release(&outcome);
        return REDISMODULE_OK;
    }
    if (outcome.result == SM_ERROR) {
        finish(ctx, &target, &outcome, &outcome, options, event);
    } else if (options->current.ptr || starts(&outcome, options)) {
        if (options->current.ptr) enter(ctx, &outcome, options, &begun);
        else start(ctx, &outcome, options, &begun);
        finish(ctx, &target, &outcome, &begun, options, event);
        sm_outcome_release(&begun);
    } else {
        finish(ctx, &target, &outcome, &outcome, options, event);
    }
    sm_outcome_release(&outcome);
    return REDISMODULE_OK;
}

int sm_set_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    sm_options options;

    if (argc < 3) return RedisModule_WrongArity(ctx);
    sm_options_begin(&options);
    if (argc == 4) options.current = sm_bytes_of(argv[3]);
    else if (argc > 4 && !sm_options_read(ctx, argv, argc, 3, SET_OPTIONS, &options)) return REDISMODULE_OK;
    set_document(ctx, argv[1], sm_bytes_of(argv[2]), &options, SM_EVENT_SET);
    sm_options_end(&options);
    return REDISMODULE_OK;
}

int sm_create_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    sm_options options;

    if (argc != 2) return RedisModule_WrongArity(ctx);
    sm_options_begin(&options);
    return set_document(ctx, argv[1], (sm_bytes){template, sizeof(template) - 1}, &options, SM_EVENT_CREATE);
}

int sm_template_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    (void)argv;
    if (argc != 1) return RedisModule_WrongArity(ctx);
    return RedisModule_ReplyWithStringBuffer(ctx, template, sizeof(template) - 1);
}
