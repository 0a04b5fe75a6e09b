/* Reading and writing; a descriptor may be a file or a socket. */

static uint32_t kind_of(int fd, uint32_t file, uint32_t socket_)
{
    struct stat about;
    return !fstat(fd, &about) && S_ISSOCK(about.st_mode) ? socket_ : file;
}

#define FAULTY(operations, size, call, shorter) \
    ssize_t outcome; \
    struct rule *rule = NULL; \
    uint32_t action = COUNT; \
    if (any(operations)) { \
        int kept_errno = errno; \
        action = on_descriptor(kind_of(fd, (operations) & (READ | WRITE), (operations) & (SEND | RECEIVE)), fd, &rule); \
        errno = kept_errno; \
        if (before(action, rule, (ssize_t)(size), &outcome)) return outcome; \
        if (action == SHORT || action == TORN_KILL) { \
            size_t least = (size_t)rule->number < (size_t)(size) ? (size_t)rule->number : (size_t)(size); \
            outcome = shorter; \
            if (action == TORN_KILL) end_here(); \
            return outcome; \
        } \
    } \
    outcome = call; \
    if (action == KILL_AFTER) end_here(); \
    return outcome;

/* The first bytes of several parts, as one. */
static ssize_t write_some(int fd, const struct iovec *parts, int count, size_t least, off_t offset)
{
    char some[4096];
    size_t length = 0;
    if (least > sizeof some) least = sizeof some;
    for (int number = 0; number < count && length < least; number++) {
        size_t part = parts[number].iov_len < least - length ? parts[number].iov_len : least - length;
        memcpy(some + length, parts[number].iov_base, part);
        length += part;
    }
    return offset < 0 ? CALL(write)(fd, some, length) : CALL(pwrite)(fd, some, length, offset);
}

ssize_t read(int fd, void *bytes, size_t size)
{
    FAULTY(READ | RECEIVE, size, CALL(read)(fd, bytes, size), CALL(read)(fd, bytes, least))
}
ssize_t __read_chk(int fd, void *bytes, size_t size, size_t room_) { (void)room_; return read(fd, bytes, size); }

ssize_t pread(int fd, void *bytes, size_t size, off_t offset)
{
    FAULTY(READ, size, CALL(pread)(fd, bytes, size, offset), CALL(pread)(fd, bytes, least, offset))
}
ssize_t pread64(int fd, void *bytes, size_t size, off_t offset) { return pread(fd, bytes, size, offset); }

ssize_t readv(int fd, const struct iovec *parts, int count)
{
    FAULTY(READ | RECEIVE, total(parts, count), CALL(readv)(fd, parts, count),
           CALL(read)(fd, parts[0].iov_base, least < parts[0].iov_len ? least : parts[0].iov_len))
}

ssize_t preadv(int fd, const struct iovec *parts, int count, off_t offset)
{
    FAULTY(READ, total(parts, count), CALL(preadv)(fd, parts, count, offset),
           CALL(pread)(fd, parts[0].iov_base, least < parts[0].iov_len ? least : parts[0].iov_len, offset))
}
ssize_t preadv64(int fd, const struct iovec *parts, int count, off_t offset) { return preadv(fd, parts, count, offset); }

ssize_t write(int fd, const void *bytes, size_t size)
{
    if (power()) keep_bytes(fd, write_offset(fd), size);
    FAULTY(WRITE | SEND, size, CALL(write)(fd, bytes, size), CALL(write)(fd, bytes, least))
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    if (power()) keep_bytes(fd, offset, size);
    FAULTY(WRITE, size, CALL(pwrite)(fd, bytes, size, offset), CALL(pwrite)(fd, bytes, least, offset))
}
ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t offset) { return pwrite(fd, bytes, size, offset); }

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (power()) keep_bytes(fd, write_offset(fd), total(parts, count));
    FAULTY(WRITE | SEND, total(parts, count), CALL(writev)(fd, parts, count), write_some(fd, parts, count, least, -1))
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    if (power()) keep_bytes(fd, offset, total(parts, count));
    FAULTY(WRITE, total(parts, count), CALL(pwritev)(fd, parts, count, offset),
           write_some(fd, parts, count, least, offset))
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset)
{
    return pwritev(fd, parts, count, offset);
}
