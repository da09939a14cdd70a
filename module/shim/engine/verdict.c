/* What Python says of a question, copied while it says it, and how that becomes an outcome. */
#include <string.h>

#include "engine/internal.h"
#include "python/step.h"
#include "settings.h"

enum { SHARE_OF_MEMO = 64 }; /* nothing larger than the bound's 64th is remembered */

sm_engine_counters sm_engine_counts;
const sm_outcome sm_no_outcome;

/* ---- bytes ---- */

typedef struct sm_piece {
    struct sm_piece *next;
    char bytes[];
} sm_piece;

/* Room for so many bytes, until the outcome is released. */
static char *room(sm_verdict *verdict, size_t len) {
    sm_piece *piece = RedisModule_Alloc(sizeof(*piece) + len);

    piece->next = verdict->pieces;
    verdict->pieces = piece;
    return piece->bytes;
}

static sm_bytes copy_of(sm_verdict *verdict, const char *bytes, size_t len) {
    char *at = room(verdict, len);

    return sm_put(&at, (sm_bytes){bytes, len});
}

void *sm_outcome_room(sm_outcome *outcome, size_t len) {
    sm_piece *piece = RedisModule_Alloc(sizeof(*piece) + len);

    piece->next = outcome->pieces;
    outcome->pieces = piece;
    return piece->bytes;
}

void sm_outcome_free(sm_outcome *outcome) {
    sm_piece *piece = outcome->pieces;

    if (outcome->definition) sm_definition_release(outcome->definition);
    while (piece) {
        sm_piece *next = piece->next;

        RedisModule_Free(piece);
        piece = next;
    }
}

/* ---- what Python says ---- */

void sm_verdict_compiled(sm_verdict *verdict, uint64_t engine, size_t engine_bytes, const char *canonical,
                         size_t canonical_len, size_t split) {
    verdict->engine = engine;
    verdict->engine_bytes = engine_bytes;
    verdict->canonical = copy_of(verdict, canonical, canonical_len);
    verdict->split = split;
}

void sm_verdict_traits(sm_verdict *verdict, int keeps, int counts, int waits, int nests, int starts,
                       int has_history) {
    verdict->keeps = keeps;
    verdict->counts = counts;
    verdict->waits_for = waits;
    verdict->nests = nests;
    verdict->starts = starts;
    verdict->has_history = has_history;
}

static uint64_t positive(long long number) {
    return number > 0 ? (uint64_t)number : 0;
}

void sm_verdict_outbox(sm_verdict *verdict, const char *stream, size_t stream_len, const char *machine,
                       size_t machine_len, int steps, long long maxlen) {
    verdict->outbox = (sm_outbox){copy_of(verdict, stream, stream_len), copy_of(verdict, machine, machine_len),
                                  positive(maxlen), steps};
    verdict->has_outbox = true;
}

void sm_verdict_store(sm_verdict *verdict, long long history, long long tokens, long long expire) {
    verdict->history = positive(history);
    verdict->tokens = positive(tokens);
    verdict->expire = positive(expire);
}

void sm_verdict_reason(sm_verdict *verdict, const char *text, size_t len) {
    verdict->has_reason = true;
    verdict->reason = copy_of(verdict, text, len);
}

void sm_verdict_stand(sm_verdict *verdict, const char *configuration, size_t configuration_len, const char *head,
                      size_t head_len, const char *states, size_t states_len, int done) {
    char *at = room(verdict, configuration_len + head_len + states_len);

    verdict->configuration = sm_put(&at, (sm_bytes){configuration, configuration_len});
    verdict->head = sm_put(&at, (sm_bytes){head, head_len});
    verdict->states = sm_put(&at, (sm_bytes){states, states_len});
    verdict->done = done;
}

/* A copy of what may be missing. */
static sm_bytes put_part(char **at, const char *bytes, long long len) {
    return len < 0 ? (sm_bytes){NULL, 0} : sm_put(at, (sm_bytes){bytes, (size_t)len});
}

static size_t size_of(long long len) {
    return len < 0 ? 0 : (size_t)len;
}

void sm_verdict_outcome(sm_verdict *verdict, const char *configuration, size_t configuration_len, const char *context,
                        long long context_len, const char *changes, long long changes_len, const char *output,
                        long long output_len, const char *error, long long error_len) {
    size_t len = configuration_len + size_of(context_len) + size_of(changes_len) + size_of(output_len) +
                 size_of(error_len);
    sm_data *data = (sm_data *)(void *)room(verdict, sizeof(*data) + len);
    char *at = (char *)(data + 1);

    memset(data, 0, sizeof(*data));
    verdict->configuration = sm_put(&at, (sm_bytes){configuration, configuration_len});
    data->parts[SM_PART_CONTEXT] = put_part(&at, context, context_len);
    verdict->changes = put_part(&at, changes, changes_len);
    data->parts[SM_PART_OUTPUT] = put_part(&at, output, output_len);
    data->parts[SM_PART_ERROR] = put_part(&at, error, error_len);
    verdict->data = data;
    verdict->ask_again = true;
}

void sm_verdict_waits(sm_verdict *verdict, const char *changes, size_t len) {
    verdict->waits = copy_of(verdict, changes, len);
}

void sm_verdict_pending(sm_verdict *verdict, const char *timers, size_t timers_len, const char *tasks,
                        size_t tasks_len) {
    if (!verdict->data) return;
    verdict->data->parts[SM_PART_TIMERS] = copy_of(verdict, timers, timers_len);
    verdict->data->parts[SM_PART_TASKS] = copy_of(verdict, tasks, tasks_len);
}

void sm_verdict_reply(sm_verdict *verdict, const char *tokens, size_t len) {
    verdict->reply = copy_of(verdict, tokens, len);
}

void sm_verdict_error(sm_verdict *verdict, const char *text, size_t len) {
    static const char *const codes[] = {"ERR", "GUARD", "EXPR"};

    verdict->error = copy_of(verdict, text, len);
    verdict->code = codes[0];
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        size_t begins = strlen(codes[i]);

        if (len <= begins || memcmp(text, codes[i], begins) != 0 || text[begins] != ' ') continue;
        verdict->code = codes[i];
        verdict->error.ptr += begins + 1;
        verdict->error.len -= begins + 1;
        return;
    }
}

void sm_verdict_ask_again(sm_verdict *verdict) {
    verdict->ask_again = true;
}

/* ---- to an outcome ---- */

void sm_verdict_begin(sm_verdict *verdict, sm_outcome *outcome) {
    memset(outcome, 0, sizeof(*outcome));
    memset(verdict, 0, sizeof(*verdict));
    sm_memo_make_room();
    sm_engine_counts.calls++;
}

enum sm_result sm_verdict_end(sm_verdict *verdict, sm_outcome *outcome, enum sm_result result) {
    sm_memo_pin();
    outcome->pieces = verdict->pieces;
    return outcome->result = result;
}

enum sm_result sm_verdict_failed(sm_verdict *verdict, sm_outcome *outcome, int code) {
    static const char internal[] = "internal error in the engine; the server's log says more";

    outcome->code = verdict->code;
    outcome->error = verdict->error;
    if (code != SM_VERDICT_ERROR) {
        outcome->code = "ERR";
        outcome->error = (sm_bytes){internal, sizeof(internal) - 1};
    }
    return sm_verdict_end(verdict, outcome, SM_ERROR);
}

enum sm_result sm_outcome_remembered(sm_outcome *outcome, enum sm_result result) {
    sm_memo_pin();
    sm_engine_counts.memory_answers++;
    return outcome->result = result;
}

/* What depends on data leads to nodes that are mostly there: Python says of them no more than their configuration. */
bool sm_verdict_stands(sm_verdict *verdict, sm_definition *definition, sm_outcome *outcome) {
    sm_question question = sm_node_question(definition, verdict->configuration);
    sm_node *node = sm_node_find(&question);

    if (!node) {
        sm_bytes where = verdict->configuration;

        if (!verdict->head.ptr &&
            sm_python_describe(definition->engine, where.ptr, where.len, true, verdict) != SM_VERDICT_TAKEN)
            return false;
        node = sm_node_add(&question, definition, verdict->head, verdict->states);
        node->details->done = verdict->done;
    }
    outcome->node = node;
    outcome->data = verdict->data;
    outcome->changes = verdict->changes;
    outcome->waits = verdict->waits;
    return true;
}

bool sm_is_rememberable(sm_bytes key, sm_bytes reply) {
    return key.len + reply.len <= sm_memo_bound() / SHARE_OF_MEMO;
}

void sm_definition_weigh_engine(sm_definition *definition, uint64_t before, uint64_t after) {
    uint64_t bytes = definition->engine_bytes + after;

    sm_definition_weigh(definition, bytes > before ? (size_t)(bytes - before) : 0);
}

/* ---- the engine as a whole ---- */

bool sm_engine_start(void) {
    return sm_python_ready() == 1 && sm_python_find_step();
}

void sm_engine_set_limits(void) {
    sm_python_set_limits(sm_config.document_bytes, sm_config.states, sm_config.elements, sm_config.nesting,
                         sm_config.context_bytes, sm_config.expression_steps, sm_config.history, sm_config.tokens);
    sm_memo_forget_documents();
}
