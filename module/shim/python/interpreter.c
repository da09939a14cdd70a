/* CPython inside the server: its library made global, an isolated start.
 *
 * The main thread keeps the GIL from here on: no other thread of the process enters Python, and taking it for each
 * command costs more than the command. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <string.h>

#include "python/python.h"

#if PY_VERSION_HEX < 0x030b0000
#error "redisstate needs Python 3.11 or newer"
#endif

enum { LIBRARY_NAME = 64 };

static pthread_t main_thread;
static bool is_child;
static char version[32];

/* ---- start ---- */

static bool failed(RedisModuleCtx *ctx, const char *step, PyStatus status) {
    RedisModule_Log(ctx, "warning", "cannot start Python (%s): %s", step,
                    status.err_msg ? status.err_msg : "no reason given");
    return false;
}

static PyStatus add_path(PyConfig *config, const char *path) {
    wchar_t *wide = Py_DecodeLocale(path, NULL);
    PyStatus status = wide ? PyWideStringList_Append(&config->module_search_paths, wide) : PyStatus_NoMemory();

    PyMem_RawFree(wide);
    return status;
}

static PyStatus configure(PyConfig *config, const char *bundle) {
    const char *const paths[] = {bundle, SM_PYTHON_STDLIB, SM_PYTHON_DYNLOAD};
    PyStatus status;

    config->write_bytecode = 0;
    config->site_import = 0;
    config->pathconfig_warnings = 0;
    config->install_signal_handlers = 0;
    config->use_environment = 0;
    config->user_site_directory = 0;
    status = PyConfig_SetBytesString(config, &config->home, SM_PYTHON_HOME);
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths) && !PyStatus_Exception(status); i++)
        status = add_path(config, paths[i]);
    config->module_search_paths_set = 1;
    return status;
}

/* A child of the server never enters Python; should some library make it, these keep its locks whole. */
static void before_fork(void) {
    if (pthread_equal(pthread_self(), main_thread)) PyOS_BeforeFork();
}

static void after_fork_in_parent(void) {
    if (pthread_equal(pthread_self(), main_thread)) PyOS_AfterFork_Parent();
}

static void after_fork_in_child(void) {
    is_child = true;
    if (pthread_equal(pthread_self(), main_thread)) PyOS_AfterFork_Child();
}

bool sm_on_main_thread(void) {
    return pthread_equal(pthread_self(), main_thread) && !is_child;
}

static bool start(RedisModuleCtx *ctx, const char *bundle) {
    PyPreConfig before;
    PyConfig config;
    PyStatus status;

    PyPreConfig_InitIsolatedConfig(&before);
    before.utf8_mode = 1;
    status = Py_PreInitialize(&before);
    if (PyStatus_Exception(status)) return failed(ctx, "preinitialize", status);
    sm_python_use_servers_memory();

    PyConfig_InitIsolatedConfig(&config);
    status = configure(&config, bundle);
    if (!PyStatus_Exception(status)) status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status)) return failed(ctx, "initialize", status);

    if (pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) != 0) {
        RedisModule_Log(ctx, "warning", "cannot register the fork handlers");
        return false;
    }
    return true;
}

/* Another module, or an earlier load of this one, has started Python: the bundle joins its path. */
static bool join(RedisModuleCtx *ctx, const char *bundle) {
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *path = PySys_GetObject("path");
    PyObject *entry = PyUnicode_DecodeFSDefault(bundle);
    bool joined = path && entry && PyList_Check(path) && PyList_Insert(path, 0, entry) == 0;

    Py_XDECREF(entry);
    PyErr_Clear();
    PyGILState_Release(state);
    RedisModule_Log(ctx, joined ? "notice" : "warning",
                    joined ? "sharing the Python that runs in this server" : "cannot extend the path of Python");
    return joined;
}

static void log_exception(RedisModuleCtx *ctx) {
    PyObject *type, *value, *trace, *text;

    PyErr_Fetch(&type, &value, &trace);
    text = value ? PyObject_Str(value) : NULL;
    RedisModule_Log(ctx, "warning", "Python: %s: %s", type ? ((PyTypeObject *)type)->tp_name : "no exception",
                    text && PyUnicode_AsUTF8(text) ? PyUnicode_AsUTF8(text) : "no reason given");
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    Py_XDECREF(text);
    PyErr_Clear();
}

/* cffi would print to a stderr that a daemon does not have, were its backend or the engine missing. */
static bool can_import(RedisModuleCtx *ctx) {
    static const char *const names[] = {"_cffi_backend", "sm_core"};
    PyGILState_STATE state = PyGILState_Ensure();
    bool found = true;

    for (size_t i = 0; i < sizeof(names) / sizeof(*names) && found; i++) {
        PyObject *module = PyImport_ImportModule(names[i]);

        found = module != NULL;
        if (!found) log_exception(ctx);
        Py_XDECREF(module);
    }
    PyGILState_Release(state);
    return found;
}

/* Servers that load modules with RTLD_DEEPBIND let us see our own libpython alone; extension modules would still be
 * bound to one that was there before. So the libraries of the process are looked through, by name. */
static int is_another_python(struct dl_phdr_info *library, size_t size, void *found) {
    const char *slash = strrchr(library->dlpi_name, '/');
    const char *name = slash ? slash + 1 : library->dlpi_name;

    (void)size;
    if (strncmp(name, "libpython3.", 11) != 0 || strcmp(name, "libpython3.so") == 0) return 0;
    if (strcmp(name, SM_PYTHON_LIBRARY) == 0) return 0;
    snprintf(found, LIBRARY_NAME, "%s", name);
    return 1;
}

bool sm_python_start(RedisModuleCtx *ctx, const char *bundle) {
    char wanted[16], another[LIBRARY_NAME];
    int wanted_len = snprintf(wanted, sizeof(wanted), "%d.%d.", PY_MAJOR_VERSION, PY_MINOR_VERSION);

    if (dl_iterate_phdr(is_another_python, another)) {
        RedisModule_Log(ctx, "warning", "built for Python %d.%d, but this server has loaded %s: not loaded",
                        PY_MAJOR_VERSION, PY_MINOR_VERSION, another);
        return false;
    }
    /* Extension modules look for Python's symbols in the global scope; the server opened this module locally. */
    if (!dlopen(SM_PYTHON_LIBRARY, RTLD_LAZY | RTLD_GLOBAL)) {
        RedisModule_Log(ctx, "warning", "cannot load %s: %s", SM_PYTHON_LIBRARY, dlerror());
        return false;
    }
    if (strncmp(Py_GetVersion(), wanted, (size_t)wanted_len) != 0) {
        RedisModule_Log(ctx, "warning", "built for Python %d.%d, but this server runs Python %.16s: not loaded",
                        PY_MAJOR_VERSION, PY_MINOR_VERSION, Py_GetVersion());
        return false;
    }
    snprintf(version, sizeof(version), "%.*s", (int)strcspn(Py_GetVersion(), " "), Py_GetVersion());
    main_thread = pthread_self();
    return (Py_IsInitialized() ? join(ctx, bundle) : start(ctx, bundle)) && can_import(ctx);
}

const char *sm_python_version(void) {
    return version;
}
