/* The effects of a step: how the engine gives them, and what a client reads of them.
 *
 * In tokens (tokens.h) an array of three strings each: its name, its params as JSON, and the handle of the task that it
 * starts; empty where there is none. */
#ifndef SM_REPLY_EFFECTS_H
#define SM_REPLY_EFFECTS_H

#include "machine/machine.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

typedef struct sm_effect {
    sm_bytes name, params, task;
} sm_effect;

/* How many there are; `effects` begins with the first then. */
uint32_t sm_effects_begin(sm_bytes *effects);

/* Whether effects from outside are all there, and UTF-8; so are none. */
bool sm_effects_are(sm_bytes effects);

/* Takes the first. False where there is none. */
bool sm_effects_take(sm_bytes *effects, sm_effect *effect);

/* What is answered of a step. */
typedef struct sm_answer {
    const sm_node *node; /* where the machine stands then, or NULL: */
    sm_bytes states;     /* then these are its states, as reply/states.h has them */
    sm_bytes effects;
    uint64_t revision;   /* 0: none is counted */
    const char *status;
} sm_answer;

/* SM.SEND: an array of the states. */
int sm_reply_answer_states(RedisModuleCtx *ctx, const sm_answer *answer);

/* SM.SEND … ACTIONS: an array of the states and of the names of the effects. */
int sm_reply_actions(RedisModuleCtx *ctx, const sm_answer *answer);

/* SM.SEND … EFFECTS: a map of states, effects (JSON each), revision and status. */
int sm_reply_effects(RedisModuleCtx *ctx, const sm_answer *answer);

#pragma GCC visibility pop

#endif
