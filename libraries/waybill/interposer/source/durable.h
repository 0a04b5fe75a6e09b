/* Making durable. */

static int sync_it(int fd, int (*real)(int))
{
    ssize_t outcome;
    struct rule *rule = NULL;
    uint32_t action = any(FSYNC) ? on_descriptor(FSYNC, fd, &rule) : COUNT;
    if (before(action, rule, 0, &outcome)) return (int)outcome;
    uint64_t until = power() ? atomic_load(&table->undo_sequence) : 0;
    int done = real(fd);
    struct stat about;
    int kept = errno;
    if (!done && power() && !fstat(fd, &about)) make_durable(&about, until);
    errno = kept;
    if (action == KILL_AFTER || action == TORN_KILL) end_here();
    return done;
}

int fsync(int fd) { return sync_it(fd, CALL(fsync)); }
int fdatasync(int fd) { return sync_it(fd, CALL(fdatasync)); }
int syncfs(int fd)
{
    int done = CALL(syncfs)(fd);
    if (!done && power()) make_durable(NULL, atomic_load(&table->undo_sequence));
    return done;
}
void sync(void)
{
    CALL(sync)();
    if (power()) make_durable(NULL, atomic_load(&table->undo_sequence));
}
