/* A module that, on each keyspace event of ours, calls a command of ours and deletes the event's key: whatever our
 * command does after its event must not rely on the key or on the answer of the last engine call. */
#include <stddef.h>

typedef int (*listener)(void *ctx, int type, const char *event, void *key);

static void *(*call)(void *ctx, const char *command, const char *format, ...);
static void (*free_reply)(void *reply);

static int on_event(void *ctx, int type, const char *event, void *key) {
    void *reply;

    (void)type;
    if (event[0] != 's' || event[1] != 'm' || event[2] != '.') return 0;
    reply = call(ctx, "SM.CAN", "cc", "other", "no such event");
    if (reply) free_reply(reply);
    reply = call(ctx, "DEL", "s", key);
    if (reply) free_reply(reply);
    return 0;
}

__attribute__((visibility("default"))) int RedisModule_OnLoad(void *ctx, void **argv, int argc) {
    int (*get_api)(const char *, void *) = *(int (**)(const char *, void *))ctx;
    void (*set_attributes)(void *, const char *, int, int);
    int (*subscribe)(void *ctx, int types, listener call);

    (void)argv, (void)argc;
    if (get_api("RedisModule_SetModuleAttribs", (void *)&set_attributes) ||
        get_api("RedisModule_SubscribeToKeyspaceEvents", (void *)&subscribe) ||
        get_api("RedisModule_Call", (void *)&call) || get_api("RedisModule_FreeCallReply", (void *)&free_reply))
        return 1;
    set_attributes(ctx, "deletinglistener", 1, 1);
    return subscribe(ctx, 1 << 2, on_event);
}
