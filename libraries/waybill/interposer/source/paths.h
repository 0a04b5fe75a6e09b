/* Which file a call is about. */

/* The path behind a descriptor ("socket:[7]" for a socket); 0 where there is none. */
static int path_of(int fd, char *path)
{
    char link[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return 1;
}

/* A path as it is spelled from the root, without looking at its last part. */
static int spelled(int directory, const char *path, char *whole)
{
    char base[PATH_MAX], first[PATH_MAX];
    if (!path) return 0;
    if (path[0] == '/') {
        if (snprintf(first, PATH_MAX, "%s", path) >= PATH_MAX) return 0;
    } else {
        if (directory == AT_FDCWD ? !getcwd(base, PATH_MAX) : !path_of(directory, base)) return 0;
        if (snprintf(first, PATH_MAX, "%s/%s", base, path) >= PATH_MAX) return 0;
    }
    char *last = strrchr(first, '/');
    *last = 0;
    if (!realpath(*first ? first : "/", base)) return 0;
    return snprintf(whole, PATH_MAX, "%s/%s", strcmp(base, "/") ? base : "", last + 1) < PATH_MAX;
}

static int is_watched(const char *path)
{
    size_t length = strlen(table->watched);
    return length && !strncmp(path, table->watched, length) && (path[length] == '/' || !path[length]);
}
