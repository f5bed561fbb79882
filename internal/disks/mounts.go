package disks

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Which disk a path is of is looked up among the mounts of this process, which asks no disk.

// mount is a file system where it is mounted.
type mount struct {
	at, device, kind string
	memory           bool // it is nothing but memory
	waits            bool // for another machine or process, whatever it is asked
	remote           bool // a store in the network
}

// Kinds of file systems (filesystems(5)). All others wait.
var (
	memoryKinds = []string{"tmpfs", "ramfs", "devtmpfs", "proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "hugetlbfs", "securityfs", "debugfs", "tracefs",
		"configfs", "pstore", "efivarfs", "bpf", "nsfs", "binfmt_misc", "fusectl", "selinuxfs", "rpc_pipefs"}
	localKinds = []string{"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "bcachefs", "overlay", "squashfs", "erofs", "iso9660", "udf", "vfat", "exfat", "ntfs3"}
)

const mountinfo = "/proc/self/mountinfo" // proc_pid_mountinfo(5)

// fresh is how long a table of mounts is believed.
const fresh = time.Second

// table is what is mounted.
type table struct {
	read  time.Time
	at    map[string]mount
	waits bool // one of them does, and a link may lead to it
}

// mounts reads the table where it is old.
func (d *Disks) mounts() *table {
	if t := d.table.Load(); t != nil && time.Since(t.read) < fresh {
		return t
	}
	text, _ := os.ReadFile(mountinfo) // without it all is one disk of which nothing is known
	t := parse(text)
	t.rooted()
	d.table.Store(t)
	return t
}

func parse(text []byte) *table {
	t := &table{read: time.Now(), at: map[string]mount{}}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		fields := strings.Fields(s.Text())
		dash := slices.Index(fields, "-")
		if dash < 6 || dash+1 >= len(fields) {
			continue
		}
		m := newMount(unescaped(fields[4]), fields[2], fields[dash+1])
		t.at[m.at] = m // the last one mounted there
	}
	for _, m := range t.at {
		system := strings.HasPrefix(m.at, "/proc/") || strings.HasPrefix(m.at, "/sys/") || strings.HasPrefix(m.at, "/dev/")
		t.waits = t.waits || m.waits && !system
	}
	return t
}

// magics are kinds of file systems as statfs(2) tells them.
var magics = map[int64]string{unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs", unix.F2FS_SUPER_MAGIC: "f2fs",
	unix.OVERLAYFS_SUPER_MAGIC: "overlay", unix.SQUASHFS_MAGIC: "squashfs", unix.EROFS_SUPER_MAGIC_V1: "erofs", unix.TMPFS_MAGIC: "tmpfs", unix.RAMFS_MAGIC: "ramfs"}

// rooted adds the mount of / where it is not in the table: the root that chroot(2) gave is a directory of another one. It is asked, since
// this program itself comes from there.
func (t *table) rooted() {
	if _, ok := t.at["/"]; ok {
		return
	}
	var s unix.Stat_t
	var fs unix.Statfs_t
	m := newMount("/", "", "unknown")
	if unix.Stat("/", &s) == nil && unix.Statfs("/", &fs) == nil {
		m = newMount("/", fmt.Sprintf("%d:%d", unix.Major(s.Dev), unix.Minor(s.Dev)), cmp.Or(magics[int64(fs.Type)], "unknown"))
	}
	t.at["/"], t.waits = m, t.waits || m.waits
}

func newMount(at, device, kind string) mount {
	memory := slices.Contains(memoryKinds, kind)
	return mount{at: at, device: device, kind: kind, memory: memory, waits: !memory && !slices.Contains(localKinds, kind)}
}

// unescaped undoes the octal escapes of spaces and the like.
func unescaped(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+4 <= len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				out.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}

// of is the mount that a clean, absolute path is below of, links not followed.
func (t *table) of(path string) mount {
	for p := path; p != ""; p = p[:max(strings.LastIndexByte(p, '/'), 0)] {
		if m, ok := t.at[p]; ok {
			return m
		}
	}
	if m, ok := t.at["/"]; ok {
		return m
	}
	return mount{at: "/", kind: "unknown", waits: true}
}

// Of is the disk of a path.
func (d *Disks) Of(path string) *Disk {
	if d == nil {
		return nil
	}
	return d.disk(d.mounts().of(path))
}

func (d *Disks) disk(m mount) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	k := d.disks[m.device]
	if k == nil {
		k = newDisk(d, m)
		d.disks[m.device] = k
	}
	return k
}

// InPlace tells whether nothing that is mounted waits for names, wherever links lead.
func (d *Disks) InPlace() bool { return d == nil || !d.mounts().waits }

// Known is Ask about a path that was found just now and has no links.
func Known[T any](ctx context.Context, d *Disks, path string, f func() (T, error)) (T, error) {
	if d.InPlace() {
		return f()
	}
	if m := d.mounts().of(path); m.waits {
		return Ask(ctx, d.disk(m).names, f)
	}
	return f()
}

// Names is Ask about a path, and whatever its links, or what lies there, lead to.
func Names[T any](ctx context.Context, d *Disks, path string, f func() (T, error)) (T, error) {
	if d.InPlace() {
		return f()
	}
	return Ask(ctx, d.Of(path).names, f)
}
