/* How names are kept true where the server must not be asked to tell of its keys: Valkey from 8.1 and before 9.1 leaves
 * a client in the database of which it has told a module (valkey#4024), so that its next commands would go there.
 *
 * Soon after a machine with a deadline has left a key, that key is looked at, since RESTORE and COPY remove what they
 * replace after the new value has been noted. If the machine lives on (RENAME and MOVE), all keys of the server are
 * looked at until it is found. */
#include "timers/timers.h"

#include "timers/index.h"

enum {
    FIRST_FAULTY = 0x00080100,
    FIRST_MENDED = 0x00090100,
    SLICE = 1000, /* microseconds in which keys are looked at, between which clients are served */
    SOON = 1,     /* milliseconds until a name is looked at, */
    BETWEEN = 4,  /* between slices in which all keys are, */
    PAUSE = 1000, /* and after a round of them that was in vain */
};

static sm_timer_index *names; /* to look at; NULL: the server tells of its keys */
static RedisModuleCtx *own;
static RedisModuleType *machine_type;
static RedisModuleScanCursor *cursor;
static int scanned; /* the cursor's database */
static bool in_vain; /* nothing was lost or found in this round */
static bool is_set;  /* the timer */

bool sm_names_are_told(void) {
    return !names;
}

/* ---- looking ---- */

static sm_machine *machine_at(RedisModuleKey *key) {
    bool is_machine = key && RedisModule_ModuleTypeGetType(key) == machine_type;

    return is_machine ? RedisModule_ModuleTypeGetValue(key) : NULL;
}

static void note(int db, const RedisModuleString *name, sm_machine *machine) {
    sm_bytes key;

    key.ptr = RedisModule_StringPtrLen(name, &key.len);
    sm_timers_note(db, key, machine);
    if (machine) sm_machine_set_lost(machine, false);
}

static void look(RedisModuleCtx *ctx, int db, sm_bytes key) {
    RedisModuleString *name = RedisModule_CreateString(ctx, key.ptr, key.len);
    RedisModuleKey *opened;

    sm_timer_index_remove(names, db, key);
    if (RedisModule_SelectDb(ctx, db) == REDISMODULE_OK) {
        opened = RedisModule_OpenKey(ctx, name, REDISMODULE_READ | REDISMODULE_OPEN_KEY_NOTOUCH);
        note(db, name, machine_at(opened));
        if (opened) RedisModule_CloseKey(opened);
    }
    RedisModule_FreeString(ctx, name);
}

static void add(int db, sm_bytes key) {
    sm_timer_index_set(names, db, key, &(sm_timer_look){0});
}

/* A key that is not open is looked at by its name. */
static void on_scanned(RedisModuleCtx *ctx, RedisModuleString *name, RedisModuleKey *key, void *data) {
    sm_machine *machine = machine_at(key);
    int db = RedisModule_GetSelectedDb(ctx);
    sm_bytes bytes;

    (void)data;
    if (!key) {
        bytes.ptr = RedisModule_StringPtrLen(name, &bytes.len);
        add(db, bytes);
    } else if (machine && sm_machine_is_lost(machine)) {
        note(db, name, machine);
        in_vain = false;
    }
}

/* Looks at some more keys, of all databases in turn. False: that was a round in vain. */
static bool scan(RedisModuleCtx *ctx) {
    bool goes_on = true;

    if (RedisModule_SelectDb(ctx, scanned) != REDISMODULE_OK) {
        goes_on = !in_vain;
        in_vain = true;
        scanned = 0;
    } else if (!RedisModule_Scan(ctx, cursor, on_scanned, NULL)) {
        RedisModule_ScanCursorRestart(cursor);
        scanned++;
    }
    return goes_on;
}

/* ---- the timer ---- */

static void on_timer(RedisModuleCtx *ctx, void *data);

static void set_timer(long long after) {
    if (is_set) return;
    is_set = true;
    RedisModule_CreateTimer(own, after, on_timer, NULL);
}

static void on_timer(RedisModuleCtx *ctx, void *data) {
    uint64_t begun = sm_microseconds();
    sm_timer_look at_once;
    bool goes_on = true;
    sm_bytes key;
    int db;

    (void)data;
    is_set = false;
    while (goes_on && sm_microseconds() - begun < SLICE) {
        if (sm_timer_index_first(names, &db, &key, &at_once)) look(ctx, db, key);
        else if (sm_tally_count(&sm_machine_counts.lost)) goes_on = scan(ctx);
        else return;
    }
    set_timer(sm_timer_index_count(names) ? SOON : goes_on ? BETWEEN : PAUSE);
}

/* ---- what happens to names ---- */

void sm_names_left(int db, sm_bytes key, sm_machine *machine) {
    if (!names) return;
    sm_machine_set_lost(machine, true);
    in_vain = false;
    add(db, key);
    set_timer(SOON);
}

void sm_names_swap(int first, int second) {
    if (names) sm_timer_index_swap(names, first, second);
}

void sm_names_start(RedisModuleCtx *ctx, RedisModuleType *type) {
    int version = RedisModule_GetServerVersion();

    own = ctx;
    machine_type = type;
    if (!redis_api_is_valkey || version < FIRST_FAULTY || version >= FIRST_MENDED || names) return;
    names = sm_timer_index_new();
    cursor = RedisModule_ScanCursorCreate();
}
