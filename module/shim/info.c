/* INFO redisstate. Reads counters only: the server also calls it for a crash report. */
#include "info.h"

#include "engine/engine.h"
#include "machine/machine.h"
#include "python/python.h"
#include "timers/timers.h"
#include "version.h"
#include "write/outbox.h"

void sm_info(RedisModuleInfoCtx *ctx, int for_crash_report) {
    const struct {
        const char *name;
        unsigned long long value;
    } fields[] = {
        {"definitions", sm_memo_counts.definitions},
        {"nodes", sm_memo_counts.nodes},
        {"edges", sm_memo_counts.edges},
        {"machines", sm_tally_count(&sm_machine_counts.machines)},
        {"definitions_bytes", sm_memo_counts.definition_bytes},
        {"nodes_bytes", sm_memo_counts.node_bytes},
        {"edges_bytes", sm_memo_counts.edge_bytes},
        {"remembered_bytes", sm_memo_counts.node_bytes + sm_memo_counts.edge_bytes - sm_memo_counts.occupied_bytes},
        {"remembered_bytes_bound", sm_memo_bound()},
        {"occupied_nodes_bytes", sm_memo_counts.occupied_bytes},
        {"machines_bytes", sm_tally_count(&sm_machine_counts.bytes)},
        {"table_bytes", sm_table_bytes()},
        {"python_bytes", sm_python_bytes_taken()},
        {"engine_calls", sm_engine_counts.calls},
        {"memory_answers", sm_engine_counts.memory_answers},
        {"evictions", sm_memo_counts.evictions},
        {"timers", sm_tally_count(&sm_machine_counts.timers)},
        {"timers_next_ms", sm_timers_next()},
        {"timers_fired", sm_timers_counts.fired},
        {"timers_late_most_ms", sm_timers_counts.late_most},
        {"tasks", sm_tally_count(&sm_machine_counts.tasks)},
        {"outbox_entries", sm_outbox_entries},
    };

    (void)for_crash_report;
    if (RedisModule_InfoAddSection(ctx, "") != REDISMODULE_OK) return;
    RedisModule_InfoAddFieldCString(ctx, "version", sm_version);
    RedisModule_InfoAddFieldCString(ctx, "python", sm_python_version());
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        RedisModule_InfoAddFieldULongLong(ctx, fields[i].name, fields[i].value);
}
