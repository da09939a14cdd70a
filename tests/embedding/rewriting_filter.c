/* A module whose command filter replaces the last argument of ECHO and COMMAND by another of the same length: our
 * module must check the replies to its own calls. */
#include <stddef.h>
#include <string.h>

static int (*count_arguments)(void *command);
static void *(*get_argument)(void *command, int position);
static int (*replace_argument)(void *command, int position, void *string);
static void *(*create_string)(void *ctx, const char *bytes, size_t len);
static const char *(*bytes_of)(const void *string, size_t *len);

static void rewrite(void *command) {
    char other[64];
    int last = count_arguments(command) - 1;
    size_t len;
    const char *name = bytes_of(get_argument(command, 0), &len);

    if (last < 1) return;
    if (!(len == 4 && memcmp(name, "ECHO", 4) == 0) && !(len == 7 && memcmp(name, "COMMAND", 7) == 0)) return;
    bytes_of(get_argument(command, last), &len);
    if (len > sizeof(other)) return;
    memset(other, '?', sizeof(other));
    replace_argument(command, last, create_string(NULL, other, len));
}

__attribute__((visibility("default"))) int RedisModule_OnLoad(void *ctx, void **argv, int argc) {
    int (*get_api)(const char *, void *) = *(int (**)(const char *, void *))ctx;
    void (*set_attributes)(void *, const char *, int, int);
    void *(*add_filter)(void *ctx, void (*filter)(void *), int flags);

    (void)argv, (void)argc;
    if (get_api("RedisModule_SetModuleAttribs", (void *)&set_attributes) ||
        get_api("RedisModule_RegisterCommandFilter", (void *)&add_filter) ||
        get_api("RedisModule_CommandFilterArgsCount", (void *)&count_arguments) ||
        get_api("RedisModule_CommandFilterArgGet", (void *)&get_argument) ||
        get_api("RedisModule_CommandFilterArgReplace", (void *)&replace_argument) ||
        get_api("RedisModule_CreateString", (void *)&create_string) ||
        get_api("RedisModule_StringPtrLen", (void *)&bytes_of))
        return 1;
    set_attributes(ctx, "rewritingfilter", 1, 1);
    return add_filter(ctx, rewrite, 0) == NULL;
}
