/* Names. */

#define NAMED(operation, directory, name, call) \
    struct rule *rule = NULL; \
    ssize_t outcome; \
    uint32_t action = any(operation) ? on_path(operation, directory, name, &rule) : COUNT; \
    if (before(action, rule, 0, &outcome)) return (int)outcome; \
    int done = call; \
    if (action == KILL_AFTER || action == TORN_KILL) end_here(); \
    return done;

static int rename_it(int from, const char *one, int to, const char *other, unsigned flags)
{
    char first[PATH_MAX], second[PATH_MAX];
    struct stat moved, replaced;
    if (!power() || !spelled(from, one, first) || !spelled(to, other, second) || !is_watched(second) ||
        lstat(first, &moved))
        return CALL(renameat2)(from, one, to, other, flags);
    inside++;
    uint64_t trash = !lstat(second, &replaced) && S_ISREG(replaced.st_mode) ? spare(second) : 0;
    int done = CALL(renameat2)(from, one, to, other, flags);
    int kept = errno;
    if (!done) keep_name(RENAMED, first, second, &moved, trash);
    errno = kept;
    inside--;
    return done;
}

int renameat2(int from, const char *one, int to, const char *other, unsigned flags)
{
    NAMED(RENAME, to, other, rename_it(from, one, to, other, flags))
}
int rename(const char *one, const char *other) { return renameat2(AT_FDCWD, one, AT_FDCWD, other, 0); }
int renameat(int from, const char *one, int to, const char *other) { return renameat2(from, one, to, other, 0); }

static int unlink_it(int directory, const char *name, int flags)
{
    char path[PATH_MAX];
    struct stat about;
    if (!power() || !spelled(directory, name, path) || !is_watched(path) || lstat(path, &about))
        return CALL(unlinkat)(directory, name, flags);
    inside++;
    uint64_t trash = S_ISREG(about.st_mode) ? spare(path) : 0;
    int done = CALL(unlinkat)(directory, name, flags);
    int kept = errno;
    if (!done) keep_name(S_ISDIR(about.st_mode) ? REMOVED_DIRECTORY : UNLINKED, path, NULL, &about, trash);
    errno = kept;
    inside--;
    return done;
}

int unlinkat(int directory, const char *name, int flags)
{
    NAMED(UNLINK, directory, name, unlink_it(directory, name, flags))
}
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }
int remove(const char *name)
{
    struct stat about;
    return unlinkat(AT_FDCWD, name, !lstat(name, &about) && S_ISDIR(about.st_mode) ? AT_REMOVEDIR : 0);
}

static int made(int done, uint32_t kind, int directory, const char *name)
{
    char path[PATH_MAX];
    struct stat about;
    int kept = errno;
    if (!done && power() && spelled(directory, name, path) && is_watched(path) && !lstat(path, &about))
        keep_name(kind, path, NULL, &about, 0);
    errno = kept;
    return done;
}

int mkdirat(int directory, const char *name, mode_t mode)
{
    return made(CALL(mkdirat)(directory, name, mode), MADE_DIRECTORY, directory, name);
}
int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }
int linkat(int from, const char *one, int to, const char *other, int flags)
{
    return made(CALL(linkat)(from, one, to, other, flags), CREATED, to, other);
}
int link(const char *one, const char *other) { return linkat(AT_FDCWD, one, AT_FDCWD, other, 0); }
