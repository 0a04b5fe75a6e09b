/* The real functions. */

#define REAL(type, name, ...) \
    static type (*real_##name)(__VA_ARGS__); \
    static inline void find_##name(void) { \
        if (!real_##name) real_##name = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name); \
    }
#define CALL(name) (find_##name(), real_##name)

REAL(int, openat, int, const char *, int, ...)
REAL(ssize_t, read, int, void *, size_t)
REAL(ssize_t, pread, int, void *, size_t, off_t)
REAL(ssize_t, readv, int, const struct iovec *, int)
REAL(ssize_t, preadv, int, const struct iovec *, int, off_t)
REAL(ssize_t, write, int, const void *, size_t)
REAL(ssize_t, pwrite, int, const void *, size_t, off_t)
REAL(ssize_t, writev, int, const struct iovec *, int)
REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t)
REAL(int, fsync, int)
REAL(int, fdatasync, int)
REAL(void, sync, void)
REAL(int, syncfs, int)
REAL(int, renameat2, int, const char *, int, const char *, unsigned)
REAL(int, unlinkat, int, const char *, int)
REAL(int, linkat, int, const char *, int, const char *, int)
REAL(int, mkdirat, int, const char *, mode_t)
REAL(int, ftruncate, int, off_t)
REAL(int, truncate, const char *, off_t)
REAL(int, fallocate, int, int, off_t, off_t)
REAL(int, posix_fallocate, int, off_t, off_t)
REAL(ssize_t, sendto, int, const void *, size_t, int, const struct sockaddr *, socklen_t)
REAL(ssize_t, sendmsg, int, const struct msghdr *, int)
REAL(ssize_t, recvfrom, int, void *, size_t, int, struct sockaddr *, socklen_t *)
REAL(ssize_t, recvmsg, int, struct msghdr *, int)
REAL(int, connect, int, const struct sockaddr *, socklen_t)
REAL(int, accept4, int, struct sockaddr *, socklen_t *, int)
REAL(int, clock_gettime, clockid_t, struct timespec *)
REAL(int, sem_timedwait, sem_t *, const struct timespec *)
REAL(int, pthread_mutex_timedlock, pthread_mutex_t *, const struct timespec *)
REAL(FILE *, fopen, const char *, const char *)
REAL(FILE *, fdopen, int, const char *)
REAL(int, fileno, FILE *)

static void *mapped(const char *path, size_t size)
{
    int fd = CALL(openat)(AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return NULL;
    void *found = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return found == MAP_FAILED ? NULL : found;
}

__attribute__((constructor)) static void attach(void)
{
    const char *path = getenv("WAYBILL_FAULT_TABLE");
    if (!path || table) return;
    struct table *found = mapped(path, sizeof(struct table));
    if (!found || found->magic != MAGIC || found->version != 1) return;
    if (found->undo_capacity) undo = mapped(found->undo, found->undo_capacity);
    atomic_fetch_add(&found->attached, 1);
    table = found;
}
