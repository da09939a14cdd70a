/* The tokens of commands: what was answered is answered again. */
#include "commands/once.h"

#include "reply/effects.h"
#include "reply/errors.h"
#include "reply/server_encoded.h"
#include "reply/text.h"

static bool is_same_step(const sm_token *used, const sm_token *asked) {
    return used->command == asked->command && used->forced == asked->forced && sm_same(used->argument, asked->argument);
}

static void refuse_uncounted(RedisModuleCtx *ctx) {
    RedisModule_ReplyWithError(ctx, "ERR ID: this machine keeps no tokens; one whose document has a \"store\", {} is "
                                    "enough, does");
}

static void refuse_other(RedisModuleCtx *ctx, const sm_token *used, const sm_token *asked) {
    static const char *const commands[SM_EVENTS] = {
        [SM_EVENT_MUTATE] = "SM.MUTATE", [SM_EVENT_SEND] = "SM.SEND", [SM_EVENT_RESET] = "SM.RESET",
        [SM_EVENT_DONE] = "SM.DONE",     [SM_EVENT_FAIL] = "SM.FAIL",
    };
    const char *command = used->command < SM_EVENTS ? commands[used->command] : NULL;
    char line[2 * SM_LONGEST_QUOTED + 96], *at = line;

    at = sm_put_quoted(stpcpy(at, "token "), used->token);
    at = stpcpy(stpcpy(at, " was used for "), command ? command : "another command");
    if (used->command != SM_EVENT_RESET) at = sm_put_quoted(stpcpy(at, " "), used->argument);
    if (used->forced) at = stpcpy(at, " with FORCE");
    if (is_same_step(used, asked)) at = stpcpy(at, " with other data");
    sm_reply_error(ctx, (sm_bytes){line, (size_t)(at - line)});
}

static void repeat(RedisModuleCtx *ctx, enum sm_reply reply, const sm_token *used) {
    static const char *const words[SM_STATUSES] = {"active", "done", "error"};
    sm_answer answer = {.states = used->states,
                        .effects = used->effects,
                        .revision = used->revision,
                        .status = words[used->status % SM_STATUSES]};

    if (reply == SM_REPLY_ACTIONS) sm_reply_actions(ctx, &answer);
    else if (reply == SM_REPLY_EFFECTS) sm_reply_effects(ctx, &answer);
    else if (used->command == SM_EVENT_MUTATE || used->command == SM_EVENT_RESET) sm_reply_ok(ctx);
    else sm_reply_answer_states(ctx, &answer);
}

/* Data and input that are missing are other than empty ones. */
static uint64_t checksum_of(const sm_given *given) {
    static const sm_bytes data = {"DATA", 4}, input = {"INPUT", 5};
    uint64_t sum = 0;

    if (given->data.ptr) sum = sm_checksum(sm_checksum(sum, data), given->data);
    if (given->input.ptr) sum = sm_checksum(sm_checksum(sum, input), given->input);
    return sum;
}

bool sm_once_look(RedisModuleCtx *ctx, sm_target *target, const sm_options *options, sm_token *token) {
    sm_token used;
    sm_data held;

    token->token = options->token;
    token->checksum = checksum_of(&options->given);
    target->token = token;
    if (!target->machine) return true;
    sm_machine_data(target->machine, &held);
    if (!sm_machine_node(target->machine)->details->definition->tokens) refuse_uncounted(ctx);
    else if (!sm_tokens_find(held.parts[SM_PART_TOKENS], token->token, &used)) return true;
    else if (is_same_step(&used, token) && used.checksum == token->checksum) repeat(ctx, options->reply, &used);
    else refuse_other(ctx, &used, token);
    sm_key_close(target);
    return false;
}
