/* Steps, to outcomes: from a node's cache, from the table, or from Python, which says whether it may be remembered. */
#include "engine/internal.h"
#include "python/step.h"

enum {
    LONGEST_REFUSAL = 256,   /* bytes of a key; longer ones that are refused are not remembered */
    LONGEST_KEY = 4096,      /* bytes; longer ones are asked again each time */
};

static enum sm_result remembered(sm_edge *edge, sm_outcome *outcome) {
    *outcome = sm_no_outcome;
    if (!edge->item.used) edge->item.used = true;
    outcome->node = edge->target;
    outcome->reply = edge->reply;
    outcome->waits = sm_edge_waits(edge);
    return sm_outcome_remembered(outcome, edge->target ? SM_TAKEN : SM_REFUSED);
}

bool sm_accepted_before(RedisModuleCtx *ctx) {
    return RedisModule_GetContextFlags(ctx) & (REDISMODULE_CTX_FLAGS_LOADING | REDISMODULE_CTX_FLAGS_REPLICATED);
}

/* Asked here, where Python is: the server answers it slower than the memo a step. */
static bool was_accepted(const sm_asked *asked) {
    return asked->ctx && sm_accepted_before(asked->ctx);
}

static int cross(sm_definition *definition, const sm_node *node, const sm_asked *asked, sm_verdict *verdict) {
    uint64_t bytes = sm_python_bytes();
    sm_bytes inputs[SM_INPUTS];
    int code;

    sm_inputs_of(inputs, node, asked);
    code = sm_python_step(definition->engine, asked->kind, was_accepted(asked), RedisModule_Milliseconds(), inputs,
                          verdict);
    sm_definition_weigh_engine(definition, bytes, sm_python_bytes());
    return code;
}

static void remember(sm_definition *definition, const sm_question *question, const sm_verdict *verdict, bool known,
                     const sm_outcome *outcome) {
    const sm_bytes none = {NULL, 0};
    size_t longest = outcome->node ? LONGEST_KEY : LONGEST_REFUSAL;

    if (verdict->ask_again) {
        if (!known && question->key.len <= LONGEST_REFUSAL)
            sm_edge_add(question, definition, NULL, none, none, true);
    } else if (question->key.len <= longest && sm_is_rememberable(question->key, outcome->reply) &&
               sm_is_rememberable(question->key, outcome->waits)) {
        sm_edge_add(question, definition, outcome->node, outcome->reply, outcome->waits, false);
    }
}

/* Asks Python, and remembers what it says where it may be: without a question, nothing is. `known`: an edge says
 * already that it is asked again. */
static enum sm_result ask_python(sm_definition *definition, const sm_node *node, const sm_asked *asked,
                                 const sm_question *question, bool known, sm_outcome *outcome) {
    sm_verdict verdict;
    int code;

    sm_verdict_begin(&verdict, outcome);
    code = cross(definition, node, asked, &verdict);
    if (code != SM_VERDICT_TAKEN && code != SM_VERDICT_REFUSED) return sm_verdict_failed(&verdict, outcome, code);
    if (code == SM_VERDICT_TAKEN && !sm_verdict_stands(&verdict, definition, outcome))
        return sm_verdict_failed(&verdict, outcome, SM_VERDICT_INTERNAL);
    outcome->reply = verdict.reply;
    if (question) remember(definition, question, &verdict, known, outcome);
    return sm_verdict_end(&verdict, outcome, code == SM_VERDICT_TAKEN ? SM_TAKEN : SM_REFUSED);
}

/* A step of a definition, or of a node of it. */
static __attribute__((noinline)) enum sm_result look_up(sm_definition *definition, sm_node *node, const sm_asked *asked,
                                                        uint8_t kind, sm_bytes key, sm_outcome *outcome) {
    sm_question question = sm_question_make(node ? (const void *)node : definition, kind, key);
    sm_edge *edge = sm_edge_find(&question);

    if (edge && !edge->ask_again) return remembered(edge, outcome);
    return ask_python(definition, node, asked, &question, edge != NULL, outcome);
}

static inline enum sm_result follow(sm_node *node, const sm_asked *asked, uint8_t kind, sm_bytes key,
                                    sm_outcome *outcome) {
    sm_cached_edge *cached = sm_edge_cached(node, kind, key);
    sm_edge *edge;

    if (cached && cached->target) { /* nothing else of the node is looked at */
        *outcome = sm_no_outcome;
        outcome->node = cached->target;
        outcome->edge = cached;
        return sm_outcome_remembered(outcome, SM_TAKEN);
    }
    edge = cached ? sm_edge_of(node, cached) : NULL;
    if (edge && !edge->ask_again) return remembered(edge, outcome);
    return look_up(node->details->definition, node, asked, kind, key, outcome);
}

/* Whether the outcome may follow from the node, the argument and the client's guards alone. A machine in error takes
 * nothing, wherever it stands. */
static bool may_be_known(const sm_asked *asked) {
    if (asked->held && asked->held->parts[SM_PART_ERROR].ptr) return false;
    return !asked->given || (!asked->given->data.ptr && !asked->given->input.ptr);
}

/* A step with guards: they begin the key. */
static enum sm_result with_guards(sm_definition *definition, sm_node *node, const sm_asked *asked,
                                  sm_outcome *outcome) {
    sm_bytes guards = asked->given->guards, key = {NULL, guards.len + asked->argument.len};
    uint8_t kind = asked->kind | SM_WITH_GUARDS;
    char few[LONGEST_REFUSAL], *room = key.len <= sizeof(few) ? few : RedisModule_Alloc(key.len), *at = room;
    enum sm_result result;

    sm_put(&at, guards);
    sm_put(&at, asked->argument);
    key.ptr = room;
    result = node ? follow(node, asked, kind, key, outcome) : look_up(definition, NULL, asked, kind, key, outcome);
    if (room != few) RedisModule_Free(room);
    return result;
}

static __attribute__((noinline)) enum sm_result with_more(sm_definition *definition, sm_node *node,
                                                          const sm_asked *asked, sm_outcome *outcome) {
    if (!may_be_known(asked)) return ask_python(definition, node, asked, NULL, false, outcome);
    if (asked->given && asked->given->guards.ptr) return with_guards(definition, node, asked, outcome);
    return node ? follow(node, asked, asked->kind, asked->argument, outcome)
                : look_up(definition, node, asked, asked->kind, asked->argument, outcome);
}

enum sm_result sm_engine_step(sm_node *node, const sm_asked *asked, sm_outcome *outcome) {
    if (asked->given || asked->held) return with_more(node->details->definition, node, asked, outcome);
    return follow(node, asked, asked->kind, asked->argument, outcome);
}

enum sm_result sm_engine_begin(sm_definition *definition, sm_node *node, const sm_asked *asked, sm_outcome *outcome) {
    if (!may_be_known(asked)) return ask_python(definition, node, asked, NULL, false, outcome);
    if (asked->given && asked->given->guards.ptr) return with_guards(definition, node, asked, outcome);
    return look_up(definition, node, asked, asked->kind, asked->argument, outcome);
}
