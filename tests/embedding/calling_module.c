/* A module that calls other modules' commands: CALLS.NOW flags command argument ... answers what that answers, and
 * CALLS.LATER does the same from a timer, and answers OK; the last reply's type is answered by CALLS.LAST, -2 where
 * there is none yet, -1 where the server refused the call. */
#include <stddef.h>

static void *(*call)(void *ctx, const char *command, const char *format, ...);
static int (*type_of)(void *reply);
static void (*free_reply)(void *reply);
static int (*reply_with)(void *ctx, void *reply);
static int (*reply_with_error)(void *ctx, const char *text);
static int (*reply_with_string)(void *ctx, const char *text);
static int (*reply_with_number)(void *ctx, long long number);
static const char *(*text_of)(const void *string, size_t *len);
static unsigned long (*create_timer)(void *ctx, long long ms, void (*callback)(void *ctx, void *data), void *data);
static void *(*allocate)(size_t bytes);
static void (*give_back)(void *block);
static void *(*create_string)(void *ctx, const char *text, size_t len);
static void (*free_string)(void *ctx, void *string);

enum { MOST = 16, FLAGS = 8 };

static int last = -2;

typedef struct {
    char flags[FLAGS], command[32];
    void *argv[MOST];
    int argc;
} later;

static void format_of(char *format, const char *flags, size_t len) {
    size_t at = 0;

    while (at < len && at < FLAGS - 2) format[at] = flags[at], at++;
    format[at++] = 'v';
    format[at] = 0;
}

static int now(void *ctx, void **argv, int argc) {
    char format[FLAGS];
    const char *flags;
    size_t len;
    void *reply;

    if (argc < 3) return reply_with_error(ctx, "ERR too few arguments");
    flags = text_of(argv[1], &len);
    format_of(format, flags, len);
    reply = call(ctx, text_of(argv[2], &len), format, argv + 3, (size_t)(argc - 3));
    if (!reply) return reply_with_error(ctx, "ERR the server refused the call");
    reply_with(ctx, reply);
    free_reply(reply);
    return 0;
}

static void fire(void *ctx, void *data) {
    later *what = data;
    void *reply = call(ctx, what->command, what->flags, what->argv, (size_t)what->argc);

    last = reply ? type_of(reply) : -1;
    if (reply) free_reply(reply);
    for (int i = 0; i < what->argc; i++) free_string(NULL, what->argv[i]);
    give_back(what);
}

static int call_later(void *ctx, void **argv, int argc) {
    later *what;
    const char *text;
    size_t len;

    if (argc < 3 || argc - 3 > MOST) return reply_with_error(ctx, "ERR too few arguments, or too many");
    what = allocate(sizeof(*what));
    text = text_of(argv[1], &len);
    format_of(what->flags, text, len);
    text = text_of(argv[2], &len);
    for (size_t i = 0; i <= len && i < sizeof(what->command); i++) what->command[i] = text[i];
    what->argc = argc - 3;
    for (int i = 0; i < what->argc; i++) {
        text = text_of(argv[3 + i], &len);
        what->argv[i] = create_string(NULL, text, len);
    }
    last = -2;
    create_timer(ctx, 1, fire, what);
    return reply_with_string(ctx, "OK");
}

static int answer_last(void *ctx, void **argv, int argc) {
    (void)argv, (void)argc;
    return reply_with_number(ctx, last);
}

__attribute__((visibility("default"))) int RedisModule_OnLoad(void *ctx, void **argv, int argc) {
    int (*get_api)(const char *, void *) = *(int (**)(const char *, void *))ctx;
    void (*set_attributes)(void *, const char *, int, int);
    int (*create)(void *, const char *, int (*)(void *, void **, int), const char *, int, int, int);

    (void)argv, (void)argc;
    if (get_api("RedisModule_SetModuleAttribs", (void *)&set_attributes) ||
        get_api("RedisModule_CreateCommand", (void *)&create) || get_api("RedisModule_Call", (void *)&call) ||
        get_api("RedisModule_CallReplyType", (void *)&type_of) ||
        get_api("RedisModule_FreeCallReply", (void *)&free_reply) ||
        get_api("RedisModule_ReplyWithCallReply", (void *)&reply_with) ||
        get_api("RedisModule_ReplyWithError", (void *)&reply_with_error) ||
        get_api("RedisModule_ReplyWithSimpleString", (void *)&reply_with_string) ||
        get_api("RedisModule_ReplyWithLongLong", (void *)&reply_with_number) ||
        get_api("RedisModule_StringPtrLen", (void *)&text_of) ||
        get_api("RedisModule_CreateTimer", (void *)&create_timer) ||
        get_api("RedisModule_Alloc", (void *)&allocate) || get_api("RedisModule_Free", (void *)&give_back) ||
        get_api("RedisModule_CreateString", (void *)&create_string) ||
        get_api("RedisModule_FreeString", (void *)&free_string))
        return 1;
    set_attributes(ctx, "calls", 1, 1);
    return create(ctx, "calls.now", now, "write", 0, 0, 0) ||
           create(ctx, "calls.later", call_later, "write", 0, 0, 0) ||
           create(ctx, "calls.last", answer_last, "readonly", 0, 0, 0);
}
