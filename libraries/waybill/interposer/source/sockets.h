/* Sockets. */

ssize_t sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *to, socklen_t length)
{
    FAULTY(SEND, size, CALL(sendto)(fd, bytes, size, flags, to, length),
           CALL(sendto)(fd, bytes, least, flags, to, length))
}
ssize_t send(int fd, const void *bytes, size_t size, int flags) { return sendto(fd, bytes, size, flags, NULL, 0); }

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    FAULTY(SEND, total(message->msg_iov, (int)message->msg_iovlen), CALL(sendmsg)(fd, message, flags),
           write_some(fd, message->msg_iov, (int)message->msg_iovlen, least, -1))
}

ssize_t recvfrom(int fd, void *bytes, size_t size, int flags, struct sockaddr *from, socklen_t *length)
{
    FAULTY(RECEIVE, size, CALL(recvfrom)(fd, bytes, size, flags, from, length),
           CALL(recvfrom)(fd, bytes, least, flags, from, length))
}
ssize_t recv(int fd, void *bytes, size_t size, int flags) { return recvfrom(fd, bytes, size, flags, NULL, NULL); }

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    FAULTY(RECEIVE, total(message->msg_iov, (int)message->msg_iovlen), CALL(recvmsg)(fd, message, flags),
           CALL(recvfrom)(fd, message->msg_iov->iov_base, least, flags, NULL, NULL))
}

int connect(int fd, const struct sockaddr *to, socklen_t length)
{
    struct rule *rule = NULL;
    ssize_t outcome;
    uint32_t action = any(CONNECT) ? on_descriptor(CONNECT, fd, &rule) : COUNT;
    if (before(action, rule, 0, &outcome)) return (int)outcome;
    return CALL(connect)(fd, to, length);
}

int accept4(int fd, struct sockaddr *from, socklen_t *length, int flags)
{
    struct rule *rule = NULL;
    ssize_t outcome;
    uint32_t action = any(ACCEPT) ? on_descriptor(ACCEPT, fd, &rule) : COUNT;
    if (before(action, rule, -1, &outcome)) return (int)outcome;
    return CALL(accept4)(fd, from, length, flags);
}
int accept(int fd, struct sockaddr *from, socklen_t *length) { return accept4(fd, from, length, 0); }
