/* Steps cross to Python here, without cffi: what it makes of twelve arguments and of the calls back takes several times
 * as long as a step's own work. All else that is asked of Python is asked once, or takes long anyhow, and crosses by
 * cffi (exports.h). */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <string.h>

#include "python/boundary.h"
#include "python/json.h"
#include "python/python.h"
#include "python/step.h"

enum { NUMBERS = 4, ARGUMENTS = NUMBERS + SM_INPUTS };

static PyObject *step; /* of module/boundary.py */

bool sm_python_find_step(void) {
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *module = PyImport_ImportModule("module.boundary");

    step = module && sm_python_install_json() ? PyObject_GetAttrString(module, "step") : NULL;
    Py_XDECREF(module);
    PyErr_Clear();
    PyGILState_Release(state);
    return step != NULL;
}

/* ---- what it says ---- */

typedef struct part {
    const char *ptr;
    long long len; /* -1: none */
} part;

/* The elements of a tuple from one on: bytes or None. False where one is neither. */
static bool take(PyObject *tuple, Py_ssize_t first, part *parts, int count) {
    for (int i = 0; i < count; i++) {
        PyObject *element = PyTuple_GET_ITEM(tuple, first + i);

        if (element == Py_None) {
            parts[i] = (part){"", -1};
        } else if (PyBytes_Check(element)) {
            parts[i] = (part){PyBytes_AS_STRING(element), PyBytes_GET_SIZE(element)};
        } else {
            return false;
        }
    }
    return true;
}

static void say_outcome(sm_verdict *verdict, part where, const part kept[4]) {
    sm_verdict_outcome(verdict, where.ptr, (size_t)where.len, kept[0].ptr, kept[0].len, kept[1].ptr, kept[1].len,
                       kept[2].ptr, kept[2].len, kept[3].ptr, kept[3].len);
}

/* An Outcome of sm_core/definition.py. Its effects were not asked for, and there is nothing to wait for. */
static int take_engines_outcome(PyObject *said, sm_verdict *verdict) {
    enum { WHERE = 0, KEPT = 3 };
    part where, kept[4];

    if (!take(said, WHERE, &where, 1) || where.len < 0 || !take(said, KEPT, kept, 4)) return SM_VERDICT_INTERNAL;
    say_outcome(verdict, where, kept);
    return SM_VERDICT_TAKEN;
}

/* A reply, configuration, what it arms, cancels, starts and stops, and the rest: of a node that it describes, with
 * whether the machine is done there, or of an outcome that depends on data. */
static int take_outcome(PyObject *said, sm_verdict *verdict) {
    enum { REPLY, WHERE, WAITS, REST, DESCRIBED = 6, OUTCOME = 7, ENGINES = 8 };
    Py_ssize_t size = PyTuple_GET_SIZE(said);
    part parts[OUTCOME];

    if (size == ENGINES) return take_engines_outcome(said, verdict);
    if ((size != DESCRIBED && size != OUTCOME) || !take(said, 0, parts, (int)(size == OUTCOME ? size : size - 1)))
        return SM_VERDICT_INTERNAL;
    if (parts[WHERE].len < 0) return SM_VERDICT_INTERNAL;
    if (size == OUTCOME) {
        say_outcome(verdict, parts[WHERE], parts + REST);
    } else {
        if (parts[REST].len < 0 || parts[4].len < 0) return SM_VERDICT_INTERNAL;
        sm_verdict_stand(verdict, parts[WHERE].ptr, (size_t)parts[WHERE].len, parts[REST].ptr, (size_t)parts[REST].len,
                         parts[4].ptr, (size_t)parts[4].len, PyTuple_GET_ITEM(said, DESCRIBED - 1) == Py_True);
    }
    if (parts[WAITS].len >= 0) sm_verdict_waits(verdict, parts[WAITS].ptr, (size_t)parts[WAITS].len);
    if (parts[REPLY].len >= 0) sm_verdict_reply(verdict, parts[REPLY].ptr, (size_t)parts[REPLY].len);
    return SM_VERDICT_TAKEN;
}

static int take_answer(PyObject *said, sm_verdict *verdict) {
    if (!said) { /* not even the failure could be logged */
        PyErr_Clear();
        return SM_VERDICT_INTERNAL;
    }
    if (PyTuple_Check(said)) return take_outcome(said, verdict);
    if (PyBytes_Check(said)) {
        sm_verdict_error(verdict, PyBytes_AS_STRING(said), (size_t)PyBytes_GET_SIZE(said));
        return SM_VERDICT_ERROR;
    }
    if (!PyBool_Check(said)) return SM_VERDICT_INTERNAL;
    if (said == Py_True) sm_verdict_ask_again(verdict);
    return SM_VERDICT_REFUSED;
}

/* ---- the call ---- */

/* The argument as a text, or as bytes where it is none. */
static PyObject *make_argument(sm_bytes argument) {
    PyObject *text = PyUnicode_DecodeUTF8(argument.ptr, (Py_ssize_t)argument.len, NULL);

    if (text) return text;
    PyErr_Clear();
    return PyBytes_FromStringAndSize(argument.ptr, (Py_ssize_t)argument.len);
}

static PyObject *make_input(enum sm_input input, sm_bytes bytes) {
    if (!bytes.ptr) return Py_NewRef(Py_None);
    return input == SM_IN_ARGUMENT ? make_argument(bytes) : PyBytes_FromStringAndSize(bytes.ptr, (Py_ssize_t)bytes.len);
}

static bool make_arguments(PyObject **arguments, const long long numbers[NUMBERS], const sm_bytes inputs[SM_INPUTS]) {
    bool made = true;

    for (int i = 0; i < NUMBERS; i++) made &= (arguments[i] = PyLong_FromLongLong(numbers[i])) != NULL;
    for (int i = 0; i < SM_INPUTS; i++)
        made &= (arguments[NUMBERS + i] = make_input((enum sm_input)i, inputs[i])) != NULL;
    return made;
}

int sm_python_step(uint64_t engine, int kind, bool accepted_before, long long now, const sm_bytes inputs[SM_INPUTS],
                   sm_verdict *verdict) {
    const long long numbers[NUMBERS] = {(long long)engine, kind, accepted_before, now};
    PyGILState_STATE state = PyGILState_Ensure();
    PyObject *arguments[ARGUMENTS] = {NULL}, *said = NULL;
    int code;

    if (make_arguments(arguments, numbers, inputs)) said = PyObject_Vectorcall(step, arguments, ARGUMENTS, NULL);
    code = take_answer(said, verdict);
    Py_XDECREF(said);
    for (int i = 0; i < ARGUMENTS; i++) Py_XDECREF(arguments[i]);
    PyGILState_Release(state);
    return code;
}
