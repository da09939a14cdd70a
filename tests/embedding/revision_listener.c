/* A module that asks, at each event of a machine, at which revision it is, and what the newest entry of the stream "s"
 * says: the list "seen" gets the event's name, that revision, and the length of the stream. */
#include <stddef.h>
#include <string.h>

enum { GENERIC = 1 << 2, INTEGER = 2 };

typedef int (*listener)(void *ctx, int type, const char *event, void *key);

static void *(*call)(void *ctx, const char *command, const char *format, ...);
static void (*free_reply)(void *reply);
static int (*type_of)(void *reply);
static long long (*number_of)(void *reply);

static long long take(void *reply) {
    long long number = reply && type_of(reply) == INTEGER ? number_of(reply) : -1;

    if (reply) free_reply(reply);
    return number;
}

static int on_event(void *ctx, int type, const char *event, void *key) {
    long long revision, length;

    (void)type;
    if (strncmp(event, "sm.", 3) != 0) return 0;
    revision = take(call(ctx, "SM.GET", "sc", key, "REVISION"));
    length = take(call(ctx, "XLEN", "c", "s"));
    take(call(ctx, "RPUSH", "ccll", "seen", event, revision, length));
    return 0;
}

__attribute__((visibility("default"))) int RedisModule_OnLoad(void *ctx, void **argv, int argc) {
    int (*get_api)(const char *, void *) = *(int (**)(const char *, void *))ctx;
    void (*set_attributes)(void *, const char *, int, int);
    int (*subscribe)(void *ctx, int types, listener call);

    (void)argv, (void)argc;
    if (get_api("RedisModule_SetModuleAttribs", (void *)&set_attributes) ||
        get_api("RedisModule_SubscribeToKeyspaceEvents", (void *)&subscribe) ||
        get_api("RedisModule_CallReplyType", (void *)&type_of) ||
        get_api("RedisModule_CallReplyInteger", (void *)&number_of) || get_api("RedisModule_Call", (void *)&call) ||
        get_api("RedisModule_FreeCallReply", (void *)&free_reply))
        return 1;
    set_attributes(ctx, "revisions", 1, 1);
    return subscribe(ctx, GENERIC, on_event);
}
