/* The functions that Python implements (module/boundary.py), in C's words; cffi makes them. */
#ifndef SM_ENGINE_API_H
#define SM_ENGINE_API_H
#include "engine_abi.h"

/* 1 when the engine has been imported and is ready. */
int sm_python_ready(void);

/* A document to a definition, a configuration and a reason. Limits below zero: none. */
int sm_python_compile(const char *document, size_t len, long long document_bytes, long long states, long long nesting,
                      sm_verdict *verdict);

/* The node of a configuration that was stored. */
int sm_python_describe(uint64_t engine, const char *configuration, size_t len, int accepted_before,
                       sm_verdict *verdict);

/* A question of `kind` about a configuration (or none), with an argument. */
int sm_python_ask(uint64_t engine, int kind, const char *configuration, size_t configuration_len, const char *argument,
                  size_t argument_len, sm_verdict *verdict);

/* SM.CHECK: what is wrong with a document, and what is odd; fills `reply`. */
int sm_python_check(const char *document, size_t len, long long document_bytes, long long states, long long nesting,
                    sm_verdict *verdict);

/* The definition is given back. */
void sm_python_forget(uint64_t engine);

#endif
