/* Sizes. */

static void keep_size(int fd, off_t size)
{
    struct stat about;
    if (power() && !fstat(fd, &about))
        keep_bytes(fd, size < about.st_size ? size : about.st_size, size < about.st_size ? about.st_size - size : 0);
}

int ftruncate(int fd, off_t size)
{
    struct rule *rule = NULL;
    ssize_t outcome;
    uint32_t action = any(TRUNCATE) ? on_descriptor(TRUNCATE, fd, &rule) : COUNT;
    if (before(action, rule, 0, &outcome)) return (int)outcome;
    keep_size(fd, size);
    int done = CALL(ftruncate)(fd, size);
    if (action == KILL_AFTER || action == TORN_KILL) end_here();
    return done;
}
int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

static int truncate_it(const char *name, off_t size)
{
    int fd = power() ? CALL(openat)(AT_FDCWD, name, O_RDWR | O_CLOEXEC) : -1;
    if (fd >= 0) {
        keep_size(fd, size);
        close(fd);
    }
    return CALL(truncate)(name, size);
}
int truncate(const char *name, off_t size) { NAMED(TRUNCATE, AT_FDCWD, name, truncate_it(name, size)) }
int truncate64(const char *name, off_t size) { return truncate(name, size); }

static int grow(int fd)
{
    struct rule *rule = NULL;
    ssize_t outcome;
    struct stat about;
    uint32_t action = any(WRITE) ? on_descriptor(WRITE, fd, &rule) : COUNT;
    if (before(action, rule, 0, &outcome)) return outcome ? errno : 0;
    if (power() && !fstat(fd, &about)) keep_bytes(fd, about.st_size, 0);
    return -1;
}
int fallocate(int fd, int mode, off_t offset, off_t size)
{
    int known = grow(fd);
    if (known > 0) errno = known;
    return known < 0 ? CALL(fallocate)(fd, mode, offset, size) : known ? -1 : 0;
}
int fallocate64(int fd, int mode, off_t offset, off_t size) { return fallocate(fd, mode, offset, size); }
int posix_fallocate(int fd, off_t offset, off_t size)
{
    int known = grow(fd);
    return known < 0 ? CALL(posix_fallocate)(fd, offset, size) : known;
}
int posix_fallocate64(int fd, off_t offset, off_t size) { return posix_fallocate(fd, offset, size); }
