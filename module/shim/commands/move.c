/* Commands that move a machine: SM.MUTATE, SM.SEND, SM.RESET. */
#include "command_functions.h"
#include "commands/asker.h"
#include "commands/conditions.h"
#include "commands/keys.h"
#include "commands/once.h"
#include "commands/options.h"
#include "reply/errors.h"
#include "reply/server_encoded.h"
#include "reply/tokens.h"
#include "settings.h"

/* A command that moves a machine. */
typedef struct moving {
    uint8_t kind;
    enum sm_event event;
    sm_bytes argument;
    sm_bytes cause; /* the event that the outbox names */
    sm_options options;
    sm_token token; /* of ID */
} moving;

static void end(const moving *asked, RedisModuleCtx *ctx, sm_target *target, sm_outcome *outcome) {
    const sm_bytes *reason = asked->options.reason.ptr ? &asked->options.reason : NULL;

    target->with_effects = asked->options.reply != SM_REPLY_STATES;
    target->cause = asked->cause;
    target->forced = asked->kind == SM_STEP_FORCE;
    if (outcome->result == SM_TAKEN) sm_commit(ctx, target, outcome, reason, asked->event);
    else sm_key_close(target);
}

/* What a step says that was taken. */
static inline int reply_taken(RedisModuleCtx *ctx, const moving *asked, const sm_target *target,
                              const sm_outcome *outcome) {
    if (!asked->options.reply)
        return asked->event == SM_EVENT_SEND ? sm_reply_states(ctx, outcome->node) : sm_reply_ok(ctx);
    return sm_reply_step(ctx, asked->options.reply, target, outcome);
}

/* ---- refused ---- */

static __attribute__((cold)) int reply_invalid_transition(RedisModuleCtx *ctx, const sm_node *from, sm_bytes to) {
    sm_bytes states = from->details->states, first = {"", 0};
    uint32_t count = 0;
    char token = 0;

    if (sm_tokens_take(&states, &token, 1) && sm_tokens_take(&states, &count, sizeof(count)))
        sm_tokens_string(&states, &first);
    return sm_reply_error_about(ctx, "invalid state transition: ", first, " to ", to, "");
}

static __attribute__((noinline)) int reply_why_not(RedisModuleCtx *ctx, sm_node *node, const sm_asked *refused,
                                                   sm_bytes event) {
    sm_asked asked = *refused;
    sm_outcome why;

    asked.kind = SM_ASK_WHY_NOT;
    asked.argument = event;
    sm_engine_ask(NULL, node, &asked, &why);
    sm_reply_coded_error(ctx, why.code, why.error);
    sm_outcome_release(&why);
    return REDISMODULE_OK;
}

/* That it is not taken: nil, or why, where the settings want an error. A machine in error takes no event, whichever it
 * is. */
static int reply_refused(RedisModuleCtx *ctx, sm_node *from, const sm_asked *asked, uint8_t kind) {
    bool in_error = asked->held && asked->held->parts[SM_PART_ERROR].ptr;

    if (!sm_config.invalid_transition) return RedisModule_ReplyWithNull(ctx);
    if (kind == SM_STEP_SEND) return reply_why_not(ctx, from, asked, asked->argument);
    if (kind == SM_STEP_MUTATE && in_error) return reply_why_not(ctx, from, asked, (sm_bytes){"", 0});
    return reply_invalid_transition(ctx, from, asked->argument);
}

/* ---- all of them ---- */

static sm_asked asked_of(RedisModuleCtx *ctx, const moving *asked) {
    bool wants = asked->options.reply || asked->options.found & SM_OPTION_ID;
    uint8_t with = wants ? SM_WITH_EFFECTS : 0;

    return (sm_asked){asked->kind | with, ctx, asked->argument, NULL, sm_options_given(&asked->options)};
}

/* Whether the machine has not taken the command's step yet. Otherwise the client has its answer. */
static __attribute__((noinline)) bool is_new(RedisModuleCtx *ctx, moving *move, sm_target *target) {
    move->token = (sm_token){
        .command = (uint8_t)move->event, .forced = move->kind == SM_STEP_FORCE, .argument = move->argument};
    return sm_once_look(ctx, target, &move->options, &move->token);
}

/* Opens a key that holds a machine that is as the command wants it, and has not done it yet. Otherwise the client has
 * its answer. */
static inline bool open_machine(RedisModuleCtx *ctx, RedisModuleString *name, moving *move, sm_target *target) {
    if (!sm_asker_open(ctx, name, target)) return false;
    if (move->options.found & SM_OPTION_ID && !is_new(ctx, move, target)) return false;
    if (!sm_conditions_hold(ctx, target, &move->options)) return false;
    if (target->machine) return true;
    sm_key_close(target);
    sm_reply_no_machine(ctx, name);
    return false;
}

/* The machine at a key takes a step from where it stands. */
static int step(RedisModuleCtx *ctx, RedisModuleString *name, moving *move) {
    sm_asked asked = asked_of(ctx, move);
    sm_outcome outcome;
    sm_target target;
    sm_node *from;
    sm_data held;

    if (open_machine(ctx, name, move, &target)) {
        from = sm_machine_node(target.machine);
        if (sm_machine_keeps(target.machine)) {
            sm_machine_data(target.machine, &held);
            asked.held = &held;
            if (from->details->definition->outbox) asked.kind |= SM_WITH_EFFECTS;
        }
        sm_engine_step(from, &asked, &outcome);
        end(move, ctx, &target, &outcome);
        if (outcome.result == SM_TAKEN) reply_taken(ctx, move, &target, &outcome);
        else if (outcome.result == SM_ERROR) sm_reply_coded_error(ctx, outcome.code, outcome.error);
        else reply_refused(ctx, from, &asked, move->kind);
        sm_outcome_release(&outcome);
    }
    sm_options_end(&move->options);
    return REDISMODULE_OK;
}

/* ---- SM.MUTATE ---- */

/* What follows the state: nothing, a reason, FORCE, both, or options. False after an error. */
static bool read_mutation(RedisModuleCtx *ctx, RedisModuleString **argv, int argc, sm_options *options) {
    const unsigned known = SM_OPTION_REASON | SM_OPTION_FORCE | SM_OPTION_DATA | SM_OPTION_GUARDS | SM_OPTION_ACTIONS |
                           SM_OPTION_EFFECTS | SM_OPTION_ID | SM_CONDITIONS;
    bool force_is_last = argc > 3 && argc < 6 && sm_is_word(sm_bytes_of(argv[argc - 1]), "FORCE");

    if (force_is_last) options->found |= SM_OPTION_FORCE;
    if (argc == 3 || (argc == 4 && force_is_last)) return true;
    if (argc == 4 && sm_options_lacks_value(ctx, argv, 3, known)) return false;
    if (argc == 4 || force_is_last) return sm_options_set_reason(ctx, sm_bytes_of(argv[3]), options);
    return sm_options_read(ctx, argv, argc, 3, known, options);
}

int sm_mutate_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    moving move;

    if (argc < 3) return RedisModule_WrongArity(ctx);
    sm_options_begin(&move.options);
    if (!read_mutation(ctx, argv, argc, &move.options)) return REDISMODULE_OK;
    move.kind = move.options.found & SM_OPTION_FORCE ? SM_STEP_FORCE : SM_STEP_MUTATE;
    move.event = SM_EVENT_MUTATE;
    move.argument = sm_bytes_of(argv[2]);
    move.cause = move.kind == SM_STEP_FORCE ? (sm_bytes){"xstate.force", 12} : (sm_bytes){NULL, 0};
    return step(ctx, argv[1], &move);
}

/* ---- SM.SEND, SM.RESET ---- */

int sm_send_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    const unsigned known =
        SM_OPTION_DATA | SM_OPTION_GUARDS | SM_OPTION_ACTIONS | SM_OPTION_EFFECTS | SM_OPTION_REASON | SM_OPTION_ID |
        SM_CONDITIONS;
    moving move;

    if (argc < 3) return RedisModule_WrongArity(ctx);
    sm_options_begin(&move.options);
    if (argc > 3 && !sm_options_read(ctx, argv, argc, 3, known, &move.options)) return REDISMODULE_OK;
    move.kind = SM_STEP_SEND;
    move.event = SM_EVENT_SEND;
    move.argument = move.cause = sm_bytes_of(argv[2]);
    return step(ctx, argv[1], &move);
}

int sm_reset_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    const unsigned known =
        SM_OPTION_INPUT | SM_OPTION_GUARDS | SM_OPTION_ACTIONS | SM_OPTION_EFFECTS | SM_OPTION_REASON | SM_OPTION_ID |
        SM_CONDITIONS;
    moving move = {.kind = SM_STEP_RESET, .event = SM_EVENT_RESET, .argument = {"", 0}, .cause = SM_START_EVENT};
    sm_outcome outcome;
    sm_target target;
    sm_asked asked;

    if (argc < 2) return RedisModule_WrongArity(ctx);
    sm_options_begin(&move.options);
    if (argc > 2 && !sm_options_read(ctx, argv, argc, 2, known, &move.options)) return REDISMODULE_OK;
    asked = asked_of(ctx, &move);
    if (open_machine(ctx, argv[1], &move, &target)) {
        sm_definition *definition = sm_machine_node(target.machine)->details->definition;

        if (definition->outbox) asked.kind |= SM_WITH_EFFECTS;
        sm_engine_begin(definition, NULL, &asked, &outcome);
        end(&move, ctx, &target, &outcome);
        if (outcome.result == SM_TAKEN) reply_taken(ctx, &move, &target, &outcome);
        else sm_reply_coded_error(ctx, outcome.code, outcome.error);
        sm_outcome_release(&outcome);
    }
    sm_options_end(&move.options);
    return REDISMODULE_OK;
}
