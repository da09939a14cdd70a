/* The effects of a step, read and answered. */
#include "reply/effects.h"

#include <string.h>

#include "reply/states.h"
#include "reply/text.h"
#include "reply/tokens.h"

enum { STRINGS = 3 };

uint32_t sm_effects_begin(sm_bytes *effects) {
    uint32_t count = 0;
    char token = 0;

    if (!sm_tokens_take(effects, &token, 1) || !sm_tokens_take(effects, &count, sizeof(count))) return 0;
    return count / STRINGS;
}

bool sm_effects_take(sm_bytes *effects, sm_effect *effect) {
    return sm_tokens_string(effects, &effect->name) && sm_tokens_string(effects, &effect->params) &&
           sm_tokens_string(effects, &effect->task);
}

static bool is_text(sm_bytes text) {
    return sm_utf8_fault(text) == text.len;
}

bool sm_effects_are(sm_bytes effects) {
    uint32_t count = 0, taken = 0;
    sm_effect effect;
    char token = 0;

    if (!effects.len) return true;
    if (!sm_tokens_take(&effects, &token, 1) || token != '*' || !sm_tokens_take(&effects, &count, sizeof(count)))
        return false;
    if (count % STRINGS) return false;
    for (; taken < count; taken += STRINGS)
        if (!sm_effects_take(&effects, &effect) || !is_text(effect.name) || !is_text(effect.params) ||
            !is_text(effect.task))
            return false;
    return !effects.len;
}

static void put_word(RedisModuleCtx *ctx, const char *word) {
    RedisModule_ReplyWithStringBuffer(ctx, word, strlen(word));
}

int sm_reply_answer_states(RedisModuleCtx *ctx, const sm_answer *answer) {
    if (answer->node) return sm_reply_tokens(ctx, answer->node->details->states);
    sm_reply_packed_states(ctx, answer->states);
    return REDISMODULE_OK;
}

int sm_reply_actions(RedisModuleCtx *ctx, const sm_answer *answer) {
    sm_bytes effects = answer->effects;
    sm_effect effect;

    RedisModule_ReplyWithArray(ctx, 2);
    sm_reply_answer_states(ctx, answer);
    RedisModule_ReplyWithArray(ctx, (long)sm_effects_begin(&effects));
    while (sm_effects_take(&effects, &effect)) RedisModule_ReplyWithStringBuffer(ctx, effect.name.ptr, effect.name.len);
    return REDISMODULE_OK;
}

/* ---- as JSON ---- */

static const char type[] = "{\"type\":", params[] = ",\"params\":", task[] = ",\"task\":";

static char *put(char *at, const char *bytes, size_t len) {
    memcpy(at, bytes, len);
    return at + len;
}

static void put_json(RedisModuleCtx *ctx, const sm_effect *effect) {
    size_t most = sizeof(type) + sizeof(params) + sizeof(task) + 6 * (effect->name.len + effect->task.len) +
                  effect->params.len + 5;
    char few[512], *text = most <= sizeof(few) ? few : RedisModule_Alloc(most), *at = put(text, type, sizeof(type) - 1);

    at = sm_put_json(at, effect->name);
    if (effect->params.len) at = put(put(at, params, sizeof(params) - 1), effect->params.ptr, effect->params.len);
    if (effect->task.len) at = sm_put_json(put(at, task, sizeof(task) - 1), effect->task);
    *at++ = '}';
    RedisModule_ReplyWithStringBuffer(ctx, text, (size_t)(at - text));
    if (text != few) RedisModule_Free(text);
}

int sm_reply_effects(RedisModuleCtx *ctx, const sm_answer *answer) {
    sm_bytes effects = answer->effects;
    sm_effect effect;

    RedisModule_ReplyWithMap(ctx, 4);
    put_word(ctx, "states");
    sm_reply_answer_states(ctx, answer);
    put_word(ctx, "effects");
    RedisModule_ReplyWithArray(ctx, (long)sm_effects_begin(&effects));
    while (sm_effects_take(&effects, &effect)) put_json(ctx, &effect);
    put_word(ctx, "revision");
    if (answer->revision) RedisModule_ReplyWithLongLong(ctx, (long long)answer->revision);
    else RedisModule_ReplyWithNull(ctx);
    put_word(ctx, "status");
    put_word(ctx, answer->status);
    return REDISMODULE_OK;
}
