/* The table. */

#define MAGIC 0x31544c5541465742ULL /* "BWFAULT1" */
#define RULES 16
#define PATHS 1024

enum {
    OPEN = 1, READ = 2, WRITE = 4, FSYNC = 8, RENAME = 16, UNLINK = 32, TRUNCATE = 64,
    SEND = 128, RECEIVE = 256, CONNECT = 512, ACCEPT = 1024,
};
enum { COUNT, FAIL, KILL_BEFORE, KILL_AFTER, TORN_KILL, SHORT, DELAY, DROP, STOP_BEFORE, HOLD_KILL };

struct rule {
    _Atomic uint32_t armed;
    uint32_t operations, action;
    int32_t number;
    uint64_t from, to;
    _Atomic uint64_t matched, acted;
    char reserved[16];
    char path[448];
};

struct table {
    uint64_t magic;
    uint32_t version;
    _Atomic uint32_t owner;
    _Atomic uint64_t armed;
    _Atomic uint32_t power, overflow;
    _Atomic uint64_t attached;
    int64_t clock_offset, clock_rate, clock_anchor;
    _Atomic uint32_t clock_generation, unused;
    _Atomic uint64_t clock_reads;
    _Atomic uint64_t undo_used, undo_live, undo_sequence;
    uint64_t undo_capacity;
    _Atomic uint64_t kept, durable;
    _Atomic int64_t clock_told;
    char reserved[512 - 136];
    char watched[PATHS], undo[PATHS], trash[PATHS];
    char padding[4096 - 512 - 3 * PATHS];
    struct rule rules[RULES];
};

_Static_assert(sizeof(struct rule) == 512, "a rule has 512 bytes");
_Static_assert(offsetof(struct table, rules) == 4096, "the rules begin at 4096");

/* One thing to take back; `size` bytes of what was there before follow, or two paths. */
struct entry {
    uint64_t length, sequence;
    uint32_t kind;
    _Atomic uint32_t valid;
    uint64_t device, inode, parent_device, parent_inode;
    uint64_t offset, old_size, size;
    uint64_t trash;
    char first[0];
};
enum { WRITTEN = 1, CREATED, UNLINKED, RENAMED, MADE_DIRECTORY, REMOVED_DIRECTORY };

_Static_assert(sizeof(struct entry) == 88, "an entry's head has 88 bytes");

static struct table *table;
static char *undo;
static __thread int inside;
