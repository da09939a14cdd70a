/* An outcome's deadlines and tasks, with the clock and with handles. */
#include "write/settle.h"

#include <string.h>

#include "reply/effects.h"
#include "reply/text.h"

enum { TOKEN = 5 }; /* bytes before a string, or of an array's head: reply/tokens.h */

/* A list while it is worked on. */
typedef struct list {
    sm_wait *of;
    size_t count;
} list;

typedef struct settling {
    const sm_waiting *waiting;
    list timers, tasks;
    list spawned; /* in their order: each gets the handle of its effect */
    list ended;   /* tasks that end with their machine */
    uint64_t now;
    bool acts;
} settling;

/* ---- handles ---- */

/* So that handles of two servers differ: no secret. The server's random bytes take a third of a step that arms one
 * deadline; they begin a sequence here (Marsaglia, "Xorshift RNGs", 2003). */
static uint32_t random_bits(void) {
    static uint64_t last;

    while (!last) RedisModule_GetRandomBytes((unsigned char *)&last, sizeof(last));
    last ^= last << 13;
    last ^= last >> 7;
    last ^= last << 17;
    return (uint32_t)(last >> (64 - SM_NUMBER_BITS));
}

uint64_t sm_new_number(uint64_t now) {
    static uint64_t last;

    now = now << SM_NUMBER_BITS | random_bits();
    last = now > last ? now : last + 1;
    return last;
}

/* ---- the lists ---- */

static list list_of(sm_outcome *outcome, sm_bytes bytes, size_t more) {
    list made = {sm_outcome_room(outcome, (sm_waits_count(bytes) + more + 1) * sizeof(sm_wait)), 0};

    while (sm_wait_take(&bytes, &made.of[made.count])) made.count++;
    return made;
}

/* The place of a number or, where that is 0, of an id; the count where there is none. */
static size_t place_of(const list *from, uint64_t number, sm_bytes id) {
    size_t at = 0;

    while (at < from->count && (number ? from->of[at].number != number : !sm_same(from->of[at].id, id))) at++;
    return at;
}

static void drop(list *from, size_t at) {
    if (at >= from->count) return;
    memmove(from->of + at, from->of + at + 1, (from->count - at - 1) * sizeof(*from->of));
    from->count--;
}

static void spawn(settling *work, sm_wait task) {
    size_t at = place_of(&work->tasks, 0, task.id);

    task.number = sm_new_number(work->now);
    task.ms = work->now;
    task.status = SM_TASK_ACTIVE;
    work->tasks.of[at] = task;
    if (at == work->tasks.count) work->tasks.count++;
    work->spawned.of[work->spawned.count++] = task;
}

static void arm(settling *work, sm_wait timer) {
    timer.number = sm_new_number(work->now);
    timer.ms += work->now;
    timer.status = SM_TIMER_WAITING;
    work->timers.of[work->timers.count++] = timer;
}

static void change(settling *work, const sm_wait *one) {
    switch (one->status) {
    case SM_CHANGE_ARM:
    case SM_CHANGE_CANCEL:
        if (one->id.len) drop(&work->timers, place_of(&work->timers, 0, one->id));
        if (one->status == SM_CHANGE_ARM) arm(work, *one);
        break;
    case SM_CHANGE_SPAWN: spawn(work, *one); break;
    case SM_CHANGE_STOP: drop(&work->tasks, place_of(&work->tasks, 0, one->id)); break;
    }
}

/* What the command does beside its outcome. */
static void act(settling *work) {
    const sm_waiting *waiting = work->waiting;
    const sm_bytes none = {NULL, 0};
    size_t at;

    if (waiting->fired) drop(&work->timers, place_of(&work->timers, waiting->fired, none));
    if (waiting->marked && (at = place_of(&work->timers, waiting->marked, none)) < work->timers.count) {
        work->timers.of[at].status = waiting->mark;
        work->timers.of[at].text = waiting->error;
    }
    if (waiting->reported && (at = place_of(&work->tasks, waiting->reported, none)) < work->tasks.count)
        work->tasks.of[at].status = SM_TASK_REPORTED;
    if (waiting->retried && (at = place_of(&work->tasks, waiting->retried, none)) < work->tasks.count)
        spawn(work, work->tasks.of[at]);
    work->acts |= waiting->fired || waiting->marked || waiting->reported || waiting->retried;
}

/* What has no number yet came with a document. */
static void number_all(settling *work) {
    for (size_t i = 0; i < work->timers.count; i++)
        if (!work->timers.of[i].number) work->timers.of[i].number = sm_new_number(work->now);
    for (size_t i = 0; i < work->tasks.count; i++)
        if (!work->tasks.of[i].number) work->tasks.of[i].number = sm_new_number(work->now);
}

/* False where the list is too long. */
static bool write(sm_outcome *outcome, const list *from, sm_bytes *bytes) {
    size_t most = 0;
    char *at;

    *bytes = (sm_bytes){NULL, 0};
    for (size_t i = 0; i < from->count; i++) most += sm_wait_most(&from->of[i]);
    if (!most) return true;
    bytes->ptr = at = sm_outcome_room(outcome, most);
    for (size_t i = 0; i < from->count; i++) at = sm_wait_put(at, &from->of[i]);
    bytes->len = (size_t)(at - bytes->ptr);
    return bytes->len <= SM_MOST_WAITS_BYTES && from->count <= SM_MOST_WAITS;
}

/* ---- the effects ---- */

static char *put_word(char *at, const char *word) {
    size_t len = strlen(word);

    memcpy(at, word, len);
    return at + len;
}

static const char spawns[] = "xstate.spawnChild", stops[] = "xstate.stopChild";

/* A string begins at `token`; what is put behind it, up to `at`, is the string. */
static char *end_string(char *token, char *at) {
    uint32_t len = (uint32_t)(at - token - TOKEN);

    *token = '$';
    memcpy(token + 1, &len, sizeof(len));
    return at;
}

static char *put_string(char *at, sm_bytes string) {
    char *to = at + TOKEN;

    sm_put(&to, string);
    return end_string(at, to);
}

static char *put_handle(char *at, const sm_wait *task) {
    return end_string(at, sm_wait_put_handle(at + TOKEN, task));
}

/* The params of what starts a task, or stops it. */
static char *put_params(char *token, const sm_wait *task, bool starts) {
    char *at = sm_put_json(put_word(token + TOKEN, "{\"id\":"), task->id);

    if (starts) {
        at = sm_put_json(put_word(at, ",\"src\":"), task->what);
        if (task->text.len) at = put_word(at, ",\"input\":"), sm_put(&at, task->text);
    }
    *at++ = '}';
    return end_string(token, at);
}

static char *put_effect(char *at, const sm_wait *task, bool starts) {
    at = end_string(at, put_word(at + TOKEN, starts ? spawns : stops));
    at = put_params(at, task, starts);
    return starts ? put_handle(at, task) : end_string(at, at + TOKEN);
}

static size_t room_for(const settling *work, sm_bytes effects) {
    size_t len = TOKEN + effects.len;

    for (size_t i = 0; i < work->spawned.count; i++)
        len += 120 + 12 * work->spawned.of[i].id.len + 6 * work->spawned.of[i].what.len + work->spawned.of[i].text.len;
    for (size_t i = 0; i < work->ended.count; i++) len += 80 + 6 * work->ended.of[i].id.len;
    return len;
}

static bool is_spawn(const sm_effect *effect) {
    return effect->name.len == sizeof(spawns) - 1 && memcmp(effect->name.ptr, spawns, sizeof(spawns) - 1) == 0;
}

/* Those of the outcome with the handles of tasks, or where it has none those that start a task; behind them those that
 * stop what ends with the machine. */
static sm_bytes effects_of(sm_outcome *outcome, const settling *work) {
    sm_bytes left = outcome->reply;
    char *effects = sm_outcome_room(outcome, room_for(work, left)), *at = effects + TOKEN;
    uint32_t count = sm_effects_begin(&left);
    size_t spawned = 0;
    sm_effect effect;

    while (sm_effects_take(&left, &effect)) {
        at = put_string(put_string(at, effect.name), effect.params);
        if (is_spawn(&effect) && spawned < work->spawned.count) at = put_handle(at, &work->spawned.of[spawned++]);
        else at = put_string(at, effect.task);
    }
    if (!count)
        for (; count < work->spawned.count; count++) at = put_effect(at, &work->spawned.of[count], true);
    for (size_t i = 0; i < work->ended.count; i++, count++) at = put_effect(at, &work->ended.of[i], false);
    count *= 3;
    *effects = '*';
    memcpy(effects + 1, &count, sizeof(count));
    return (sm_bytes){effects, (size_t)(at - effects)};
}

/* ---- all of it ---- */

static bool refuse(sm_outcome *outcome) {
    static const char line[] =
        "the machine would wait for too much: at most 1024 deadlines or tasks, and 1 MB of them";

    outcome->result = SM_ERROR;
    outcome->code = "ERR";
    outcome->error = (sm_bytes){line, sizeof(line) - 1};
    return false;
}

static void begin(settling *work, sm_outcome *outcome, const sm_data *held, bool anew) {
    const sm_bytes none = {NULL, 0};
    const sm_data *from = anew ? outcome->data : held;
    size_t changes = sm_waits_count(outcome->waits) + 1;

    work->timers = list_of(outcome, from ? from->parts[SM_PART_TIMERS] : none, changes);
    work->tasks = list_of(outcome, from ? from->parts[SM_PART_TASKS] : none, changes);
    work->spawned = list_of(outcome, none, changes);
    work->ended.count = 0;
    work->now = (uint64_t)RedisModule_Milliseconds();
    work->acts = outcome->waits.len || (anew && (held->parts[SM_PART_TIMERS].ptr || held->parts[SM_PART_TASKS].ptr));
}

/* Deadlines without the one of that number or, where it is 0, that id: a part of the list where that will do. */
static sm_bytes without(sm_outcome *outcome, sm_bytes timers, uint64_t number, sm_bytes id) {
    sm_bytes before = {timers.ptr, 0}, behind = timers;
    char *bytes, *at;
    sm_wait one;

    while (sm_wait_take(&behind, &one) && (number ? one.number != number : !sm_same(one.id, id)))
        before.len = (size_t)(behind.ptr - timers.ptr);
    if (!before.len) return behind.len ? behind : (sm_bytes){NULL, 0};
    if (!behind.len) return before;
    bytes = at = sm_outcome_room(outcome, before.len + behind.len);
    sm_put(&at, before);
    sm_put(&at, behind);
    return (sm_bytes){bytes, before.len + behind.len};
}

/* Most steps do no more than to end deadlines, by firing or cancelling: then no list is read whole and written anew.
 * False where there is more to do; then nothing is done. */
static bool only_end(sm_outcome *outcome, const sm_waiting *waiting, const sm_data *held, bool all) {
    sm_bytes timers = held->parts[SM_PART_TIMERS], changes = outcome->waits;
    const sm_bytes none = {NULL, 0};
    sm_data *data;
    sm_wait one;

    if ((waiting && !waiting->fired) || (all && held->parts[SM_PART_TASKS].ptr)) return false;
    if (waiting) timers = without(outcome, timers, waiting->fired, none);
    while (sm_wait_take(&changes, &one)) {
        if (one.status != SM_CHANGE_CANCEL) return false;
        if (one.id.len) timers = without(outcome, timers, 0, one.id);
    }
    data = sm_outcome_room(outcome, sizeof(*data));
    *data = outcome->data ? *outcome->data : (sm_data){0};
    outcome->is_pure = !outcome->data;
    data->parts[SM_PART_TIMERS] = all ? none : timers;
    data->parts[SM_PART_TASKS] = held->parts[SM_PART_TASKS];
    outcome->data = data;
    return true;
}

bool sm_settle(sm_outcome *outcome, const sm_waiting *waiting, bool with_effects, const sm_data *held, bool anew) {
    static const sm_waiting nothing_else;
    bool ends = outcome->node->details->done || (outcome->data && outcome->data->parts[SM_PART_ERROR].ptr);
    settling work = {.waiting = waiting ? waiting : &nothing_else};
    sm_bytes changes = outcome->waits;
    sm_data *data;
    sm_wait one;

    if (!outcome->data && !changes.len && !anew && !waiting &&
        !(ends && (held->parts[SM_PART_TIMERS].ptr || held->parts[SM_PART_TASKS].ptr)))
        return true;
    if (!anew && only_end(outcome, waiting, held, ends)) return true;
    begin(&work, outcome, held, anew);
    act(&work);
    while (sm_wait_take(&changes, &one)) change(&work, &one);
    number_all(&work);
    if (ends && (work.timers.count || work.tasks.count)) {
        if (!anew) work.ended = work.tasks;
        work.timers.count = work.tasks.count = 0;
        work.acts = true;
    }
    if (!work.acts && !outcome->data) return true;
    data = sm_outcome_room(outcome, sizeof(*data));
    *data = outcome->data ? *outcome->data : (sm_data){0};
    if ((!write(outcome, &work.timers, &data->parts[SM_PART_TIMERS]) ||
         !write(outcome, &work.tasks, &data->parts[SM_PART_TASKS])) &&
        !work.waiting->marked) /* which says why, and adds no more than that */
        return refuse(outcome);
    outcome->data = data;
    if (with_effects && (work.spawned.count || work.ended.count)) outcome->reply = effects_of(outcome, &work);
    return true;
}
