/* Whether a machine is as a command wants it. */
#include "commands/conditions.h"

#include <stdio.h>
#include <string.h>

#include "commands/keys.h"
#include "reply/errors.h"
#include "reply/text.h"
#include "reply/tokens.h"

enum { LONGEST_ERROR = 512 };

static bool refuse(RedisModuleCtx *ctx, const sm_target *target, const char *code, const char *line, size_t len) {
    sm_key_close(target);
    sm_reply_coded_error(ctx, code, (sm_bytes){line, len});
    return false;
}

static bool is_at(RedisModuleCtx *ctx, const sm_target *target, uint64_t asked) {
    char line[LONGEST_ERROR];
    uint64_t revision = target->machine ? sm_machine_revision(target->machine) : 0;
    int len;

    if (revision == asked) return true; /* none is counted, and none is asked for, where both are 0 */
    if (target->machine && !revision) {
        len = snprintf(line, sizeof(line),
                       "IFREV: this machine counts no steps; one whose document has a \"store\", {} is enough, does");
        return refuse(ctx, target, "ERR", line, (size_t)len);
    }
    if (!target->machine)
        len = snprintf(line, sizeof(line), "there is no machine, at revision %llu or any", (unsigned long long)asked);
    else
        len = snprintf(line, sizeof(line), "the machine is at revision %llu, not %llu",
                       (unsigned long long)revision, (unsigned long long)asked);
    return refuse(ctx, target, "CONFLICT", line, (size_t)len);
}

/* Whether a path is that of an active leaf, or where states nest of what such a one is in. A dot that follows a
 * backslash is a part of a key. */
static bool holds(sm_bytes leaf, sm_bytes path, bool nests) {
    size_t backslashes = 0;

    if (leaf.len < path.len || memcmp(leaf.ptr, path.ptr, path.len) != 0) return false;
    while (backslashes < path.len && path.ptr[path.len - 1 - backslashes] == '\\') backslashes++;
    return leaf.len == path.len || (nests && leaf.ptr[path.len] == '.' && backslashes % 2 == 0);
}

static bool is_active(const sm_node *node, sm_bytes path, sm_bytes *first) {
    sm_bytes states = node->details->states, leaf;
    uint32_t count = 0;
    char token = 0;
    bool found = false;

    if (!sm_tokens_take(&states, &token, 1) || !sm_tokens_take(&states, &count, sizeof(count))) return false;
    for (uint32_t i = 0; i < count && sm_tokens_string(&states, &leaf); i++) {
        if (!i) *first = leaf;
        found |= holds(leaf, path, node->details->definition->nests);
    }
    return found;
}

static bool is_in(RedisModuleCtx *ctx, const sm_target *target, sm_bytes path) {
    static const char begin[] = "the machine is in ", no_machine[] = "there is no machine, in ";
    char line[2 * SM_LONGEST_QUOTED + 64], *at = line;
    sm_bytes first = {"", 0};

    if (target->machine && is_active(sm_machine_node(target->machine), path, &first)) return true;
    at = stpcpy(at, target->machine ? begin : no_machine);
    if (target->machine) at = stpcpy(sm_put_quoted(at, first), ", not in ");
    at = sm_put_quoted(at, path);
    if (!target->machine) at = stpcpy(at, " or any state");
    return refuse(ctx, target, "CONFLICT", line, (size_t)(at - line));
}

bool sm_conditions_look(RedisModuleCtx *ctx, const sm_target *target, const sm_options *options) {
    if ((options->found & SM_OPTION_IFREV) && !is_at(ctx, target, options->revision)) return false;
    return !(options->found & SM_OPTION_IFSTATE) || is_in(ctx, target, options->state);
}
