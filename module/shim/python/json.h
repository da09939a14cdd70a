/* JSON of nearly every step with data: sm_core/small_json.py says what for. */
#ifndef SM_PYTHON_JSON_H
#define SM_PYTHON_JSON_H

#include <stdbool.h>

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* Puts the functions here in the place of those of the same names in sm_core/small_json.py. With the GIL. False where
 * Python has set an exception. */
bool sm_python_install_json(void);

#pragma GCC visibility pop

#endif
