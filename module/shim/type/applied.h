/* What SM.APPLY carries: a machine, or a step, as it came out. Replicas and the AOF get it in place of a command whose
 * outcome depends on data, so that nothing is evaluated there.
 *
 *   byte: the version, 1
 *   byte: the command that it stands for (enum sm_event)
 *   byte: 1: a whole machine, 0: a step of the machine at the key
 *   text: the canonical document of a whole machine
 *   text: the configuration where the machine stands then
 *   64 bits: its revision then, at most 2^62; 0: none is counted
 *   byte: how many parts follow, each a byte (enum sm_applied_part) and a text, or a list as machine/waits.h has it
 *
 * A text is its length in 32 bits, and its bytes; numbers begin with their lowest byte. A part that is missing is none,
 * but for a step's context, history and tokens, which are as they were. */
#ifndef SM_TYPE_APPLIED_H
#define SM_TYPE_APPLIED_H

#include <stdbool.h>

#include "machine/machine.h"

#pragma GCC visibility push(hidden) /* as in redis_api.h */

/* The parts, as SM.APPLY numbers them for ever. */
enum sm_applied_part {
    SM_APPLIED_REASON,
    SM_APPLIED_CONTEXT,
    SM_APPLIED_OUTPUT,
    SM_APPLIED_ERROR,
    SM_APPLIED_CHANGES, /* of the context */
    SM_APPLIED_TIMERS,
    SM_APPLIED_TASKS,
    SM_APPLIED_HISTORY, /* of a whole machine: all of it; of a step: */
    SM_APPLIED_ENTRY,   /* how many entries are kept then, a number, and a history of one entry, which is added */
    SM_APPLIED_TOKENS,  /* likewise: all of them, */
    SM_APPLIED_TOKEN,   /* how many are kept then, and a list of one, which is added */
    SM_APPLIED_EXPIRES, /* the TTL that its key has since it is done, */
    SM_APPLIED_EXPIRE,  /* nothing: the key gets it now */
    SM_APPLIED_PARTS,
};

/* The commands that change a machine, as SM.APPLY numbers them for ever. */
enum sm_event {
    SM_EVENT_SET,
    SM_EVENT_CREATE,
    SM_EVENT_MUTATE,
    SM_EVENT_SEND,
    SM_EVENT_RESET,
    SM_EVENT_TIMER,
    SM_EVENT_DONE,
    SM_EVENT_FAIL,
    SM_EVENT_RETRY,
    SM_EVENTS,
};

/* What a step adds to what its machine keeps of its past. */
typedef struct sm_record {
    sm_bytes entry, token;           /* lists of one, or nothing */
    uint64_t keep_entries, keep_tokens;
    bool expires;                    /* the key gets a TTL */
} sm_record;

/* A list with what a record adds to it, in memory to be freed, which is NULL where that is nothing. */
char *sm_record_add_entry(const sm_record *record, sm_bytes *list);
char *sm_record_add_token(const sm_record *record, sm_bytes *list);

typedef struct sm_applied {
    enum sm_event event;
    bool whole;
    sm_bytes canonical, configuration;
    sm_data data;
    sm_bytes changes; /* of the context */
    sm_record record; /* of a step: what it adds to history and tokens */
} sm_applied;

/* To be freed by RedisModule_Free. C alone: the AOF is rewritten in a forked child. */
char *sm_applied_write(const sm_applied *applied, size_t *len);

/* A machine as it stands, with what it keeps. */
sm_applied sm_applied_machine(const sm_node *node, const sm_data *data, enum sm_event event);

/* NULL, or what is wrong with the bytes. What is read points into them. */
const char *sm_applied_read(sm_bytes bytes, sm_applied *applied);

/* NULL, or what is wrong with the deadlines and tasks of a machine on that node, from outside, but for their JSON, */
const char *sm_waits_admit(const sm_node *node, const sm_data *data);
/* and with all that is no text. */
const char *sm_lists_admit(const sm_node *node, const sm_data *data);
/* The same of a step to that node, of a machine that kept what is `held`: its lists are good, and added to. */
const char *sm_step_admit(const sm_node *node, const sm_applied *applied, const sm_data *held);

#pragma GCC visibility pop

#endif
