/* The module's version, which build.py takes from pyproject.toml. */
#ifndef SM_VERSION_H
#define SM_VERSION_H

#pragma GCC visibility push(hidden) /* as in redis_api.h */

extern const char *const sm_version;

#pragma GCC visibility pop

#endif
