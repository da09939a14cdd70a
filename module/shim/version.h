/* The module's version, which build.py takes from pyproject.toml: "2.0.0", and as MODULE LIST shows it, 20000. */
#ifndef SM_VERSION_H
#define SM_VERSION_H

#pragma GCC visibility push(hidden) /* as in redis_api.h */

extern const char *const sm_version;
extern const int sm_version_number;

#pragma GCC visibility pop

#endif
