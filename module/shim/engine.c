/* Questions to the engine: answered from the memo, or by Python once and then kept in the memo. */
#include "engine_api.h"
#include "shim.h"

#include <string.h>

enum {
    LONGEST_REFUSAL = 256,   /* bytes of an argument; longer ones that are refused are not remembered */
    LONGEST_ARGUMENT = 4096, /* bytes; longer ones are asked again each time */
    SHARE_OF_MEMO = 64,      /* nothing larger than the bound's 64th is remembered */
};

static const sm_bytes nothing = {"", 0};

static bool rememberable(sm_bytes key, sm_bytes reply) {
    return key.len + reply.len <= (size_t)sm_config.memo_bytes / SHARE_OF_MEMO;
}

static sm_bytes safe(sm_bytes bytes) {
    return bytes.ptr ? bytes : nothing;
}

/* ---- what Python says ---- */

typedef struct sm_piece {
    struct sm_piece *next;
    char bytes[];
} sm_piece;

struct sm_verdict {
    uint64_t engine;
    size_t engine_bytes, split;
    bool has_reason, has_history;
    sm_bytes canonical, reason, configuration, head, states, reply, error;
    sm_piece *pieces; /* where they lie */
};

/* Room for so many bytes, until the verdict's pieces are freed. */
static char *room(sm_verdict *verdict, size_t len) {
    sm_piece *piece = RedisModule_Alloc(sizeof(*piece) + len);

    piece->next = verdict->pieces;
    verdict->pieces = piece;
    return piece->bytes;
}

static sm_bytes put(char **at, const char *bytes, size_t len) {
    sm_bytes copied = {*at, len};

    if (len) memcpy(*at, bytes, len);
    *at += len;
    return copied;
}

static sm_bytes copied(sm_verdict *verdict, const char *bytes, size_t len) {
    char *at = room(verdict, len);

    return put(&at, bytes, len);
}

void sm_pieces_free(sm_piece *pieces) {
    while (pieces) {
        sm_piece *next = pieces->next;

        RedisModule_Free(pieces);
        pieces = next;
    }
}

void sm_verdict_compiled(sm_verdict *verdict, uint64_t engine, size_t engine_bytes, const char *canonical,
                         size_t canonical_len, size_t split, int has_history) {
    verdict->engine = engine;
    verdict->engine_bytes = engine_bytes;
    verdict->canonical = copied(verdict, canonical, canonical_len);
    verdict->split = split;
    verdict->has_history = has_history;
}

void sm_verdict_reason(sm_verdict *verdict, const char *text, size_t len) {
    verdict->has_reason = true;
    verdict->reason = copied(verdict, text, len);
}

void sm_verdict_stand(sm_verdict *verdict, const char *configuration, size_t configuration_len, const char *head,
                      size_t head_len, const char *states, size_t states_len) {
    char *at = room(verdict, configuration_len + head_len + states_len);

    verdict->configuration = put(&at, configuration, configuration_len);
    verdict->head = put(&at, head, head_len);
    verdict->states = put(&at, states, states_len);
}

void sm_verdict_reply(sm_verdict *verdict, const char *encoded, size_t len) {
    verdict->reply = copied(verdict, encoded, len);
}

void sm_verdict_error(sm_verdict *verdict, const char *text, size_t len) {
    verdict->error = copied(verdict, text, len);
}

/* ---- questions ---- */

/* What an answer points to stays from here on: it has been found, and is not released yet. */
static enum sm_outcome answered(enum sm_outcome outcome) {
    sm_memo_pin();
    return outcome;
}

static void verdict_init(sm_verdict *verdict) {
    memset(verdict, 0, sizeof(*verdict));
    sm_counts.engine_calls++;
}

static enum sm_outcome failed(int code, const sm_verdict *verdict, sm_answer *answer) {
    static const char internal[] = "internal error in the engine; the server's log says more";

    answer->pieces = verdict->pieces;
    answer->error = safe(verdict->error);
    if (code != SM_VERDICT_ERROR) answer->error = (sm_bytes){internal, sizeof(internal) - 1};
    return answered(SM_ERROR);
}

/* The node that a verdict describes. */
static sm_node *node_of(sm_definition *definition, const sm_verdict *verdict) {
    sm_question question = sm_node_question(definition, safe(verdict->configuration));
    sm_node *node = sm_node_find(&question);

    return node ? node : sm_node_add(&question, definition, safe(verdict->head), safe(verdict->states));
}

static int compile(sm_bytes document, bool accepted_before, sm_verdict *verdict, sm_definition **held) {
    int code;

    verdict_init(verdict);
    code = sm_python_compile(document.ptr, document.len, accepted_before, verdict);
    if (code == SM_VERDICT_TAKEN || code == SM_VERDICT_STRAY) {
        sm_question question = sm_definition_question(safe(verdict->canonical));

        *held = sm_definition_find(&question);
        if (*held) {
            sm_python_forget(verdict->engine);
        } else {
            *held = sm_definition_add(&question, verdict->split, verdict->engine, verdict->engine_bytes);
        }
        sm_definition_hold(*held);
    }
    return code;
}

static enum sm_outcome remembered_document(sm_edge *edge, sm_definition **held, sm_answer *answer) {
    memset(answer, 0, sizeof(*answer));
    if (!edge->item.used) edge->item.used = true;
    sm_counts.memory_answers++;
    *held = edge->definition;
    sm_definition_hold(*held);
    answer->node = edge->target;
    answer->has_history = edge->has_history;
    answer->has_reason = edge->has_reason;
    answer->reason = edge->reply;
    return answered(SM_TAKEN);
}

bool sm_engine_known_document(sm_bytes document, sm_definition **held, sm_answer *answer) {
    sm_edge *edge = sm_memo_find_document(document);

    return edge && remembered_document(edge, held, answer) == SM_TAKEN;
}

enum sm_outcome sm_engine_document(sm_bytes document, bool accepted_before, sm_definition **held,
                                   sm_answer *answer) {
    sm_question question = sm_table_question(NULL, accepted_before ? SM_KIND_ACCEPTED : SM_KIND_DOCUMENT, document);
    sm_edge *edge = sm_memo_find_edge(&question);
    sm_verdict verdict;
    int code;

    if (edge) return remembered_document(edge, held, answer);
    memset(answer, 0, sizeof(*answer));
    sm_memo_make_room();
    code = compile(document, accepted_before, &verdict, held);
    if (code == SM_VERDICT_STRAY) {
        answer->error = safe(verdict.error);
    } else if (code != SM_VERDICT_TAKEN) {
        return failed(code, &verdict, answer);
    } else {
        answer->node = node_of(*held, &verdict);
    }
    answer->has_history = verdict.has_history;
    answer->has_reason = verdict.has_reason;
    answer->reason = safe(verdict.reason);
    answer->pieces = verdict.pieces;
    if (answer->node && rememberable(document, answer->reason))
        sm_edge_add(&question, *held, answer->node, answer->reason, answer->has_reason)->has_history =
            answer->has_history;
    return answered(answer->node ? SM_TAKEN : SM_STRAY);
}

enum sm_outcome sm_engine_definition(sm_bytes canonical, bool accepted_before, sm_definition **held,
                                     sm_answer *answer) {
    sm_question question = sm_definition_question(canonical);
    sm_verdict verdict;
    int code;

    memset(answer, 0, sizeof(*answer));
    *held = sm_definition_find(&question);
    if (*held) {
        sm_counts.memory_answers++;
        sm_definition_hold(*held);
        return answered(SM_TAKEN);
    }
    sm_memo_make_room();
    code = compile(canonical, accepted_before, &verdict, held);
    if (code != SM_VERDICT_TAKEN && code != SM_VERDICT_STRAY) return failed(code, &verdict, answer);
    answer->pieces = verdict.pieces;
    return answered(SM_TAKEN);
}

enum sm_outcome sm_engine_node(sm_definition *definition, sm_bytes configuration, bool accepted_before,
                               sm_answer *answer) {
    sm_question question = sm_node_question(definition, configuration);
    sm_verdict verdict;
    int code;

    memset(answer, 0, sizeof(*answer));
    answer->node = sm_node_find(&question);
    if (answer->node) {
        sm_counts.memory_answers++;
        return answered(SM_TAKEN);
    }
    sm_memo_make_room();
    verdict_init(&verdict);
    code = sm_python_describe(definition->engine, configuration.ptr, configuration.len, accepted_before, &verdict);
    if (code != SM_VERDICT_TAKEN) return failed(code, &verdict, answer);
    answer->node = node_of(definition, &verdict);
    answer->pieces = verdict.pieces;
    return answered(SM_TAKEN);
}

/* The engine holds more for a definition after an answer, as it makes its tables when they are first asked for. */
static void weigh(sm_definition *definition, uint64_t before, uint64_t after) {
    uint64_t bytes = definition->engine_bytes + after;

    sm_definition_weigh(definition, bytes > before ? (size_t)(bytes - before) : 0);
}

static enum sm_outcome ask(sm_definition *definition, sm_node *node, uint8_t kind, sm_bytes argument,
                           bool accepted_before, sm_answer *answer) {
    sm_followed *way = node ? sm_memo_way(node, kind, argument) : NULL;
    sm_bytes configuration = nothing;
    sm_question question;
    sm_verdict verdict;
    sm_edge *edge;
    uint64_t held;
    int code;

    memset(answer, 0, sizeof(*answer));
    if (way && way->target) { /* nothing else of the node is looked at */
        sm_counts.memory_answers++;
        answer->node = way->target;
        answer->way = way;
        return answered(SM_TAKEN);
    }
    if (node) definition = node->details->definition;
    edge = way ? sm_memo_edge_of(node, way) : NULL;
    if (!edge) {
        question = sm_table_question(node ? (const void *)node : definition, kind, argument);
        edge = sm_memo_find_edge(&question);
    }
    if (edge) {
        if (!edge->item.used) edge->item.used = true;
        sm_counts.memory_answers++;
        answer->node = edge->target;
        answer->reply = edge->reply;
        return answered(edge->target || edge->reply.len ? SM_TAKEN : SM_REFUSED);
    }
    if (node) configuration = (sm_bytes){node->details->item.key, node->details->item.key_len};
    sm_memo_make_room();
    verdict_init(&verdict);
    held = sm_python_bytes();
    code = sm_python_ask(definition->engine, kind, configuration.ptr, configuration.len, argument.ptr, argument.len,
                         accepted_before, &verdict);
    weigh(definition, held, sm_python_bytes());
    if (code != SM_VERDICT_TAKEN && code != SM_VERDICT_REFUSED) return failed(code, &verdict, answer);
    if (code == SM_VERDICT_TAKEN) {
        answer->reply = safe(verdict.reply);
        if (verdict.configuration.ptr) answer->node = node_of(definition, &verdict);
    }
    if (rememberable(argument, answer->reply) &&
        argument.len <= (code == SM_VERDICT_TAKEN ? LONGEST_ARGUMENT : LONGEST_REFUSAL))
        sm_edge_add(&question, definition, answer->node, answer->reply, false);
    answer->pieces = verdict.pieces;
    return answered(code == SM_VERDICT_TAKEN ? SM_TAKEN : SM_REFUSED);
}

enum sm_outcome sm_engine_ask(sm_definition *definition, sm_node *node, uint8_t kind, sm_bytes argument,
                              sm_answer *answer) {
    return ask(definition, node, kind, argument, false, answer);
}

enum sm_outcome sm_engine_enter(sm_definition *definition, sm_node *node, sm_bytes current, bool accepted_before,
                                sm_answer *answer) {
    return ask(definition, node, SM_KIND_ENTER, current, accepted_before, answer);
}

enum sm_outcome sm_engine_look_at(uint8_t kind, sm_bytes document, sm_answer *answer) {
    sm_verdict verdict;
    int code;

    memset(answer, 0, sizeof(*answer));
    verdict_init(&verdict);
    code = sm_python_look_at(kind, document.ptr, document.len, &verdict);
    if (code != SM_VERDICT_TAKEN) return failed(code, &verdict, answer);
    answer->reply = safe(verdict.reply);
    answer->pieces = verdict.pieces;
    return answered(SM_TAKEN);
}

void sm_engine_forget(uint64_t engine) {
    sm_python_forget(engine);
}

void sm_engine_set_limits(void) {
    sm_python_set_limits(sm_config.document_bytes, sm_config.states, sm_config.nesting);
    sm_memo_forget_documents();
}

bool sm_engine_start(void) {
    return sm_python_ready() == 1;
}
