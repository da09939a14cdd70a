/* SM.APPLY: what a primary or an append-only file says that a command has led to (type/applied.h). Nothing is
 * evaluated. */
#include <stdio.h>

#include "command_functions.h"
#include "commands/keys.h"
#include "reply/errors.h"
#include "reply/server_encoded.h"
#include "reply/text.h"

enum { OUTCOMES = 5 };

/* One SM.APPLY, and what it has been told on the way: all of it is released at the end. */
typedef struct applying {
    RedisModuleCtx *ctx;
    sm_applied applied;
    sm_data data; /* what the machine keeps then */
    char *history, *tokens; /* memory of two of its parts, or NULL */
    sm_outcome outcomes[OUTCOMES];
    int count;
    bool accepted_before;
} applying;

static bool refuse(const applying *apply, const char *why) {
    char line[160];
    int len = snprintf(line, sizeof(line), "no outcome in these bytes: %s", why);

    sm_reply_error(apply->ctx, (sm_bytes){line, (size_t)len});
    return false;
}

/* Whether the last outcome is good; otherwise the client has its error. */
static bool taken(applying *apply, enum sm_result result) {
    const sm_outcome *outcome = &apply->outcomes[apply->count++];

    if (result == SM_TAKEN) return true;
    sm_reply_coded_error(apply->ctx, outcome->code, outcome->error);
    return false;
}

static sm_outcome *next(applying *apply) {
    return &apply->outcomes[apply->count];
}

/* The node where the machine stands then, or NULL after an error. */
static sm_node *node_of(applying *apply, const sm_target *target) {
    sm_definition *definition;

    if (apply->applied.whole) {
        if (!taken(apply, sm_engine_definition(apply->applied.canonical, apply->accepted_before, next(apply))))
            return NULL;
        definition = apply->outcomes[0].definition;
    } else {
        definition = sm_machine_node(target->machine)->details->definition;
    }
    if (!taken(apply, sm_engine_node(definition, apply->applied.configuration, apply->accepted_before, next(apply))))
        return NULL;
    return apply->outcomes[apply->count - 1].node;
}

/* The context of a step: the new one, the old one, or the old one with some members set anew. */
static bool read_context(applying *apply, const sm_target *target) {
    sm_bytes *context = &apply->data.parts[SM_PART_CONTEXT];
    sm_data held;

    if (apply->applied.whole || context->ptr) return true;
    sm_machine_data(target->machine, &held);
    *context = held.parts[SM_PART_CONTEXT];
    if (!apply->applied.changes.ptr) return true;
    if (!context->ptr) return refuse(apply, "changes want a context");
    if (!taken(apply, sm_engine_merge(*context, apply->applied.changes, next(apply)))) return false;
    *context = apply->outcomes[apply->count - 1].data->parts[SM_PART_CONTEXT];
    return true;
}

/* The history and the tokens of a step: the old ones, with what it adds, which is looked at before. */
static const char *read_lists(applying *apply, const sm_target *target, const sm_node *node) {
    sm_bytes *parts = apply->data.parts;
    const char *fault;
    sm_data held;

    if (apply->applied.whole) return sm_lists_admit(node, &apply->data);
    sm_machine_data(target->machine, &held);
    if ((fault = sm_step_admit(node, &apply->applied, &held))) return fault;
    parts[SM_PART_HISTORY] = held.parts[SM_PART_HISTORY];
    parts[SM_PART_TOKENS] = held.parts[SM_PART_TOKENS];
    apply->history = sm_record_add_entry(&apply->applied.record, &parts[SM_PART_HISTORY]);
    apply->tokens = sm_record_add_token(&apply->applied.record, &parts[SM_PART_TOKENS]);
    return NULL;
}

static bool is_text(const applying *apply) {
    for (int part = 0; part < SM_TEXTS; part++) {
        sm_bytes text = apply->data.parts[part];

        if (text.ptr && sm_utf8_fault(text) != text.len) return refuse(apply, "a part is not UTF-8");
    }
    return true;
}

/* What a client sends is the engine's to check. */
static bool admit(applying *apply, sm_node *node) {
    if (apply->accepted_before || (!node->details->definition->keeps && !sm_data_is_more(&apply->data))) return true;
    if (!taken(apply, sm_engine_admit(node, &apply->data, next(apply)))) return false;
    for (int part = SM_PART_CONTEXT; part < SM_TEXTS; part++)
        apply->data.parts[part] = apply->outcomes[apply->count - 1].data->parts[part];
    return taken(apply, sm_engine_admit_waits(&apply->data, next(apply)));
}

static bool read_machine(applying *apply, const sm_target *target, sm_node **node) {
    const char *fault;

    if (!target->machine && !apply->applied.whole) {
        sm_reply_no_machine(apply->ctx, target->name);
        return false;
    }
    if (!(*node = node_of(apply, target))) return false;
    if ((*node)->details->definition->counts != (apply->data.revision != 0))
        return refuse(apply, "the revision is missing, or none is counted");
    if ((fault = read_lists(apply, target, *node))) return refuse(apply, fault);
    return read_context(apply, target) && is_text(apply) && admit(apply, *node);
}

int sm_apply_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    applying apply = {.ctx = ctx, .accepted_before = sm_accepted_before(ctx)};
    const char *fault;
    sm_target target;
    sm_node *node;

    if (argc != 3) return RedisModule_WrongArity(ctx);
    if (!sm_key_open(ctx, argv[1], REDISMODULE_READ | REDISMODULE_WRITE, &target)) return REDISMODULE_OK;
    fault = sm_applied_read(sm_bytes_of(argv[2]), &apply.applied);
    apply.data = apply.applied.data;
    target.replaces = apply.applied.whole;
    if (fault ? refuse(&apply, fault) : read_machine(&apply, &target, &node)) {
        sm_commit_applied(ctx, &target, node, &apply.data, apply.applied.record.expires, apply.applied.event);
        sm_reply_ok(ctx);
    } else {
        sm_key_close(&target);
    }
    RedisModule_Free(apply.history);
    RedisModule_Free(apply.tokens);
    while (apply.count) sm_outcome_release(&apply.outcomes[--apply.count]);
    return REDISMODULE_OK;
}
