/* A module that starts a Python interpreter before ours is loaded. Its first argument is the path of a libpython; with
 * a second argument it releases the interpreter's lock, as most programs that embed Python do. */
#include <dlfcn.h>
#include <stddef.h>

typedef struct text text;

__attribute__((visibility("default"))) int RedisModule_OnLoad(void *ctx, text **argv, int argc) {
    int (*get_api)(const char *, void *) = *(int (**)(const char *, void *))ctx;
    void (*set_attributes)(void *, const char *, int, int);
    const char *(*characters)(const text *, size_t *);
    void (*start)(int);
    void *(*release)(void);
    void *library;

    if (get_api("RedisModule_SetModuleAttribs", (void *)&set_attributes) ||
        get_api("RedisModule_StringPtrLen", (void *)&characters))
        return 1;
    set_attributes(ctx, "otherpython", 1, 1);
    library = dlopen(characters(argv[0], NULL), RTLD_NOW | RTLD_GLOBAL);
    if (!library) return 1;
    *(void **)&start = dlsym(library, "Py_InitializeEx");
    *(void **)&release = dlsym(library, "PyEval_SaveThread");
    start(0);
    if (argc > 1) release();
    return 0;
}
