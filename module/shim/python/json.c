/* JSON of nearly every step with data: the members of an event, and single members of a context. In the place of the
 * functions of sm_core/small_json.py, since Python's own reader takes several times as long to be called alone.
 *
 * Nothing is refused here. What is not as it mostly is, or is no JSON, is answered with None or False: Python reads and
 * writes it then. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <math.h>
#include <string.h>

#include "python/json.h"

enum { MOST_DIGITS = 18, LONGEST_INT = 20, LONGEST_DOUBLE = 64 };

static PyObject *read_json, *to_json; /* of sm_core/document.py */

static bool is_digit(const char *at, const char *end) {
    return at < end && *at >= '0' && *at <= '9';
}

static const char *behind_digits(const char *at, const char *end) {
    while (is_digit(at, end)) at++;
    return at;
}

static const char *behind_space(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
    return at;
}

static bool is_at(const char *at, const char *end, const char *word, size_t len) {
    return (size_t)(end - at) >= len && memcmp(at, word, len) == 0;
}

/* ---- values that are neither arrays nor objects ---- */

/* Each makes the value at `*at` and moves behind it, or answers NULL: with an exception, which is cleared in the end,
 * or without. */

static PyObject *take_text(const char **at, const char *end) {
    const char *first, *last;

    if (*at == end || **at != '"') return NULL;
    first = last = *at + 1;
    while (last < end && *last != '"' && *last != '\\' && (unsigned char)*last >= ' ') last++;
    if (last == end || *last != '"') return NULL;
    *at = last + 1;
    return PyUnicode_DecodeUTF8(first, last - first, NULL);
}

static PyObject *take_double(const char *first, const char *last) {
    char text[LONGEST_DOUBLE];
    double value;

    if (last - first >= (Py_ssize_t)sizeof(text)) return NULL;
    memcpy(text, first, (size_t)(last - first));
    text[last - first] = '\0';
    value = PyOS_string_to_double(text, NULL, NULL);
    return isfinite(value) && !PyErr_Occurred() ? PyFloat_FromDouble(value) : NULL;
}

static PyObject *take_number(const char **at, const char *end) {
    const char *first = *at, *digits = first + (first < end && *first == '-'), *last = behind_digits(digits, end);
    long long value = 0;
    bool whole = true;

    if (last == digits || (*digits == '0' && last - digits > 1)) return NULL;
    if (last - digits > MOST_DIGITS) return NULL;
    for (const char *place = digits; place < last; place++) value = value * 10 + (*place - '0');
    if (last < end && *last == '.') {
        whole = false;
        digits = last + 1;
        last = behind_digits(digits, end);
        if (last == digits) return NULL;
    }
    if (last < end && (*last == 'e' || *last == 'E')) {
        whole = false;
        digits = last + 1;
        if (digits < end && (*digits == '+' || *digits == '-')) digits++;
        last = behind_digits(digits, end);
        if (last == digits) return NULL;
    }
    *at = last;
    return whole ? PyLong_FromLongLong(*first == '-' ? -value : value) : take_double(first, last);
}

static PyObject *take_word(const char **at, const char *end) {
    if (is_at(*at, end, "true", 4)) return *at += 4, Py_NewRef(Py_True);
    if (is_at(*at, end, "false", 5)) return *at += 5, Py_NewRef(Py_False);
    if (is_at(*at, end, "null", 4)) return *at += 4, Py_NewRef(Py_None);
    return NULL;
}

static PyObject *take_value(const char **at, const char *end) {
    if (*at == end) return NULL;
    if (**at == '"') return take_text(at, end);
    return **at == '-' || is_digit(*at, end) ? take_number(at, end) : take_word(at, end);
}

/* ---- an event's members ---- */

/* One member into the object; the position behind it, or NULL. */
static const char *take_member(PyObject *object, const char *at, const char *end) {
    PyObject *name, *value = NULL;
    bool put = false;

    at = behind_space(at, end);
    name = take_text(&at, end);
    if (!name) return NULL;
    at = behind_space(at, end);
    if (at < end && *at == ':') {
        at = behind_space(at + 1, end);
        value = take_value(&at, end);
        put = value && PyDict_SetItem(object, name, value) == 0;
    }
    Py_DECREF(name);
    Py_XDECREF(value);
    return put ? behind_space(at, end) : NULL;
}

/* Whether the text is an object whose members could all be put into `object`, each once and none that was there. */
static bool take_members(PyObject *object, const char *at, const char *end) {
    Py_ssize_t members = PyDict_GET_SIZE(object);

    if (at == end || *at != '{') return false;
    at = behind_space(at + 1, end);
    if (at < end && *at == '}') return at + 1 == end;
    for (;;) {
        at = take_member(object, at, end);
        if (!at || at == end) return false;
        members++;
        if (*at == '}') return at + 1 == end && PyDict_GET_SIZE(object) == members;
        if (*at++ != ',') return false;
    }
}

static PyObject *read_flat(PyObject *unused, PyObject *const *arguments, Py_ssize_t count) {
    const char *text;
    bool read = false;

    (void)unused;
    if (count == 2 && PyBytes_Check(arguments[0]) && PyDict_CheckExact(arguments[1])) {
        text = PyBytes_AS_STRING(arguments[0]);
        read = take_members(arguments[1], text, text + PyBytes_GET_SIZE(arguments[0]));
    }
    if (!read) PyErr_Clear();
    return PyBool_FromLong(read);
}

/* ---- members of a context ---- */

/* The position behind a text that begins at `at`; NULL where it does not end. */
static const char *behind_text(const char *at, const char *end) {
    for (at++; at < end; at++) {
        if (*at == '"') return at + 1;
        if (*at == '\\' && ++at == end) return NULL;
    }
    return NULL;
}

/* Where a value ends: at the first comma or bracket that is not of it. NULL where it does not end. */
static const char *behind_value(const char *at, const char *end) {
    size_t depth = 0;

    while (at && at < end) {
        if (*at == '"') {
            at = behind_text(at, end);
            continue;
        }
        if (depth == 0 && (*at == ',' || *at == '}' || *at == ']')) return at;
        if (*at == '{' || *at == '[') depth++;
        if (*at == '}' || *at == ']') depth--;
        at++;
    }
    return NULL;
}

/* Where the value of the member begins; NULL where there is none, or its name is written with escapes. */
static const char *find_value(const char *at, const char *end, const char *name, Py_ssize_t len) {
    if (at == end || *at++ != '{' || memchr(name, '\\', (size_t)len)) return NULL;
    while (at < end && *at == '"') {
        const char *here = at + 1;

        at = behind_text(at, end);
        if (!at || at == end || *at != ':') return NULL;
        if (at - 1 - here == len && memcmp(here, name, (size_t)len) == 0) return at + 1;
        at = behind_value(at + 1, end);
        if (!at || *at != ',') return NULL;
        at++;
    }
    return NULL;
}

/* Where the value of a member begins and ends. False where it is not to be seen. */
static bool find_member(PyObject *text, PyObject *name, const char **first, const char **last) {
    const char *begin = PyBytes_AS_STRING(text), *end = begin + PyBytes_GET_SIZE(text), *utf8;
    Py_ssize_t len;

    utf8 = PyUnicode_AsUTF8AndSize(name, &len);
    if (!utf8) PyErr_Clear();
    *first = utf8 ? find_value(begin, end, utf8, len) : NULL;
    *last = *first ? behind_value(*first, end) : NULL;
    return *last != NULL;
}

static PyObject *make_value(const char *at, const char *end) {
    const char *first = at;
    PyObject *text, *value = take_value(&at, end);

    if (value && at == end) return value;
    Py_XDECREF(value);
    PyErr_Clear();
    text = PyBytes_FromStringAndSize(first, end - first);
    value = text ? PyObject_CallOneArg(read_json, text) : NULL;
    Py_XDECREF(text);
    return value;
}

static PyObject *read_member(PyObject *unused, PyObject *const *arguments, Py_ssize_t count) {
    const char *first, *last;
    PyObject *value = NULL;
    bool read;

    (void)unused;
    if (count == 3 && PyBytes_Check(arguments[0]) && PyUnicode_Check(arguments[1]) && PyDict_CheckExact(arguments[2]) &&
        find_member(arguments[0], arguments[1], &first, &last))
        value = make_value(first, last);
    read = value && PyDict_SetItem(arguments[2], arguments[1], value) == 0;
    Py_XDECREF(value);
    if (!read) PyErr_Clear();
    return PyBool_FromLong(read);
}

/* The digits of an int end at `end`; where they begin. */
static const char *put_int(char *end, long long value) {
    unsigned long long left = value < 0 ? -(unsigned long long)value : (unsigned long long)value;

    do *--end = (char)('0' + left % 10);
    while (left /= 10);
    if (value < 0) *--end = '-';
    return end;
}

static PyObject *with_text(PyObject *text, const char *first, const char *last, const char *json, Py_ssize_t len) {
    const char *begin = PyBytes_AS_STRING(text);
    size_t before = (size_t)(first - begin), behind = (size_t)(begin + PyBytes_GET_SIZE(text) - last);
    PyObject *made = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(before + behind) + len);

    if (made) {
        char *at = PyBytes_AS_STRING(made);

        memcpy(at, begin, before);
        memcpy(at + before, json, (size_t)len);
        memcpy(at + before + (size_t)len, last, behind);
    }
    return made;
}

/* The object with another value of a member. NULL with an exception, or without where the member is not to be seen. */
static PyObject *with_member(PyObject *text, PyObject *name, PyObject *value) {
    char digits[LONGEST_INT], *end = digits + sizeof(digits);
    PyObject *written = NULL, *made = NULL;
    const char *first, *last, *json;
    int overflow = !PyLong_CheckExact(value);
    long long number = overflow ? 0 : PyLong_AsLongLongAndOverflow(value, &overflow);
    Py_ssize_t len;

    if (!find_member(text, name, &first, &last)) return NULL;
    if (!overflow) {
        json = put_int(end, number);
        len = end - json;
    } else {
        written = PyObject_CallOneArg(to_json, value);
        json = written ? PyUnicode_AsUTF8AndSize(written, &len) : NULL;
    }
    if (json) made = with_text(text, first, last, json, len);
    Py_XDECREF(written);
    return made;
}

static PyObject *write_members(PyObject *unused, PyObject *const *arguments, Py_ssize_t count) {
    PyObject *text, *name, *value;
    Py_ssize_t at = 0;

    (void)unused;
    if (count != 2 || !PyBytes_Check(arguments[0]) || !PyDict_CheckExact(arguments[1])) Py_RETURN_NONE;
    text = Py_NewRef(arguments[0]);
    while (text && PyDict_Next(arguments[1], &at, &name, &value)) {
        PyObject *made = with_member(text, name, value);

        Py_DECREF(text);
        text = made;
    }
    if (text || PyErr_Occurred()) return text;
    Py_RETURN_NONE;
}

/* ---- in the place of Python's ---- */

static PyMethodDef functions[] = {
    {"read_flat", (PyCFunction)(void (*)(void))read_flat, METH_FASTCALL, NULL},
    {"read_member", (PyCFunction)(void (*)(void))read_member, METH_FASTCALL, NULL},
    {"write_members", (PyCFunction)(void (*)(void))write_members, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};

bool sm_python_install_json(void) {
    PyObject *document = PyImport_ImportModule("sm_core.document"), *module = NULL;
    bool installed = false;

    if (document && !read_json) read_json = PyObject_GetAttrString(document, "read_json");
    if (document && !to_json) to_json = PyObject_GetAttrString(document, "to_json");
    if (read_json && to_json) module = PyImport_ImportModule("sm_core.small_json");
    if (module) installed = PyModule_AddFunctions(module, functions) == 0;
    Py_XDECREF(module);
    Py_XDECREF(document);
    return installed;
}
