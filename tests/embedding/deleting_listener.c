/* A module that, on each keyspace event of ours, calls commands of ours, which move another machine and that of the
 * event's key, and deletes the key: whatever our command does after its event must not rely on the key, on what its
 * machine kept, or on the answer of the last engine call. */
#include <stddef.h>

typedef int (*listener)(void *ctx, int type, const char *event, void *key);

static void *(*call)(void *ctx, const char *command, const char *format, ...);
static void (*free_reply)(void *reply);

static void free_if(void *reply) {
    if (reply) free_reply(reply);
}

static int on_event(void *ctx, int type, const char *event, void *key) {
    (void)type;
    if (event[0] != 's' || event[1] != 'm' || event[2] != '.') return 0;
    free_if(call(ctx, "SM.CAN", "cc", "other", "no such event"));
    free_if(call(ctx, "SM.SEND", "cccc", "data", "PAY", "DATA", "{\"amount\":1}"));
    free_if(call(ctx, "SM.SEND", "sccccc", key, "PAY", "DATA", "{\"amount\":1}", "REASON", "by the listener"));
    free_if(call(ctx, "SM.RESET", "scc", key, "INPUT", "{\"total\":7}"));
    free_if(call(ctx, "DEL", "s", key));
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
