/* A machine's document, as SM.GET answers it. */
#ifndef SM_REPLY_DOCUMENTS_H
#define SM_REPLY_DOCUMENTS_H

#include "machine/machine.h"
#include "machine/waits.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* The document and its length; to be freed by RedisModule_Free. C alone: the AOF is rewritten in a forked child. */
char *sm_document_render(const sm_machine *machine, size_t *len);

/* Bytes of a deadline's event (JSON) at most, and the event, written from there on. */
size_t sm_event_most(const sm_wait *timer);
char *sm_event_put(char *at, const sm_wait *timer);

#pragma GCC visibility pop

#endif
