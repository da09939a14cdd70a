/* SM.HISTORY: the steps that a machine has taken, the newest first. */
#include <string.h>

#include "command_functions.h"
#include "commands/keys.h"
#include "machine/history.h"
#include "reply/errors.h"
#include "reply/states.h"

/* What is asked for: so many entries, of revisions below one. */
typedef struct asked {
    uint64_t count, before;
} asked;

enum { COUNT, BEFORE, OPTIONS };

static bool refuse(RedisModuleCtx *ctx, int word, sm_bytes text) {
    const sm_bytes none = {NULL, 0};

    sm_reply_error_about(ctx, word == COUNT ? "COUNT wants how many entries: " : "BEFORE wants a revision: ", text,
                         " is no such number", none, "");
    return false;
}

static bool read_number(RedisModuleCtx *ctx, int word, sm_bytes text, uint64_t *number) {
    long long read = sm_options_number(text, SM_LONGEST_NUMBER);

    if (read < 0) return refuse(ctx, word, text);
    *number = (uint64_t)read;
    return true;
}

static bool read_options(RedisModuleCtx *ctx, RedisModuleString **argv, int argc, asked *what) {
    static const char *const words[] = {"COUNT", "BEFORE", NULL};
    unsigned found = 0;

    for (int at = 2; at < argc; at += 2) {
        int word = sm_word(argv[at], words);
        const sm_bytes none = {NULL, 0};

        if (word < 0) {
            sm_reply_unknown_word(ctx, argv[0], argv[at], "; known are COUNT, BEFORE");
            return false;
        }
        if (found & 1u << word || at + 1 == argc) {
            sm_reply_error_about(ctx, "syntax error: ", sm_bytes_of(argv[at]),
                                 at + 1 == argc ? ": its value is missing" : " stands twice", none, "");
            return false;
        }
        found |= 1u << word;
        if (!read_number(ctx, word, sm_bytes_of(argv[at + 1]), word == COUNT ? &what->count : &what->before))
            return false;
    }
    return true;
}

/* ---- the reply ---- */

static void put_name(RedisModuleCtx *ctx, const char *name) {
    RedisModule_ReplyWithStringBuffer(ctx, name, strlen(name));
}

static void put_text(RedisModuleCtx *ctx, const char *name, sm_bytes text) {
    put_name(ctx, name);
    if (text.ptr) RedisModule_ReplyWithStringBuffer(ctx, text.ptr, text.len);
    else RedisModule_ReplyWithNull(ctx);
}

static void put_number(RedisModuleCtx *ctx, const char *name, uint64_t number) {
    put_name(ctx, name);
    RedisModule_ReplyWithLongLong(ctx, (long long)number);
}

static void put_entry(RedisModuleCtx *ctx, const sm_entry *entry, uint64_t revision) {
    RedisModule_ReplyWithMap(ctx, 8);
    put_number(ctx, "revision", revision);
    put_number(ctx, "ms", entry->ms);
    put_text(ctx, "user", entry->user);
    put_text(ctx, "event", entry->event);
    put_name(ctx, "from");
    sm_reply_packed_states(ctx, entry->from);
    put_name(ctx, "to");
    sm_reply_packed_states(ctx, entry->to);
    put_text(ctx, "reason", entry->reason);
    put_number(ctx, "forced", entry->forced);
}

/* Of the entry that so many follow. After the last revision comes the first. */
static uint64_t revision_of(uint64_t last, uint64_t later) {
    return later < last ? last - later : last + SM_LAST_REVISION - later;
}

/* The entries from the oldest on; the newest are answered first. */
static void reply(RedisModuleCtx *ctx, const sm_data *held, const asked *what) {
    sm_entry *entries = NULL;
    size_t count = 0, skipped = 0, most;
    sm_history history;

    if (sm_history_begin(held->parts[SM_PART_HISTORY], &history) && history.count) {
        most = history.left.len / SM_LEAST_ENTRY + 1;
        entries = RedisModule_Alloc((history.count < most ? (size_t)history.count : most) * sizeof(*entries));
    }
    while (entries && sm_history_next(&history)) entries[count++] = history.at;
    while (skipped < count && revision_of(held->revision, skipped) >= what->before) skipped++;
    RedisModule_ReplyWithArray(ctx, (long)(count - skipped < what->count ? count - skipped : what->count));
    for (size_t i = skipped; i < count && i - skipped < what->count; i++)
        put_entry(ctx, &entries[count - 1 - i], revision_of(held->revision, i));
    RedisModule_Free(entries);
}

int sm_history_command(RedisModuleCtx *ctx, RedisModuleString **argv, int argc) {
    asked what = {.count = UINT64_MAX, .before = UINT64_MAX};
    sm_target target;
    sm_data held;

    if (argc < 2 || argc > 2 + 2 * OPTIONS) return RedisModule_WrongArity(ctx);
    if (!read_options(ctx, argv, argc, &what)) return REDISMODULE_OK;
    if (!sm_key_open_machine(ctx, argv[1], REDISMODULE_READ, &target)) return REDISMODULE_OK;
    sm_machine_data(target.machine, &held);
    reply(ctx, &held, &what);
    sm_key_close(&target);
    return REDISMODULE_OK;
}
