/* The part of the Redis module API that the shim uses, declared from the API reference.
 *
 * The functions are found at run time: a module's context begins with the server's GetApi function, which fills
 * a pointer by name. REDIS_API lists them once; redis_api.c defines and fills the pointers. The structures are
 * versioned by the server: type methods version 4 (Redis 7.0), command info version 1 (Redis 7.0). */
#ifndef SM_REDIS_API_H
#define SM_REDIS_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REDISMODULE_OK 0
#define REDISMODULE_ERR 1
#define REDISMODULE_APIVER_1 1

#define REDISMODULE_READ (1 << 0)
#define REDISMODULE_WRITE (1 << 1)
#define REDISMODULE_OPEN_KEY_NOTOUCH (1 << 16)

#define REDISMODULE_KEYTYPE_EMPTY 0
#define REDISMODULE_KEYTYPE_STREAM 7
#define REDISMODULE_STREAM_ADD_AUTOID (1 << 0)
#define REDISMODULE_STREAM_TRIM_APPROX (1 << 0)
#define REDISMODULE_NO_EXPIRE (-1)

#define REDISMODULE_CTX_FLAGS_LUA (1 << 0)
#define REDISMODULE_CTX_FLAGS_MASTER (1 << 2)
#define REDISMODULE_CTX_FLAGS_SLAVE (1 << 3)
#define REDISMODULE_CTX_FLAGS_CLUSTER (1 << 5)
#define REDISMODULE_CTX_FLAGS_OOM (1 << 10)
#define REDISMODULE_CTX_FLAGS_REPLICATED (1 << 12)
#define REDISMODULE_CTX_FLAGS_LOADING (1 << 13)
#define REDISMODULE_CTX_FLAGS_ASYNC_LOADING (1 << 23)

#define REDISMODULE_REPLY_INTEGER 2
#define REDISMODULE_REPLY_NULL 4

#define REDISMODULE_NOTIFY_GENERIC (1 << 2)
#define REDISMODULE_NOTIFY_STREAM (1 << 10)

#define REDISMODULE_CONFIG_DEFAULT 0
#define REDISMODULE_CONFIG_MEMORY (1ULL << 7)

#define REDISMODULE_OPTIONS_HANDLE_IO_ERRORS (1 << 0)
#define REDISMODULE_OPTION_NO_IMPLICIT_SIGNAL_MODIFIED (1 << 1)
#define REDISMODULE_OPTIONS_HANDLE_REPL_ASYNC_LOAD (1 << 2)
#define VALKEYMODULE_OPTIONS_HANDLE_ATOMIC_SLOT_MIGRATION (1 << 5) /* from Valkey 9.0; Redis has no such bit */

#define REDISMODULE_ERRORMSG_WRONGTYPE "WRONGTYPE Operation against a key holding the wrong kind of value"

#define REDISMODULE_EVENT_PERSISTENCE 1
#define REDISMODULE_EVENT_FLUSHDB 2
#define REDISMODULE_EVENT_LOADING 3
#define REDISMODULE_EVENT_CRON_LOOP 8
#define REDISMODULE_EVENT_SWAPDB 11
#define REDISMODULE_EVENT_REPL_ASYNC_LOAD 14
#define REDISMODULE_EVENT_CONFIG 16
#define REDISMODULE_SUBEVENT_PERSISTENCE_RDB_START 0
#define REDISMODULE_SUBEVENT_PERSISTENCE_AOF_START 1
#define REDISMODULE_SUBEVENT_PERSISTENCE_SYNC_RDB_START 2
#define REDISMODULE_SUBEVENT_PERSISTENCE_ENDED 3
#define REDISMODULE_SUBEVENT_PERSISTENCE_FAILED 4
#define REDISMODULE_SUBEVENT_PERSISTENCE_SYNC_AOF_START 5
#define REDISMODULE_SUBEVENT_FLUSHDB_START 0
#define REDISMODULE_SUBEVENT_LOADING_RDB_START 0
#define REDISMODULE_SUBEVENT_LOADING_AOF_START 1
#define REDISMODULE_SUBEVENT_LOADING_REPL_START 2
#define REDISMODULE_SUBEVENT_REPL_ASYNC_LOAD_STARTED 0
#define REDISMODULE_SUBEVENT_REPL_ASYNC_LOAD_COMPLETED 2

#define REDISMODULE_TYPE_METHOD_VERSION 4

typedef struct RedisModuleCtx RedisModuleCtx;
typedef struct RedisModuleKey RedisModuleKey;
typedef struct RedisModuleString RedisModuleString;
typedef struct RedisModuleIO RedisModuleIO;
typedef struct RedisModuleType RedisModuleType;
typedef struct RedisModuleDigest RedisModuleDigest;
typedef struct RedisModuleInfoCtx RedisModuleInfoCtx;
typedef struct RedisModuleCommand RedisModuleCommand;
typedef struct RedisModuleCallReply RedisModuleCallReply;
typedef struct RedisModuleDefragCtx RedisModuleDefragCtx;
typedef struct RedisModuleKeyOptCtx RedisModuleKeyOptCtx;
typedef struct RedisModuleServerInfoData RedisModuleServerInfoData;
typedef struct RedisModuleScanCursor RedisModuleScanCursor;

typedef int (*RedisModuleCmdFunc)(RedisModuleCtx *ctx, RedisModuleString **argv, int argc);
typedef void (*RedisModuleInfoFunc)(RedisModuleInfoCtx *ctx, int for_crash_report);

typedef struct RedisModuleStreamID {
    uint64_t ms;
    uint64_t seq;
} RedisModuleStreamID;

typedef struct RedisModuleEvent {
    uint64_t id;
    uint64_t dataver;
} RedisModuleEvent;

/* What comes with the events of FLUSHDB and SWAPDB, version 1 each. */
typedef struct RedisModuleFlushInfo {
    uint64_t version;
    int32_t sync;
    int32_t dbnum; /* -1: all */
} RedisModuleFlushInfo;

typedef struct RedisModuleSwapDbInfo {
    uint64_t version;
    int32_t dbnum_first, dbnum_second;
} RedisModuleSwapDbInfo;

typedef uint64_t RedisModuleTimerID;
typedef void (*RedisModuleTimerProc)(RedisModuleCtx *ctx, void *data);
typedef int (*RedisModuleNotificationFunc)(RedisModuleCtx *ctx, int type, const char *event, RedisModuleString *key);

typedef void (*RedisModuleScanCB)(RedisModuleCtx *ctx, RedisModuleString *name, RedisModuleKey *key, void *data);

typedef void (*RedisModuleEventCallback)(RedisModuleCtx *ctx, RedisModuleEvent event, uint64_t subevent, void *data);

typedef struct RedisModuleTypeMethods {
    uint64_t version;
    void *(*rdb_load)(RedisModuleIO *rdb, int encver);
    void (*rdb_save)(RedisModuleIO *rdb, void *value);
    void (*aof_rewrite)(RedisModuleIO *aof, RedisModuleString *key, void *value);
    size_t (*mem_usage)(const void *value);
    void (*digest)(RedisModuleDigest *digest, void *value);
    void (*free)(void *value);
    int (*aux_load)(RedisModuleIO *rdb, int encver, int when);
    void (*aux_save)(RedisModuleIO *rdb, int when);
    int aux_save_triggers;
    size_t (*free_effort)(RedisModuleString *key, const void *value);
    void (*unlink)(RedisModuleString *key, const void *value);
    void *(*copy)(RedisModuleString *from, RedisModuleString *to, const void *value);
    int (*defrag)(RedisModuleDefragCtx *ctx, RedisModuleString *key, void **value);
    size_t (*mem_usage2)(RedisModuleKeyOptCtx *ctx, const void *value, size_t sample_size);
    size_t (*free_effort2)(RedisModuleKeyOptCtx *ctx, const void *value);
    void (*unlink2)(RedisModuleKeyOptCtx *ctx, const void *value);
    void *(*copy2)(RedisModuleKeyOptCtx *ctx, const void *value);
} RedisModuleTypeMethods;

/* Command information, version 1. */

typedef enum {
    REDISMODULE_ARG_TYPE_STRING,
    REDISMODULE_ARG_TYPE_INTEGER,
    REDISMODULE_ARG_TYPE_DOUBLE,
    REDISMODULE_ARG_TYPE_KEY,
    REDISMODULE_ARG_TYPE_PATTERN,
    REDISMODULE_ARG_TYPE_UNIX_TIME,
    REDISMODULE_ARG_TYPE_PURE_TOKEN,
    REDISMODULE_ARG_TYPE_ONEOF,
    REDISMODULE_ARG_TYPE_BLOCK
} RedisModuleCommandArgType;

#define REDISMODULE_CMD_ARG_NONE 0
#define REDISMODULE_CMD_ARG_OPTIONAL (1 << 0)
#define REDISMODULE_CMD_ARG_MULTIPLE (1 << 1)

#define REDISMODULE_CMD_KEY_RO (1ULL << 0)
#define REDISMODULE_CMD_KEY_RW (1ULL << 1)
#define REDISMODULE_CMD_KEY_OW (1ULL << 2)
#define REDISMODULE_CMD_KEY_ACCESS (1ULL << 4)
#define REDISMODULE_CMD_KEY_UPDATE (1ULL << 5)
#define REDISMODULE_CMD_KEY_INSERT (1ULL << 6)
#define REDISMODULE_CMD_KEY_DELETE (1ULL << 7)

enum { REDISMODULE_KSPEC_BS_INVALID, REDISMODULE_KSPEC_BS_UNKNOWN, REDISMODULE_KSPEC_BS_INDEX };
enum { REDISMODULE_KSPEC_FK_OMITTED, REDISMODULE_KSPEC_FK_UNKNOWN, REDISMODULE_KSPEC_FK_RANGE };

typedef struct RedisModuleCommandArg {
    const char *name;
    RedisModuleCommandArgType type;
    int key_spec_index;
    const char *token;
    const char *summary;
    const char *since;
    int flags;
    const char *deprecated_since;
    struct RedisModuleCommandArg *subargs;
    const char *display_text;
} RedisModuleCommandArg;

typedef struct {
    const char *since;
    const char *changes;
} RedisModuleCommandHistoryEntry;

typedef struct {
    const char *notes;
    uint64_t flags;
    int begin_search_type;
    union {
        struct {
            int pos;
        } index;
        struct {
            const char *keyword;
            int startfrom;
        } keyword;
    } bs;
    int find_keys_type;
    union {
        struct {
            int lastkey;
            int keystep;
            int limit;
        } range;
        struct {
            int keynumidx;
            int firstkey;
            int keystep;
        } keynum;
    } fk;
} RedisModuleCommandKeySpec;

typedef struct {
    int version;
    size_t sizeof_historyentry;
    size_t sizeof_keyspec;
    size_t sizeof_arg;
} RedisModuleCommandInfoVersion;

typedef struct {
    const RedisModuleCommandInfoVersion *version;
    const char *summary;
    const char *complexity;
    const char *since;
    RedisModuleCommandHistoryEntry *history;
    const char *tips;
    int arity;
    RedisModuleCommandKeySpec *key_specs;
    RedisModuleCommandArg *args;
} RedisModuleCommandInfo;

typedef long long (*RedisModuleConfigGetNumericFunc)(const char *name, void *privdata);
typedef int (*RedisModuleConfigSetNumericFunc)(const char *name, long long value, void *privdata,
                                               RedisModuleString **error);
typedef int (*RedisModuleConfigGetEnumFunc)(const char *name, void *privdata);
typedef int (*RedisModuleConfigSetEnumFunc)(const char *name, int value, void *privdata, RedisModuleString **error);
typedef RedisModuleString *(*RedisModuleConfigGetStringFunc)(const char *name, void *privdata);
typedef int (*RedisModuleConfigSetStringFunc)(const char *name, RedisModuleString *value, void *privdata,
                                              RedisModuleString **error);
typedef int (*RedisModuleConfigApplyFunc)(RedisModuleCtx *ctx, void *privdata, RedisModuleString **error);

/* X(needed, return type, name, arguments). All that is needed is in Redis 7.0; the rest is asked for before use. */
#define REDIS_API(X)                                                                                                  \
    X(1, void *, Alloc, (size_t bytes))                                                                               \
    X(1, void *, Calloc, (size_t count, size_t bytes))                                                                \
    X(1, void *, Realloc, (void *pointer, size_t bytes))                                                              \
    X(1, void, Free, (void *pointer))                                                                                 \
    X(1, size_t, MallocSize, (void *pointer))                                                                         \
    X(1, void, _Assert, (const char *text, const char *file, int line))                                               \
    X(1, void, Log, (RedisModuleCtx *ctx, const char *level, const char *format, ...))                                \
    X(1, void, SetModuleAttribs, (RedisModuleCtx *ctx, const char *name, int version, int apiver))                    \
    X(1, int, IsModuleNameBusy, (const char *name))                                                                   \
    X(1, void, SetModuleOptions, (RedisModuleCtx *ctx, int options))                                                  \
    X(1, int, GetServerVersion, (void))                                                                               \
    X(1, void, GetRandomBytes, (unsigned char *bytes, size_t len))                                                    \
    X(1, RedisModuleTimerID, CreateTimer,                                                                             \
      (RedisModuleCtx *ctx, long long milliseconds, RedisModuleTimerProc call, void *data))                           \
    X(1, int, StopTimer, (RedisModuleCtx *ctx, RedisModuleTimerID timer, void **data))                                \
    X(1, int, AvoidReplicaTraffic, (void))                                                                            \
    X(1, int, SelectDb, (RedisModuleCtx *ctx, int db))                                                                \
    X(1, int, GetSelectedDb, (RedisModuleCtx *ctx))                                                                   \
    X(1, int, SubscribeToKeyspaceEvents,                                                                              \
      (RedisModuleCtx *ctx, int types, RedisModuleNotificationFunc call))                                             \
    X(1, const RedisModuleString *, GetKeyNameFromOptCtx, (RedisModuleKeyOptCtx *ctx))                                \
    X(1, int, GetDbIdFromOptCtx, (RedisModuleKeyOptCtx *ctx))                                                         \
    X(1, const RedisModuleString *, GetToKeyNameFromOptCtx, (RedisModuleKeyOptCtx *ctx))                              \
    X(1, int, GetToDbIdFromOptCtx, (RedisModuleKeyOptCtx *ctx))                                                       \
    X(1, RedisModuleScanCursor *, ScanCursorCreate, (void))                                                           \
    X(1, void, ScanCursorRestart, (RedisModuleScanCursor *cursor))                                                    \
    X(1, int, Scan,                                                                                                   \
      (RedisModuleCtx *ctx, RedisModuleScanCursor *cursor, RedisModuleScanCB call, void *data))                       \
    X(1, const RedisModuleString *, GetKeyNameFromIO, (RedisModuleIO *io))                                            \
    X(1, int, GetDbIdFromIO, (RedisModuleIO *io))                                                                     \
    X(1, int, CallReplyType, (RedisModuleCallReply *reply))                                                           \
    X(1, long long, CallReplyInteger, (RedisModuleCallReply *reply))                                                  \
    X(1, long long, Milliseconds, (void))                                                                             \
    X(1, int, GetContextFlags, (RedisModuleCtx *ctx))                                                                 \
    X(1, int, CreateCommand,                                                                                          \
      (RedisModuleCtx *ctx, const char *name, RedisModuleCmdFunc function, const char *flags, int firstkey,           \
       int lastkey, int keystep))                                                                                     \
    X(1, RedisModuleCommand *, GetCommand, (RedisModuleCtx *ctx, const char *name))                                   \
    X(1, int, SetCommandInfo, (RedisModuleCommand *command, const RedisModuleCommandInfo *info))                      \
    X(0, int, SetCommandACLCategories, (RedisModuleCommand *command, const char *categories))                         \
    X(0, int, AddACLCategory, (RedisModuleCtx *ctx, const char *name))                                                \
    X(1, RedisModuleType *, CreateDataType,                                                                           \
      (RedisModuleCtx *ctx, const char *name, int encver, RedisModuleTypeMethods *methods))                           \
    X(1, int, ModuleTypeSetValue, (RedisModuleKey *key, RedisModuleType *type, void *value))                          \
    X(1, int, ModuleTypeReplaceValue,                                                                                 \
      (RedisModuleKey *key, RedisModuleType *type, void *value, void **old))                                          \
    X(1, RedisModuleType *, ModuleTypeGetType, (RedisModuleKey *key))                                                 \
    X(1, void *, ModuleTypeGetValue, (RedisModuleKey *key))                                                           \
    X(1, RedisModuleKey *, OpenKey, (RedisModuleCtx *ctx, RedisModuleString *name, int mode))                         \
    X(1, void, CloseKey, (RedisModuleKey *key))                                                                       \
    X(1, int, KeyType, (RedisModuleKey *key))                                                                         \
    X(1, size_t, ValueLength, (RedisModuleKey *key))                                                                  \
    X(1, int, StreamAdd,                                                                                              \
      (RedisModuleKey *key, int flags, RedisModuleStreamID *id, RedisModuleString **fields, long count))              \
    X(1, int, StreamDelete, (RedisModuleKey *key, RedisModuleStreamID *id))                                           \
    X(1, int, DeleteKey, (RedisModuleKey *key))                                                                       \
    X(1, long long, StreamTrimByLength, (RedisModuleKey *key, int flags, long long length))                           \
    X(1, long long, GetExpire, (RedisModuleKey *key))                                                                 \
    X(1, int, SetExpire, (RedisModuleKey *key, long long milliseconds))                                               \
    X(1, long long, GetAbsExpire, (RedisModuleKey *key))                                                              \
    X(1, int, SetAbsExpire, (RedisModuleKey *key, long long milliseconds))                                            \
    X(1, void, AutoMemory, (RedisModuleCtx *ctx))                                                                     \
    X(1, unsigned long long, GetClientId, (RedisModuleCtx *ctx))                                                      \
    X(1, RedisModuleString *, GetClientUserNameById, (RedisModuleCtx *ctx, uint64_t id))                              \
    X(1, RedisModuleString *, GetCurrentUserName, (RedisModuleCtx *ctx))                                              \
    X(1, int, SignalModifiedKey, (RedisModuleCtx *ctx, RedisModuleString *name))                                      \
    X(1, int, NotifyKeyspaceEvent, (RedisModuleCtx *ctx, int type, const char *event, RedisModuleString *key))        \
    X(1, int, ReplicateVerbatim, (RedisModuleCtx *ctx))                                                               \
    X(1, int, Replicate, (RedisModuleCtx *ctx, const char *command, const char *format, ...))                         \
    X(1, const char *, StringPtrLen, (const RedisModuleString *string, size_t *len))                                  \
    X(1, RedisModuleString *, CreateString, (RedisModuleCtx *ctx, const char *bytes, size_t len))                     \
    X(1, void, FreeString, (RedisModuleCtx *ctx, RedisModuleString *string))                                          \
    X(1, int, WrongArity, (RedisModuleCtx *ctx))                                                                      \
    X(1, int, ReplyWithError, (RedisModuleCtx *ctx, const char *text))                                                \
    X(1, int, ReplyWithSimpleString, (RedisModuleCtx *ctx, const char *text))                                         \
    X(1, int, ReplyWithNull, (RedisModuleCtx *ctx))                                                                   \
    X(1, int, ReplyWithLongLong, (RedisModuleCtx *ctx, long long number))                                             \
    X(1, int, ReplyWithArray, (RedisModuleCtx *ctx, long len))                                                        \
    X(1, int, ReplyWithMap, (RedisModuleCtx *ctx, long len))                                                          \
    X(1, int, ReplyWithStringBuffer, (RedisModuleCtx *ctx, const char *bytes, size_t len))                            \
    X(1, RedisModuleCallReply *, Call, (RedisModuleCtx *ctx, const char *command, const char *format, ...))           \
    X(1, const char *, CallReplyProto, (RedisModuleCallReply *reply, size_t *len))                                    \
    X(1, size_t, CallReplyLength, (RedisModuleCallReply *reply))                                                      \
    X(1, void, FreeCallReply, (RedisModuleCallReply *reply))                                                          \
    X(1, int, ReplyWithCallReply, (RedisModuleCtx *ctx, RedisModuleCallReply *reply))                                 \
    X(1, RedisModuleCtx *, GetDetachedThreadSafeContext, (RedisModuleCtx *ctx))                                       \
    X(1, RedisModuleCtx *, GetContextFromIO, (RedisModuleIO *io))                                                     \
    X(1, int, IsIOError, (RedisModuleIO *io))                                                                         \
    X(1, void, LogIOError, (RedisModuleIO *io, const char *level, const char *format, ...))                           \
    X(1, void, SaveUnsigned, (RedisModuleIO *io, uint64_t number))                                                    \
    X(1, uint64_t, LoadUnsigned, (RedisModuleIO *io))                                                                 \
    X(1, void, SaveStringBuffer, (RedisModuleIO *io, const char *bytes, size_t len))                                  \
    X(1, char *, LoadStringBuffer, (RedisModuleIO *io, size_t *len))                                                  \
    X(1, void, EmitAOF, (RedisModuleIO *io, const char *command, const char *format, ...))                            \
    X(1, void, DigestAddStringBuffer, (RedisModuleDigest *digest, const char *bytes, size_t len))                     \
    X(1, void, DigestEndSequence, (RedisModuleDigest *digest))                                                        \
    X(1, void *, DefragAlloc, (RedisModuleDefragCtx *ctx, void *pointer))                                             \
    X(1, int, SubscribeToServerEvent, (RedisModuleCtx *ctx, RedisModuleEvent event, RedisModuleEventCallback call))   \
    X(1, float, GetUsedMemoryRatio, (void))                                                                           \
    X(1, RedisModuleServerInfoData *, GetServerInfo, (RedisModuleCtx *ctx, const char *section))                      \
    X(1, void, FreeServerInfo, (RedisModuleCtx *ctx, RedisModuleServerInfoData *info))                                \
    X(1, unsigned long long, ServerInfoGetFieldUnsigned,                                                              \
      (RedisModuleServerInfoData *info, const char *field, int *error))                                               \
    X(1, int, RegisterInfoFunc, (RedisModuleCtx *ctx, RedisModuleInfoFunc call))                                      \
    X(1, int, InfoAddSection, (RedisModuleInfoCtx *ctx, const char *name))                                            \
    X(1, int, InfoAddFieldCString, (RedisModuleInfoCtx *ctx, const char *field, const char *value))                   \
    X(1, int, InfoAddFieldULongLong, (RedisModuleInfoCtx *ctx, const char *field, unsigned long long value))          \
    X(1, int, RegisterNumericConfig,                                                                                  \
      (RedisModuleCtx *ctx, const char *name, long long normal, unsigned int flags, long long least, long long most,  \
       RedisModuleConfigGetNumericFunc get, RedisModuleConfigSetNumericFunc set, RedisModuleConfigApplyFunc apply,    \
       void *privdata))                                                                                               \
    X(1, int, RegisterEnumConfig,                                                                                     \
      (RedisModuleCtx *ctx, const char *name, int normal, unsigned int flags, const char **words, const int *values,  \
       int count, RedisModuleConfigGetEnumFunc get, RedisModuleConfigSetEnumFunc set,                                 \
       RedisModuleConfigApplyFunc apply, void *privdata))                                                             \
    X(1, int, RegisterStringConfig,                                                                                   \
      (RedisModuleCtx *ctx, const char *name, const char *normal, unsigned int flags,                                 \
       RedisModuleConfigGetStringFunc get, RedisModuleConfigSetStringFunc set, RedisModuleConfigApplyFunc apply,      \
       void *privdata))                                                                                               \
    X(1, int, LoadConfigs, (RedisModuleCtx *ctx))

/* The compiler's -fvisibility=hidden does not hold for what is only declared: each use would take an address first. */
#pragma GCC visibility push(hidden)

#define REDIS_API_DECLARE(needed, type, name, args) extern type(*RedisModule_##name) args;
REDIS_API(REDIS_API_DECLARE)
#undef REDIS_API_DECLARE

/* Fills the pointers. Returns the name of the first needed function that the server lacks, or NULL. */
const char *redis_api_load(RedisModuleCtx *ctx);

/* Whether the server is Valkey, which has every function under a name of its own too. */
extern bool redis_api_is_valkey;

#pragma GCC visibility pop

#endif
