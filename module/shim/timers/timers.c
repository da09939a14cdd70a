/* The server's timer, and what it does: the module keeps one, for the first entry of the index. */
#include "timers/timers.h"

#include <time.h>

#include "machine/waits.h"
#include "settings.h"
#include "timers/index.h"

enum {
    SLICE = 500,        /* microseconds in which deadlines fire, between which clients are served */
    PAUSE = 50,         /* milliseconds until it is asked again whether they may */
    FIRST_RETRY = 100,  /* milliseconds until what the server refused is tried again, */
    LAST_RETRY = 10000, /* twice as long each time, and at most this */
    LONGEST = 1000,     /* milliseconds that the timer is set for; the server's clock may be set meanwhile */
};

sm_timers_counters sm_timers_counts;

static sm_timer_index *deadlines, *loading; /* `loading`: while a replica loads beside its old data */
static RedisModuleCtx *own;
static RedisModuleType *machine_type;
static RedisModuleTimerID timer;
static uint64_t timer_ms; /* when it fires; 0: none is set */

/* ---- the timer ---- */

static uint64_t now(void) {
    return (uint64_t)RedisModule_Milliseconds();
}

static void on_timer(RedisModuleCtx *ctx, void *data);

static void set_timer(uint64_t after) {
    if (timer_ms) RedisModule_StopTimer(own, timer, NULL);
    timer_ms = now() + after;
    timer = RedisModule_CreateTimer(own, (long long)after, on_timer, NULL);
}

/* Later is left: it looks, and is set again. */
static void set_timer_for_first(void) {
    uint64_t next = sm_timers_next(), at = now(), after = next > at ? next - at : 1;

    if (!next) return;
    if (after > LONGEST) after = LONGEST;
    if (!timer_ms || at + after < timer_ms) set_timer(after);
}

/* The server counts a timer by its clock, and sleeps longer where that is set back. */
void sm_timers_check(void) {
    uint64_t at = timer_ms ? now() : 0;

    if (at && (timer_ms + LONGEST < at || at + 2 * LONGEST < timer_ms)) set_timer(1);
}

/* ---- what is noted ---- */

static bool look_of(const sm_machine *machine, sm_timer_look *look) {
    sm_data data;
    sm_wait earliest;

    if (!machine || !sm_machine_waits(machine)) return false;
    sm_machine_data(machine, &data);
    if (!sm_waits_earliest(data.parts[SM_PART_TIMERS], &earliest)) return false;
    *look = (sm_timer_look){earliest.ms, earliest.number, 0};
    sm_timers_listen_to_keys(own);
    return true;
}

void sm_timers_note(int db, sm_bytes key, const sm_machine *machine) {
    sm_timer_look look, known;

    if (!look_of(machine, &look)) {
        sm_timers_forget(db, key);
        return;
    }
    if (sm_timer_index_find(deadlines, db, key, &known) &&
        (known.ms < look.ms || (known.ms == look.ms && known.number <= look.number)))
        return;
    sm_timer_index_set(deadlines, db, key, &look);
    set_timer_for_first();
}

void sm_timers_note_loaded(int db, sm_bytes key, const sm_machine *machine) {
    sm_timer_look look;

    if (!loading) sm_timers_note(db, key, machine);
    else if (look_of(machine, &look)) sm_timer_index_set(loading, db, key, &look);
}

void sm_timers_forget(int db, sm_bytes key) {
    if (sm_timer_index_count(deadlines)) sm_timer_index_remove(deadlines, db, key);
}

void sm_timers_left(int db, sm_bytes key, sm_machine *machine) {
    sm_timers_forget(db, key);
    sm_names_left(db, key, machine);
}

void sm_timers_flush(int db) {
    sm_timer_index_flush(deadlines, db);
}

void sm_timers_swap(int first, int second) {
    sm_names_swap(first, second);
    sm_timer_index_swap(deadlines, first, second);
}

void sm_timers_async_load(enum sm_async_load what) {
    if (what == SM_ASYNC_LOAD_ENDS && loading) {
        sm_timer_index_free(deadlines);
        deadlines = loading;
        loading = NULL;
        set_timer_for_first();
        return;
    }
    if (loading) sm_timer_index_free(loading);
    loading = what == SM_ASYNC_LOAD_BEGINS ? sm_timer_index_new() : NULL;
}

/* ---- firing ---- */

static bool may_fire(RedisModuleCtx *ctx) {
    int flags = RedisModule_GetContextFlags(ctx);

    return sm_config.fire_timers && (flags & REDISMODULE_CTX_FLAGS_MASTER) &&
           !(flags & (REDISMODULE_CTX_FLAGS_LOADING | REDISMODULE_CTX_FLAGS_ASYNC_LOADING)) &&
           !RedisModule_AvoidReplicaTraffic();
}

/* What is true of a key, where it has no entry. */
static bool look_at(RedisModuleCtx *ctx, RedisModuleString *name, sm_timer_look *look) {
    RedisModuleKey *opened = RedisModule_OpenKey(ctx, name, REDISMODULE_READ | REDISMODULE_OPEN_KEY_NOTOUCH);
    bool found = opened && RedisModule_ModuleTypeGetType(opened) == machine_type &&
                 look_of(RedisModule_ModuleTypeGetValue(opened), look);

    if (opened) RedisModule_CloseKey(opened);
    return found;
}

/* Later and later, as long as the server refuses it. */
static void put_off(sm_timer_look *look, uint8_t refused) {
    uint64_t wait = FIRST_RETRY;

    for (uint8_t i = 0; i < refused && wait < LAST_RETRY; i++) wait *= 2;
    look->refused = refused + 1;
    look->ms = now() + (wait < LAST_RETRY ? wait : LAST_RETRY);
}

enum due { FIRED, NOT_DUE, REFUSED };

/* `ms`: when it was due. */
static enum due call_due(RedisModuleCtx *ctx, RedisModuleString *name, uint64_t number, uint64_t *ms) {
    char text[SM_HANDLE_BYTES];
    size_t len = (size_t)(sm_wait_put_number(text, number) - text);
    RedisModuleCallReply *reply = RedisModule_Call(ctx, "SM.DUE", "!SEsb", name, text, len);
    enum due result = REFUSED;

    if (!reply) return REFUSED;
    if (RedisModule_CallReplyType(reply) == REDISMODULE_REPLY_NULL) result = NOT_DUE;
    if (RedisModule_CallReplyType(reply) == REDISMODULE_REPLY_INTEGER) {
        *ms = (uint64_t)RedisModule_CallReplyInteger(reply);
        result = FIRED;
    }
    RedisModule_FreeCallReply(reply);
    return result;
}

/* Lets a key's first deadline fire. The key has no entry meanwhile: the next deadline of the machine gives it one. */
static void fire(RedisModuleCtx *ctx, int db, RedisModuleString *name, const sm_timer_look *entry, uint64_t at) {
    enum due result;
    sm_timer_look look;
    uint64_t due;

    if (RedisModule_SelectDb(ctx, db) != REDISMODULE_OK) return;
    result = call_due(ctx, name, entry->number, &due);
    if (result == FIRED) {
        sm_timers_counts.fired++;
        if (at > due && at - due > sm_timers_counts.late_most) sm_timers_counts.late_most = at - due;
    } else if (look_at(ctx, name, &look)) {
        sm_bytes key;

        key.ptr = RedisModule_StringPtrLen(name, &key.len);
        if (result == REFUSED) put_off(&look, entry->refused);
        sm_timer_index_set(deadlines, db, key, &look);
    }
}

uint64_t sm_microseconds(void) {
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static void on_timer(RedisModuleCtx *ctx, void *data) {
    uint64_t begun = sm_microseconds(), at = now();
    sm_timer_look look;
    sm_bytes key;
    int db;

    (void)data;
    timer_ms = 0;
    if (!may_fire(ctx)) {
        if (sm_timers_next()) set_timer(PAUSE);
        return;
    }
    while (sm_timer_index_first(deadlines, &db, &key, &look) && look.ms <= at && sm_microseconds() - begun < SLICE) {
        RedisModuleString *name = RedisModule_CreateString(ctx, key.ptr, key.len);

        sm_timer_index_remove_first(deadlines);
        fire(ctx, db, name, &look, at);
        RedisModule_FreeString(ctx, name);
    }
    set_timer_for_first();
}

/* ---- all of it ---- */

uint64_t sm_timers_next(void) {
    sm_timer_look first;
    sm_bytes key;
    int db;

    return deadlines && sm_timer_index_first(deadlines, &db, &key, &first) ? first.ms : 0;
}

size_t sm_timers_keys(void) {
    return deadlines ? sm_timer_index_count(deadlines) : 0;
}

bool sm_timers_start(RedisModuleCtx *ctx, RedisModuleType *type) {
    machine_type = type;
    if (!deadlines) deadlines = sm_timer_index_new();
    if (!own) own = RedisModule_GetDetachedThreadSafeContext(ctx);
    if (!own) return false;
    sm_names_start(own, type);
    return sm_timers_listen(ctx, type);
}
