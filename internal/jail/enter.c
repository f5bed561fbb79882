// What belongs to a thread is given up before there is a second one: capset and PR_SET_NO_NEW_PRIVS change the calling thread alone,
// and Go's runtime has several before its first line of Go.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void refuse(const char *what) {
  dprintf(2, "a helper cannot be confined: %s: %s\n", what, strerror(errno));
  _exit(2);
}

// The bounding set can be dropped only by who has CAP_SETPCAP. Without it no_new_privs stands for it: no program gives a capability.
static void drop_capabilities(void) {
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[2] = {{0}};
  for (int i = 0; i < 64; i++)
    if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0 && errno == EINVAL)
      break;
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  if (syscall(SYS_capset, &head, none) < 0)
    refuse("capabilities");
}

// Where the kernel has Landlock, in force or not: what the list of system calls holds too, and beside it that no process outside is looked into
// (ptrace, /proc). Numbers are of linux/landlock.h, which older systems do not have.
static void landlock(void) {
  const uint64_t reading = 1 << 2 | 1 << 3, files[] = {0, 0x1fff, 0x3fff, 0x7fff, 0x7fff, 0xffff};
  long version = syscall(444, NULL, 0, 1);
  if (version < 1)
    return;
  uint64_t denied[3] = {files[version < 5 ? version : 5] & ~reading, 3, 3}; // files, network, sockets and signals beyond it
  int rules = (int)syscall(444, denied, version < 4 ? 8 : version < 6 ? 16 : 24, 0);
  if (rules < 0 || syscall(446, rules, 0) < 0)
    refuse("landlock");
  close(rules);
}

__attribute__((constructor)) static void enter(void) {
  if (!getenv("MTFLIGHT_JAIL"))
    return;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    refuse("no_new_privs");
  drop_capabilities();
  landlock();
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
    refuse("dumpable");
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
    refuse("end with the parent");
}
