// A filter plug-in for tests that tries what none may do, once when it is loaded and once for a chunk. -DID=n is its number,
// -DPARENT=n the process that reads files, -DVICTIM="path" a file of its user's, -DMEMORY=n bytes that are more than it may have, -DREADS has files read when it is loaded, too.
// What it gives is text: "loaded:" and what succeeded then, "working:" and what succeeded for the chunk, with words between.
// What has to work (threads, memory) is told when it fails. END has it end worse: LOOP, PIPES (closed), GARBAGE (in all pipes and memory),
// BITS32 (a call of another architecture), TERM (ignores signals and loops), THREADS (as many as it gets).
#define _GNU_SOURCE
#include <H5PLextern.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define CALL(...) (syscall(__VA_ARGS__) >= 0)

static int ends(long pid) { // of a fork: a child that was born is one too many
  if (pid == 0)
    _exit(0);
  return pid > 0;
}

static int opens(const char *path, int flags) {
  int fd = open(path, flags, 0600);
  if (fd >= 0)
    close(fd);
  return fd >= 0;
}

static const char *of_parent(const char *what) {
  static char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", PARENT, what);
  return path;
}

static int reads_parent(void) {
  char here[8];
  struct iovec to = {here, 8}, from = {here, 8};
  return syscall(SYS_process_vm_readv, PARENT, &to, 1, &from, 1, 0) >= 0 || (errno != EPERM && errno != ENOSYS && errno != ESRCH);
}

static int maps_victim(void) {
  int fd = open(VICTIM, O_RDONLY);
  if (fd < 0)
    return 0;
  void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *q = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
  int done = p != MAP_FAILED || (q != MAP_FAILED && mprotect(q, 4096, PROT_READ | PROT_WRITE) == 0);
  close(fd);
  return done;
}

static int raises(void) {
  struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
  return setrlimit(RLIMIT_AS, &all) == 0 || setrlimit(RLIMIT_FSIZE, &all) == 0;
}

static int limits_parent(void) {
  struct rlimit r;
  return syscall(SYS_prlimit64, PARENT, RLIMIT_NOFILE, NULL, &r) == 0;
}

static int takes_more(void) {
  void *p = mmap(NULL, (size_t)MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return p != MAP_FAILED;
}

static int gains(void) {
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct all[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};
  return syscall(SYS_capset, &head, all) == 0;
}

static int clone3_forks(void) {
  uint64_t args[11] = {0};
  args[4] = SIGCHLD;
  return ends(syscall(SYS_clone3, args, sizeof args));
}

static int opens_by_how(void) {
  uint64_t how[3] = {O_RDONLY, 0, 0};
  return syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", how, sizeof how) >= 0;
}

static void *nothing(void *p) { return p; }

static int no_thread(void) {
  pthread_t t[4];
  for (int i = 0; i < 4; i++)
    if (pthread_create(&t[i], NULL, nothing, NULL) != 0)
      return 1;
  for (int i = 0; i < 4; i++)
    pthread_join(t[i], NULL);
  return 0;
}

static int no_memory(void) {
  char *p = malloc(32 << 20);
  if (!p)
    return 1;
  memset(p, 1, 32 << 20);
  free(p);
  return 0;
}

#ifdef THREADS
static void *sleeps(void *p) {
  sleep(1000);
  return p;
}
#endif

static char *const none[] = {NULL};

// All that a plug-in may not do, whose names go to out where it can.
static void try_all(char *out, int loading) {
  size_t n = 0;
  struct stat st;
  struct rlimit one = {1, 1};
#define TRY(name, done) \
  if (done)             \
    n += sprintf(out + n, " %s", name);

  TRY("tgkill", CALL(SYS_tgkill, PARENT, PARENT, 0))
  TRY("tkill", CALL(SYS_tkill, PARENT, 0))
  TRY("kill", kill(PARENT, 0) == 0 || kill(getppid(), 0) == 0 || kill(-1, 0) == 0)
  TRY("rt_sigqueueinfo", CALL(SYS_rt_sigqueueinfo, PARENT, 0, &st))
  TRY("rt_tgsigqueueinfo", CALL(SYS_rt_tgsigqueueinfo, PARENT, PARENT, 0, &st))
  TRY("pidfd_open", CALL(SYS_pidfd_open, PARENT, 0))
  TRY("pidfd_getfd", CALL(SYS_pidfd_getfd, 0, 0, 0) || errno == EBADF)
  TRY("pidfd_send_signal", CALL(SYS_pidfd_send_signal, 0, 0, 0, 0) || errno == EBADF)
  TRY("owner of signals", fcntl(0, F_SETOWN, PARENT) == 0 || fcntl(4, F_SETSIG, SIGKILL) == 0)
  TRY("asynchronous", ioctl(4, FIOASYNC, &(int){1}) == 0)

  TRY("environment of the parent", opens(of_parent("environ"), O_RDONLY))
  TRY("memory of the parent", opens(of_parent("mem"), O_RDONLY) || opens(of_parent("mem"), O_RDWR))
  TRY("descriptors of the parent", opens(of_parent("fd/0"), O_RDONLY) || opens(of_parent("maps"), O_RDONLY))
  TRY("process_vm_readv", reads_parent())
  TRY("process_madvise", CALL(SYS_process_madvise, 0, NULL, 0, 0, 0) || errno == EBADF)
  TRY("kcmp", CALL(SYS_kcmp, PARENT, PARENT, 0, 0, 0))
  TRY("limits of the parent", limits_parent() || (CALL(SYS_prlimit64, PARENT, RLIMIT_CORE, &one, NULL)))
  TRY("priority of the parent", setpriority(PRIO_PROCESS, PARENT, 19) == 0 || CALL(SYS_sched_setaffinity, PARENT, 8, &(long){1}))

  TRY("write a file", opens(VICTIM, O_WRONLY) || opens(VICTIM, O_RDWR) || opens(VICTIM, O_RDONLY | O_TRUNC))
  TRY("make a file", opens("/tmp/evil", O_WRONLY | O_CREAT) || opens("/tmp/evil", O_RDONLY | O_CREAT) || opens("/tmp", O_TMPFILE | O_RDWR))
  TRY("change names", !unlink(VICTIM) || !rename(VICTIM, "/tmp/evil") || !link(VICTIM, "/tmp/evil") || !symlink(VICTIM, "/tmp/evil") || !mkdir("/tmp/evil", 0700))
  TRY("change a file", !chmod(VICTIM, 0666) || !chown(VICTIM, getuid(), getgid()) || !truncate(VICTIM, 1) || CALL(SYS_utimensat, AT_FDCWD, VICTIM, NULL, 0))
  TRY("change a mapped file", maps_victim())
  TRY("openat2", opens_by_how())
  TRY("handles", CALL(SYS_open_by_handle_at, AT_FDCWD, NULL, 0) || errno == EFAULT)
  if (!loading) {
    TRY("read a file", opens(VICTIM, O_RDONLY) || opens("/proc/self/status", O_RDONLY) || opens("/", O_RDONLY | O_DIRECTORY))
    TRY("look at a file", stat(VICTIM, &st) == 0 || access(VICTIM, F_OK) == 0 || readlink("/proc/self/fd/3", (char[64]){0}, 64) >= 0)
  }
#ifdef READS
  TRY("read when loaded", opens(VICTIM, O_RDONLY))
#endif

  TRY("fork", ends(fork()) || ends(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)))
  TRY("namespace", ends(syscall(SYS_clone, SIGCHLD | 0x10000000, 0, 0, 0, 0)) || CALL(SYS_unshare, 0x10000000) || CALL(SYS_setns, 0, 0))
  TRY("clone3", clone3_forks())
  if (!strstr(out, " fork")) { // else it would be another program by now, and the parent stopped
    TRY("ptrace", ptrace(PTRACE_SEIZE, PARENT, 0, 0) == 0 || ptrace(PTRACE_TRACEME, 0, 0, 0) == 0)
    TRY("execve", execve("/bin/true", none, none) == 0 || errno != EPERM)
    TRY("execveat", CALL(SYS_execveat, 0, "", none, none, AT_EMPTY_PATH) || errno != EPERM)
  }
  TRY("memfd", CALL(SYS_memfd_create, "x", 0))
  TRY("socket", socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_UNIX, SOCK_STREAM, 0) >= 0 || socket(AF_NETLINK, SOCK_RAW, 0) >= 0)
  TRY("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){0}) == 0)
  TRY("mount", mount("none", "/mnt", "tmpfs", 0, NULL) == 0 || umount("/mnt") == 0 || chroot("/") == 0)
  TRY("user", setuid(getuid()) == 0 || setgid(getgid()) == 0 || setresuid(0, 0, 0) == 0 || CALL(SYS_setgroups, 0, NULL))
  TRY("capabilities", gains())
  TRY("limits", raises())
  TRY("memory", takes_more())
  TRY("prctl", !prctl(PR_SET_DUMPABLE, 1) || !prctl(PR_SET_PDEATHSIG, 0) || !prctl(PR_SET_PTRACER, PARENT) || prctl(PR_GET_DUMPABLE) >= 0)
  TRY("seccomp", !loading && (CALL(SYS_seccomp, 99, 0, 0) || errno != EPERM))
  TRY("io_uring", CALL(SYS_io_uring_setup, 1, &st) || errno == EINVAL)
  TRY("userfaultfd", CALL(SYS_userfaultfd, 1))
  TRY("perf", CALL(SYS_perf_event_open, NULL, 0, -1, -1, 0) || errno == EFAULT)
  TRY("bpf", CALL(SYS_bpf, 0, NULL, 0) || errno == EFAULT)
  TRY("keys", CALL(SYS_keyctl, 0, -3, 1) || CALL(SYS_add_key, "user", "evil", "x", 1, -3))
  TRY("shared memory", CALL(SYS_shmget, 0, 4096, 01600) || CALL(SYS_msgget, 0, 01600) || CALL(SYS_semget, 0, 1, 01600))
  TRY("watch", CALL(SYS_inotify_init1, 0) || CALL(SYS_fanotify_init, 0, 0))
  TRY("session", setsid() >= 0 || setpgid(0, 0) == 0)
  TRY("clock", CALL(SYS_clock_settime, 0, NULL) || errno == EFAULT)
  TRY("name of the machine", sethostname("evil", 4) == 0)
#ifdef __x86_64__
  TRY("fork of x32", ends(syscall(0x40000000 | SYS_fork)))
#endif

  TRY("NO thread", no_thread())
  TRY("NO memory", no_memory())
}

static void end(void **buf, size_t n) {
  (void)buf, (void)n;
#if defined(LOOP) || defined(TERM)
  for (int s = 1; s < 32; s++)
    signal(s, SIG_IGN);
  for (volatile int i = 0;; i++)
    ;
#endif
#ifdef PIPES
  for (int fd = 0; fd < 64; fd++)
    close(fd);
  for (;;)
    sleep(1);
#endif
#ifdef GARBAGE
  char noise[4096];
  memset(noise, 0xa5, sizeof noise);
  for (int i = 0; i < 64; i++)
    for (int fd = 1; fd < 5; fd++)
      if (fd != 3 && write(fd, noise, sizeof noise) < 0)
        break;
#endif
#ifdef BITS32
  __asm__ volatile("int $0x80" : : "a"(20));
#endif
#ifdef THREADS
  pthread_t t;
  while (pthread_create(&t, NULL, sleeps, NULL) == 0)
    ;
#endif
}

static char loaded[4096];

__attribute__((constructor)) static void load(void) { try_all(loaded, 1); }

static size_t evil(unsigned flags, size_t cd_nelmts, const unsigned cd[], size_t n, size_t *size, void **buf) {
  (void)flags, (void)cd_nelmts, (void)cd;
  char now[4096] = "";
  try_all(now, 0);
  end(buf, n);
  free(*buf);
  *buf = malloc(8400);
  *size = 8400;
  return sprintf(*buf, "loaded:%s working:%s", loaded, now);
}

static const H5Z_class2_t self = {H5Z_CLASS_T_VERS, ID, 1, 1, "evil", NULL, NULL, evil};

H5PL_type_t H5PLget_plugin_type(void) { return H5PL_TYPE_FILTER; }

const void *H5PLget_plugin_info(void) { return &self; }
