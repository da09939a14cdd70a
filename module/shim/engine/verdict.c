/* What Python says of a question, copied while it says it, and how that becomes an outcome. */
#include <string.h>

#include "engine/internal.h"
#include "settings.h"

enum { SHARE_OF_MEMO = 64 }; /* nothing larger than the bound's 64th is remembered */

sm_engine_counters sm_engine_counts;

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
                         size_t canonical_len, size_t split, int has_history) {
    verdict->engine = engine;
    verdict->engine_bytes = engine_bytes;
    verdict->canonical = copy_of(verdict, canonical, canonical_len);
    verdict->split = split;
    verdict->has_history = has_history;
}

void sm_verdict_reason(sm_verdict *verdict, const char *text, size_t len) {
    verdict->has_reason = true;
    verdict->reason = copy_of(verdict, text, len);
}

void sm_verdict_stand(sm_verdict *verdict, const char *configuration, size_t configuration_len, const char *head,
                      size_t head_len, const char *states, size_t states_len) {
    char *at = room(verdict, configuration_len + head_len + states_len);

    verdict->configuration = sm_put(&at, (sm_bytes){configuration, configuration_len});
    verdict->head = sm_put(&at, (sm_bytes){head, head_len});
    verdict->states = sm_put(&at, (sm_bytes){states, states_len});
}

void sm_verdict_reply(sm_verdict *verdict, const char *tokens, size_t len) {
    verdict->reply = copy_of(verdict, tokens, len);
}

void sm_verdict_error(sm_verdict *verdict, const char *text, size_t len) {
    verdict->error = copy_of(verdict, text, len);
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

    outcome->error = verdict->error;
    if (code != SM_VERDICT_ERROR) outcome->error = (sm_bytes){internal, sizeof(internal) - 1};
    return sm_verdict_end(verdict, outcome, SM_ERROR);
}

enum sm_result sm_outcome_remembered(sm_outcome *outcome, enum sm_result result) {
    sm_memo_pin();
    sm_engine_counts.memory_answers++;
    return outcome->result = result;
}

sm_node *sm_verdict_node(const sm_verdict *verdict, sm_definition *definition) {
    sm_question question = sm_node_question(definition, verdict->configuration);
    sm_node *node = sm_node_find(&question);

    return node ? node : sm_node_add(&question, definition, verdict->head, verdict->states);
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
    return sm_python_ready() == 1;
}

void sm_engine_set_limits(void) {
    sm_python_set_limits(sm_config.document_bytes, sm_config.states, sm_config.elements, sm_config.nesting);
    sm_memo_forget_documents();
}
