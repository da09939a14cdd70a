/* CPython inside the server: its start, its memory, and the one thread that may enter it. */
#ifndef SM_PYTHON_PYTHON_H
#define SM_PYTHON_PYTHON_H

#include <stdbool.h>
#include <stdint.h>

#include "redis_api.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* Starts Python, with the folder of Python files on its path. False after a line in the log. */
bool sm_python_start(RedisModuleCtx *ctx, const char *bundle);
const char *sm_python_version(void);

/* The only thread that enters Python and the memo. Never so in a forked child. */
bool sm_on_main_thread(void);

/* After Py_PreInitialize, before anything else of Python. */
void sm_python_use_servers_memory(void);

/* Bytes of the server's memory that Python has taken, with the blocks that are kept for it. */
uint64_t sm_python_bytes_taken(void);

#pragma GCC visibility pop

#endif
