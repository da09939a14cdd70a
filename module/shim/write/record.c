/* The records of a step. */
#include "write/record.h"

#include "machine/history.h"
#include "machine/idempotency.h"
#include "reply/effects.h"
#include "reply/states.h"
#include "settings.h"

static const sm_bytes none = {NULL, 0};

static uint64_t at_most(uint64_t said, long long most) {
    return said < (uint64_t)most ? said : (uint64_t)most;
}

/* States, which take a byte more than their tokens at most. */
static sm_bytes pack_states(char **at, sm_bytes tokens) {
    sm_bytes states = {*at, 0};

    *at = sm_states_pack(*at, tokens);
    states.len = (size_t)(*at - states.ptr);
    return states;
}

/* ---- history ---- */

static sm_bytes states_before(const sm_target *target) {
    return !target->machine || target->replaces ? none : sm_machine_node(target->machine)->details->states;
}

/* Room for all of it at once: the states, the entry, and the list with the entry. */
static void add_entry(const sm_target *target, sm_outcome *outcome, const sm_bytes *reason, sm_data *data,
                      sm_record *record) {
    sm_bytes *list = &data->parts[SM_PART_HISTORY];
    uint64_t keep = at_most(outcome->node->details->definition->history, sm_config.history);
    sm_entry entry = {
        .ms = (uint64_t)RedisModule_Milliseconds(),
        .forced = target->forced,
        .user = target->user,
        .event = target->cause,
        .reason = reason ? *reason : none,
        .from = states_before(target),
        .to = outcome->node->details->states,
    };
    size_t states = entry.from.len + 1 + entry.to.len + 1, most = sm_history_one_most(&entry) + 2;
    char *at = sm_outcome_room(outcome, states + most + list->len + most + SM_HISTORY_HEAD);

    entry.from = pack_states(&at, entry.from);
    entry.to = pack_states(&at, entry.to);
    record->entry = sm_history_one(at, *list, &entry);
    record->keep_entries = keep;
    *list = sm_history_append(at + record->entry.len, *list, record->entry, keep);
}

/* ---- tokens ---- */

/* Likewise. */
static void add_token(const sm_target *target, sm_outcome *outcome, sm_data *data, sm_record *record) {
    bool has_error = data->parts[SM_PART_ERROR].ptr, is_done = outcome->node->details->done;
    sm_bytes *list = &data->parts[SM_PART_TOKENS], effects = outcome->reply;
    sm_token token = *target->token;
    size_t states, most;
    char *at;

    token.revision = data->revision;
    token.status = has_error ? SM_STATUS_ERROR : is_done ? SM_STATUS_DONE : SM_STATUS_ACTIVE;
    token.effects = sm_effects_begin(&effects) ? outcome->reply : none;
    token.states = outcome->node->details->states;
    states = token.states.len + 1;
    most = sm_tokens_one_most(&token) + 1;
    at = sm_outcome_room(outcome, states + most + list->len + most + SM_VARINT_BYTES);
    token.states = pack_states(&at, token.states);
    record->token = sm_tokens_one(at, &token);
    record->keep_tokens = at_most(outcome->node->details->definition->tokens, sm_config.tokens);
    *list = sm_tokens_append(at + record->token.len, *list, record->token, record->keep_tokens);
}

/* ---- the TTL ---- */

static void set_expires(sm_outcome *outcome, uint64_t expire, sm_data *data, sm_record *record) {
    char *room = sm_outcome_room(outcome, SM_VARINT_BYTES);
    uint64_t ms = (uint64_t)RedisModule_Milliseconds() + expire;

    data->parts[SM_PART_EXPIRES] = (sm_bytes){room, (size_t)(sm_put_varint(room, ms) - room)};
    record->expires = true;
}

uint64_t sm_expires(const sm_data *data) {
    sm_bytes text = data->parts[SM_PART_EXPIRES];
    uint64_t ms;

    return text.ptr && sm_take_varint(&text, &ms) ? ms : 0;
}

/* ---- all of it ---- */

void sm_record_step(const sm_target *target, sm_outcome *outcome, const sm_data *held, const sm_bytes *reason,
                    sm_data *data, sm_record *record) {
    const sm_definition *definition = outcome->node->details->definition;

    if (!target->replaces)
        for (int part = SM_WAITS; part < SM_PARTS; part++) data->parts[part] = held->parts[part];
    if (target->waiting && target->waiting->marked) return; /* no step is taken */
    data->parts[SM_PART_EXPIRES] = none;
    if (definition->history) add_entry(target, outcome, reason, data, record);
    if (target->token) add_token(target, outcome, data, record);
    if (definition->expire && outcome->node->details->done) set_expires(outcome, definition->expire, data, record);
}
