/* The undo log: what a power loss takes back. */

static void lock(void)
{
    uint32_t self = (uint32_t)syscall(SYS_gettid), free_ = 0;
    while (!atomic_compare_exchange_weak(&table->owner, &free_, self)) {
        if (free_ && syscall(SYS_tkill, free_, 0) && errno == ESRCH)
            atomic_compare_exchange_strong(&table->owner, &free_, 0);
        free_ = 0;
        sched_yield();
    }
}

static void unlock(void) { atomic_store(&table->owner, 0); }

static struct entry *entry_at(uint64_t place) { return (struct entry *)(undo + place); }

/* Room for an entry with so many bytes behind it, or NULL: then a power loss can no longer be told. */
static struct entry *room(uint64_t size)
{
    uint64_t length = (sizeof(struct entry) + size + 7) & ~7ULL, used = atomic_load(&table->undo_used);
    if (!atomic_load(&table->undo_live)) used = 0;
    if (used + length > table->undo_capacity) {
        atomic_store(&table->overflow, 1);
        return NULL;
    }
    struct entry *entry = entry_at(used);
    memset(entry, 0, sizeof *entry);
    entry->length = length;
    entry->size = size;
    atomic_store(&table->undo_used, used); /* the entry counts only when it is finished */
    return entry;
}

static void keep(struct entry *entry, uint32_t kind)
{
    entry->kind = kind;
    entry->sequence = atomic_fetch_add(&table->undo_sequence, 1);
    atomic_store(&entry->valid, 1);
    atomic_fetch_add(&table->undo_used, entry->length);
    atomic_fetch_add(&table->undo_live, 1);
    atomic_fetch_add(&table->kept, 1);
}

static void parent_of(const char *path, struct entry *entry)
{
    char folder[PATH_MAX];
    struct stat about;
    snprintf(folder, PATH_MAX, "%s", path);
    char *last = strrchr(folder, '/');
    if (last) *last = 0;
    if (!stat(*folder ? folder : "/", &about)) {
        entry->parent_device = about.st_dev;
        entry->parent_inode = about.st_ino;
    }
}

/* Keeps the bytes from `offset` on that a write of `size` bytes (or a cut to `offset`) replaces. */
static void keep_bytes(int fd, off_t offset, size_t size)
{
    char path[PATH_MAX];
    struct stat about;
    int kept = errno;
    if (fstat(fd, &about) || !S_ISREG(about.st_mode) || !path_of(fd, path) || !is_watched(path)) goto out;
    if (fcntl(fd, F_GETFL) & (O_SYNC | O_DSYNC)) goto out;
    uint64_t old = 0;
    if (offset < about.st_size) {
        old = (uint64_t)(about.st_size - offset);
        if (old > size) old = size;
    }
    lock();
    struct entry *entry = room(old);
    if (entry) {
        ssize_t got = old ? CALL(pread)(fd, entry->first, old, offset) : 0;
        if (got < 0) { /* open for writing only */
            char link[32];
            snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
            int other = CALL(openat)(AT_FDCWD, link, O_RDONLY | O_CLOEXEC);
            got = other < 0 ? -1 : CALL(pread)(other, entry->first, old, offset);
            if (other >= 0) close(other);
        }
        if (got == (ssize_t)old) {
            entry->device = about.st_dev;
            entry->inode = about.st_ino;
            entry->offset = (uint64_t)offset;
            entry->old_size = (uint64_t)about.st_size;
            keep(entry, WRITTEN);
        } else {
            atomic_store(&table->overflow, 1);
        }
    }
    unlock();
out:
    errno = kept;
}

static off_t write_offset(int fd)
{
    struct stat about;
    if (fcntl(fd, F_GETFL) & O_APPEND) return fstat(fd, &about) ? 0 : about.st_size;
    off_t offset = lseek(fd, 0, SEEK_CUR);
    return offset < 0 ? 0 : offset;
}

/* Keeps that a name changed. `one` is the name (before), `other` the name after a rename. */
static void keep_name(uint32_t kind, const char *one, const char *other, const struct stat *about, uint64_t trash)
{
    size_t first = strlen(one) + 1, second = other ? strlen(other) + 1 : 0;
    lock();
    struct entry *entry = room(first + second);
    if (entry) {
        memcpy(entry->first, one, first);
        if (other) memcpy(entry->first + first, other, second);
        entry->device = about->st_dev;
        entry->inode = about->st_ino;
        entry->trash = trash;
        parent_of(other ? other : one, entry);
        keep(entry, kind);
    }
    unlock();
}

/* Keeps a file whose name goes away under another one. Returns its number, 0 where it had to be let go. */
static uint64_t spare(const char *path)
{
    static _Atomic uint64_t count;
    char name[PATH_MAX];
    uint64_t number = (uint64_t)getpid() << 32 | (atomic_fetch_add(&count, 1) + 1);
    if (snprintf(name, PATH_MAX, "%s/%llu", table->trash, (unsigned long long)number) >= PATH_MAX) return 0;
    if (!CALL(linkat)(AT_FDCWD, path, AT_FDCWD, name, 0)) return number;
    atomic_store(&table->overflow, 1);
    return 0;
}

/* What was done before the sync began cannot be taken back any more. */
static void make_durable(const struct stat *about, uint64_t until)
{
    int folder = about && S_ISDIR(about->st_mode);
    lock();
    uint64_t used = atomic_load(&table->undo_used);
    for (uint64_t place = 0; place < used;) {
        struct entry *entry = entry_at(place);
        place += entry->length;
        if (!atomic_load(&entry->valid) || entry->sequence >= until) continue;
        if (about) {
            int itself = entry->device == about->st_dev && entry->inode == about->st_ino;
            int within = entry->parent_device == about->st_dev && entry->parent_inode == about->st_ino;
            if (folder ? !within && !itself : !itself || entry->kind == UNLINKED) continue;
        }
        atomic_store(&entry->valid, 0);
        atomic_fetch_sub(&table->undo_live, 1);
        atomic_fetch_add(&table->durable, 1);
    }
    if (!atomic_load(&table->undo_live)) atomic_store(&table->undo_used, 0);
    unlock();
}
