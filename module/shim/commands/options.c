/* The options of the commands, read in one place. */
#include "commands/options.h"

#include <stdio.h>

#include "commands/keys.h"
#include "machine/idempotency.h"
#include "reply/errors.h"
#include "reply/text.h"

enum { LONGEST_COUNT = 9, LONGEST_LIST = 192 }; /* digits, and bytes */

#define OPTION(word, option, wants_value) {word, sizeof(word) - 1, option, wants_value}

static const struct {
    const char *word;
    size_t len;
    unsigned option;
    bool wants_value;
} options_by_name[] = {
    OPTION("CURRENT", SM_OPTION_CURRENT, true), OPTION("DATA", SM_OPTION_DATA, true),
    OPTION("INPUT", SM_OPTION_INPUT, true),     OPTION("GUARDS", SM_OPTION_GUARDS, true),
    OPTION("IF", SM_OPTION_IF, true),           OPTION("ACTIONS", SM_OPTION_ACTIONS, false),
    OPTION("EFFECTS", SM_OPTION_EFFECTS, false), OPTION("REASON", SM_OPTION_REASON, true),
    OPTION("FORCE", SM_OPTION_FORCE, false),    OPTION("WHY", SM_OPTION_WHY, false),
    OPTION("IFREV", SM_OPTION_IFREV, true),     OPTION("IFSTATE", SM_OPTION_IFSTATE, true),
    OPTION("ID", SM_OPTION_ID, true),
};

enum { OPTIONS = sizeof(options_by_name) / sizeof(*options_by_name) };

static const sm_bytes nothing = {NULL, 0};

/* ---- errors ---- */

static bool refuse(RedisModuleCtx *ctx, const char *before, sm_bytes name, const char *between, sm_bytes other,
                   const char *after) {
    sm_reply_error_about(ctx, before, name, between, other, after);
    return false;
}

static bool refuse_unknown(RedisModuleCtx *ctx, RedisModuleString **argv, int at, unsigned known) {
    char list[LONGEST_LIST] = "";
    size_t len = 0;

    for (int i = 0; i < OPTIONS; i++) {
        if (!(options_by_name[i].option & known)) continue;
        len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", len ? ", " : "; known are ",
                                options_by_name[i].word);
    }
    sm_reply_unknown_word(ctx, argv[0], argv[at], list);
    return false;
}

static bool refuse_missing(RedisModuleCtx *ctx, RedisModuleString **argv, int at) {
    return refuse(ctx, "syntax error: the value of ", sm_bytes_of(argv[at]), " is missing in ", sm_bytes_of(argv[0]),
                  "");
}

/* ---- guards ---- */

long long sm_options_number(sm_bytes text, size_t digits) {
    long long number = 0;

    if (!text.len || text.len > digits) return -1;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return -1;
        number = number * 10 + (text.ptr[i] - '0');
    }
    return number;
}

static sm_bytes pack(RedisModuleString **names, long count, sm_options *options) {
    size_t most = SM_VARINT_BYTES;
    char *begin = options->few, *at;

    for (long i = 0; i < count; i++) most += SM_VARINT_BYTES + sm_bytes_of(names[i]).len;
    if (most > sizeof(options->few)) begin = options->own = RedisModule_Alloc(most);
    at = sm_put_varint(begin, (uint64_t)count);
    for (long i = 0; i < count; i++) at = sm_put_text(at, sm_bytes_of(names[i]));
    return (sm_bytes){begin, (size_t)(at - begin)};
}

/* `at` is the count's place, and moves to the last of the names. */
static bool read_guards(RedisModuleCtx *ctx, RedisModuleString **argv, int argc, int *at, sm_options *options) {
    sm_bytes text = sm_bytes_of(argv[*at]);
    long count = (long)sm_options_number(text, LONGEST_COUNT);

    if (count < 0) return refuse(ctx, "GUARDS wants how many names follow: ", text, " is no count", nothing, "");
    if (count > argc - *at - 1) return refuse(ctx, "GUARDS ", text, " has fewer names behind it", nothing, "");
    options->given.guards = pack(argv + *at + 1, count, options);
    *at += (int)count;
    return true;
}

/* ---- the others ---- */

bool sm_options_set_reason(RedisModuleCtx *ctx, sm_bytes reason, sm_options *options) {
    size_t fault = sm_utf8_fault(reason);
    char text[96];
    int len;

    if (reason.len >= UINT32_MAX) {
        RedisModule_ReplyWithError(ctx, "ERR the reason is longer than 4294967294 bytes");
        return false;
    }
    options->reason = reason;
    if (fault == reason.len) return true;
    len = snprintf(text, sizeof(text), "the reason is not UTF-8: byte %zu is 0x%02x", fault,
                   (unsigned)(unsigned char)reason.ptr[fault]);
    sm_reply_error(ctx, (sm_bytes){text, (size_t)len});
    return false;
}

static bool read_condition(RedisModuleCtx *ctx, const RedisModuleString *argument, sm_options *options) {
    static const char *const words[] = {"ABSENT", "PRESENT", NULL};
    static const enum sm_condition conditions[] = {SM_IF_ABSENT, SM_IF_PRESENT};
    int word = sm_word(argument, words);

    if (word < 0)
        return refuse(ctx, "syntax error: ", sm_bytes_of(argument), " is no condition; known are IF ABSENT, IF PRESENT",
                      nothing, "");
    options->condition = conditions[word];
    return true;
}

static bool read_revision(RedisModuleCtx *ctx, sm_bytes text, sm_options *options) {
    long long revision = sm_options_number(text, SM_LONGEST_NUMBER);

    if (revision < 0) return refuse(ctx, "IFREV wants a revision: ", text, " is none", nothing, "");
    options->revision = (uint64_t)revision;
    return true;
}

static bool read_token(RedisModuleCtx *ctx, sm_bytes token, sm_options *options) {
    options->token = token;
    if (token.len && token.len <= SM_LONGEST_TOKEN) return true;
    return refuse(ctx, "ID wants a token of 1 to 64 bytes: ", token, token.len ? " is longer" : " is empty",
                  nothing, "");
}

static bool read_value(RedisModuleCtx *ctx, RedisModuleString **argv, int argc, int *at, unsigned option,
                       sm_options *options) {
    sm_bytes value = sm_bytes_of(argv[*at]);

    switch (option) {
    case SM_OPTION_CURRENT: options->current = value; return true;
    case SM_OPTION_DATA: options->given.data = value; return true;
    case SM_OPTION_INPUT: options->given.input = value; return true;
    case SM_OPTION_REASON: return sm_options_set_reason(ctx, value, options);
    case SM_OPTION_IFREV: return read_revision(ctx, value, options);
    case SM_OPTION_ID: return read_token(ctx, value, options);
    case SM_OPTION_IFSTATE: options->state = value; return true;
    case SM_OPTION_IF: return read_condition(ctx, argv[*at], options);
    default: return read_guards(ctx, argv, argc, at, options);
    }
}

/* Which option a word is: a place in the table, or -1. */
static int option_of(sm_bytes word, unsigned known) {
    for (int i = 0; i < OPTIONS; i++)
        if (word.len == options_by_name[i].len && (options_by_name[i].option & known) &&
            ((word.ptr[0] ^ options_by_name[i].word[0]) & ~0x20) == 0 && /* before the call */
            strncasecmp(word.ptr, options_by_name[i].word, word.len) == 0)
            return i;
    return -1;
}

bool sm_options_is_name(sm_bytes word, unsigned known) {
    return option_of(word, known) >= 0;
}

bool sm_options_lacks_value(RedisModuleCtx *ctx, RedisModuleString **argv, int at, unsigned known) {
    int place = option_of(sm_bytes_of(argv[at]), known);

    if (place < 0 || !options_by_name[place].wants_value) return false;
    refuse_missing(ctx, argv, at);
    return true;
}

static bool read_all(RedisModuleCtx *ctx, RedisModuleString **argv, int argc, int at, unsigned known,
                     sm_options *options) {
    const unsigned replies = SM_OPTION_ACTIONS | SM_OPTION_EFFECTS;

    for (; at < argc; at++) {
        int place = option_of(sm_bytes_of(argv[at]), known);
        unsigned option;

        if (place < 0) return refuse_unknown(ctx, argv, at, known);
        option = options_by_name[place].option;
        if (options->found & option)
            return refuse(ctx, "syntax error: ", sm_bytes_of(argv[at]), " stands twice in ", sm_bytes_of(argv[0]), "");
        if ((option & replies) && (options->found & replies))
            return refuse(ctx, "syntax error: ", sm_bytes_of(argv[at]), ": ACTIONS and EFFECTS exclude each other",
                          nothing, "");
        options->found |= option;
        if (option == SM_OPTION_ACTIONS) options->reply = SM_REPLY_ACTIONS;
        if (option == SM_OPTION_EFFECTS) options->reply = SM_REPLY_EFFECTS;
        if (!options_by_name[place].wants_value) continue;
        if (++at == argc) return refuse_missing(ctx, argv, at - 1);
        if (!read_value(ctx, argv, argc, &at, option, options)) return false;
    }
    return true;
}

bool sm_options_read(RedisModuleCtx *ctx, RedisModuleString **argv, int argc, int at, unsigned known,
                     sm_options *options) {
    if (read_all(ctx, argv, argc, at, known, options)) return true;
    sm_options_end(options);
    return false;
}
