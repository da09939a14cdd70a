/* A step, asked of the engine: `step` in module/boundary.py. */
#ifndef SM_PYTHON_STEP_H
#define SM_PYTHON_STEP_H

#include <stdbool.h>

#include "python/boundary.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* Once the engine is ready. */
bool sm_python_find_step(void);

/* A step to its outcome: a code of sm_verdict_code. An input without a pointer is none. */
int sm_python_step(uint64_t engine, int kind, bool accepted_before, long long now, const sm_bytes inputs[SM_INPUTS],
                   sm_verdict *verdict);

#pragma GCC visibility pop

#endif
