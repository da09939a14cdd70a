/* The functions that Python implements (module/boundary.py), in C's words; cffi makes them. A step is step.h's. Each
 * but the first two and the last gives a code of sm_verdict_code. Those that take `texts` get all of them in one, their
 * lengths as enum sm_input has them. */
#ifndef SM_PYTHON_EXPORTS_H
#define SM_PYTHON_EXPORTS_H
#include "python/boundary.h"

/* 1 when the engine has been imported and is ready. */
int sm_python_ready(void);

/* How large a document may be that a client sends, how large a context, how long a step may evaluate. */
void sm_python_set_limits(long long document_bytes, long long states, long long elements, long long nesting,
                          long long context_bytes, long long expression_steps, long long history,
                          long long idempotency);

/* A document (SM_IN_ARGUMENT) to a definition, where it stands, a reason. Accepted before: it is held to no limit. */
int sm_python_compile(int accepted_before, long long now, const char *texts, size_t len, const long long *lengths,
                      sm_verdict *verdict);

/* The node of a configuration that was stored. */
int sm_python_describe(uint64_t engine, const char *configuration, size_t len, int accepted_before,
                       sm_verdict *verdict);

/* A question of `kind` about a definition, or about a machine of it, with an argument. */
int sm_python_ask(uint64_t engine, int kind, long long now, const char *texts, size_t len, const long long *lengths,
                  sm_verdict *verdict);

/* What a machine keeps, from outside, checked: SM_IN_CONFIGURATION, _CONTEXT, _OUTPUT, _ERROR. */
int sm_python_admit(uint64_t engine, const char *texts, size_t len, const long long *lengths, sm_verdict *verdict);

/* A list of deadlines, or of tasks, well formed and from outside, checked. */
int sm_python_admit_waits(int tasks, const char *list, size_t len, sm_verdict *verdict);

/* A context (SM_IN_CONTEXT) with members set anew (SM_IN_DATA). */
int sm_python_merge(const char *texts, size_t len, const long long *lengths, sm_verdict *verdict);

/* A question of `kind` about a document that is not stored. */
int sm_python_look_at(int kind, const char *document, size_t len, sm_verdict *verdict);

/* The definition is given back. */
void sm_python_forget(uint64_t engine);

#endif
