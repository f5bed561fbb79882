package blockio

import (
	"context"
	"crypto/sha256"
	"encoding/binary"

	"github.com/mtflight/mtflight/internal/disks"
	"github.com/mtflight/mtflight/internal/objectstore"
)

// source is where a file's bytes come from.
type source interface {
	// ReadAt is io.ReaderAt, until ctx ends.
	ReadAt(ctx context.Context, p []byte, off int64) (int, error)
	// peek is ReadAt for what is read in small pieces and again.
	peek(ctx context.Context, p []byte, off int64) (int, error)
	// change is what has become of the file that had a status, and its status now.
	change(was status) (status, Change)
	// forget gives back what is kept of the bytes.
	forget()
	Close() error
}

// onDisk is a file of a mounted file system, whose kernel keeps what is read of it.
type onDisk struct{ disks.File }

func (d onDisk) peek(ctx context.Context, p []byte, off int64) (int, error) {
	return d.ReadAt(ctx, p, off)
}

func (d onDisk) forget() {}

// inStore is an object. All that is read of it is of the version that was opened, so that only a read finds that it was replaced.
type inStore struct{ *objectstore.Object }

func (s inStore) ReadAt(ctx context.Context, p []byte, off int64) (int, error) {
	if err := s.Read(ctx, p, off); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (s inStore) peek(ctx context.Context, p []byte, off int64) (int, error) {
	return s.Object.ReadAt(ctx, p, off)
}

func (s inStore) change(was status) (status, Change) {
	if s.Changed() {
		return was, Other
	}
	return was, Same
}

func (s inStore) forget() { s.Forget() }

func (s inStore) Close() error { return nil }

// Of is an object of a store, as a file.
func Of(o *objectstore.Object) *File {
	out := &File{door: inStore{o}, lane: o.Lane(), id: IdentityOf(o), version: o.Version(), tally: new(Tally)}
	out.now.Store(&status{Identity: out.id})
	return out
}

// IdentityOf is that of an object's version: a digest of its name and ETag is device and inode. It was never changed just now, since each
// change has an ETag of its own.
func IdentityOf(o *objectstore.Object) Identity {
	sum := sha256.Sum256([]byte(o.Version()))
	info := o.Info()
	return Identity{Dev: binary.LittleEndian.Uint64(sum[:]), Ino: binary.LittleEndian.Uint64(sum[8:]), Size: info.Size, Mtime: info.Modified.UnixNano()}
}

// Gap is how many bytes are rather read for nothing than asked for in another call.
func (f *File) Gap() uint64 {
	if f.f == nil {
		return 256 << 10
	}
	return 16 << 10
}

// Distant tells whether the bytes come over a network, so that many are rather asked for at once.
func (f *File) Distant() bool { return f.f == nil }

// Version names the version of the file where its store does; "" where only its identity and bytes can.
func (f *File) Version() string { return f.version }
