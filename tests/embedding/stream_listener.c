/* A module that deletes the key "k" when a key expires, and when one begins that is named "begins": our command must
 * not rely on the machine's key where it opens its outbox or adds an entry. */
#include <stddef.h>
#include <string.h>

enum { EXPIRED = 1 << 8, NEW = 1 << 14 };

typedef int (*listener)(void *ctx, int type, const char *event, void *key);

static void *(*call)(void *ctx, const char *command, const char *format, ...);
static void (*free_reply)(void *reply);
static const char *(*bytes_of)(const void *string, size_t *len);

static int on_event(void *ctx, int type, const char *event, void *key) {
    size_t len;
    const char *name = bytes_of(key, &len);
    void *reply;

    (void)event;
    if (type == NEW && !(len == 6 && memcmp(name, "begins", 6) == 0)) return 0;
    reply = call(ctx, "DEL", "!c", "k");
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
        get_api("RedisModule_StringPtrLen", (void *)&bytes_of) || get_api("RedisModule_Call", (void *)&call) ||
        get_api("RedisModule_FreeCallReply", (void *)&free_reply))
        return 1;
    set_attributes(ctx, "streamlistener", 1, 1);
    return subscribe(ctx, EXPIRED | NEW, on_event);
}
