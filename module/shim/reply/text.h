/* Text that clients send: whether it is UTF-8, and how it is quoted in an error. */
#ifndef SM_REPLY_TEXT_H
#define SM_REPLY_TEXT_H

#include "bytes.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* Where text stops being UTF-8, or its length. */
size_t sm_utf8_fault(sm_bytes text);

enum { SM_LONGEST_QUOTED = 4 * 96 + 8 }; /* bytes that sm_put_quoted writes at most */

/* Writes a name in quotes, cut when long: text as it is, control characters and what is not UTF-8 as \xNN. Gives where
 * it ends. */
char *sm_put_quoted(char *at, sm_bytes name);

/* Writes a JSON string; `at` has room for six times the text and two quotes. Gives where it ends. */
char *sm_put_json(char *at, sm_bytes text);

/* Reads a JSON string as sm_put_json writes it, at the start of the text, into room for as many bytes. Without a
 * pointer: there is none. */
sm_bytes sm_read_json(sm_bytes text, char *room);

#pragma GCC visibility pop

#endif
