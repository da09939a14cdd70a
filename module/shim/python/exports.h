/* The functions that Python implements (module/boundary.py), in C's words; cffi makes them. Each but the first two and
 * the last gives a code of sm_verdict_code. */
#ifndef SM_PYTHON_EXPORTS_H
#define SM_PYTHON_EXPORTS_H
#include "python/boundary.h"

/* 1 when the engine has been imported and is ready. */
int sm_python_ready(void);

/* How large a document may be that a client sends. */
void sm_python_set_limits(long long document_bytes, long long states, long long elements, long long nesting);

/* A document to a definition, a configuration and a reason. What was accepted before is held to no limit. */
int sm_python_compile(const char *document, size_t len, int accepted_before, sm_verdict *verdict);

/* The node of a configuration that was stored. */
int sm_python_describe(uint64_t engine, const char *configuration, size_t len, int accepted_before,
                       sm_verdict *verdict);

/* A step to its outcome. */
int sm_python_step(const sm_step *step, sm_verdict *verdict);

/* A question of `kind` about a definition, or about a configuration of it, with an argument. */
int sm_python_ask(uint64_t engine, int kind, const char *configuration, size_t configuration_len, const char *argument,
                  size_t argument_len, sm_verdict *verdict);

/* A question of `kind` about a document that is not stored. */
int sm_python_look_at(int kind, const char *document, size_t len, sm_verdict *verdict);

/* The definition is given back. */
void sm_python_forget(uint64_t engine);

#endif
