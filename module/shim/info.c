/* INFO redisstate. Reads counters only: the server also calls it for a crash report. */
#include "shim.h"

void sm_info(RedisModuleInfoCtx *ctx, int for_crash_report) {
    const struct {
        const char *name;
        unsigned long long value;
    } fields[] = {
        {"definitions", sm_counts.definitions},
        {"nodes", sm_counts.nodes},
        {"edges", sm_counts.edges},
        {"machines", sm_tally_count(&sm_counts.machines)},
        {"definitions_bytes", sm_counts.definition_bytes},
        {"nodes_bytes", sm_counts.node_bytes},
        {"edges_bytes", sm_counts.edge_bytes},
        {"remembered_bytes", sm_counts.node_bytes + sm_counts.edge_bytes - sm_counts.occupied_bytes},
        {"remembered_bytes_bound", sm_memo_bound()},
        {"occupied_nodes_bytes", sm_counts.occupied_bytes},
        {"machines_bytes", sm_tally_count(&sm_counts.machine_bytes)},
        {"table_bytes", sm_memo_table_bytes()},
        {"python_bytes", atomic_load_explicit(&sm_counts.python_bytes, memory_order_relaxed) +
                             atomic_load_explicit(&sm_counts.python_raw_bytes, memory_order_relaxed)},
        {"engine_calls", sm_counts.engine_calls},
        {"memory_answers", sm_counts.memory_answers},
        {"evictions", sm_counts.evictions},
    };

    (void)for_crash_report;
    if (RedisModule_InfoAddSection(ctx, "") != REDISMODULE_OK) return;
    RedisModule_InfoAddFieldCString(ctx, "version", sm_version);
    RedisModule_InfoAddFieldCString(ctx, "python", sm_python_version());
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        RedisModule_InfoAddFieldULongLong(ctx, fields[i].name, fields[i].value);
}
