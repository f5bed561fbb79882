package version

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/blockio"
)

// Version is that of an open file.
type Version struct {
	disk *blockio.File
	kept string // what stays as it is while the file grows

	mu      sync.Mutex
	samples []sample // as they were first looked at
}

// sample is bytes at some places of a file.
type sample struct {
	places []uint64
	digest []byte // nil: they could not be read
}

const (
	sampleBytes = 512 // at each place
	spread      = 8   // places all over the file
)

// New is the version of a file as it is now. kept names what of it stays as it is while the file grows.
func New(disk *blockio.File, kept string) *Version { return &Version{disk: disk, kept: kept} }

// Note looks at a sample of the file, and at some places of it, once each, for Holds to compare.
func (v *Version) Note(places ...uint64) {
	if v.disk.Version() != "" { // every read is of it
		return
	}
	v.whole()
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range v.samples[1:] {
		if same(s.places, places) {
			return
		}
	}
	if len(places) > 0 {
		v.samples = append(v.samples, v.look(places))
	}
}

func same(a, b []uint64) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// whole is a sample from all over the file, beginning and end among it.
func (v *Version) whole() sample {
	if named := v.disk.Version(); named != "" {
		return sample{digest: []byte(named)}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.samples) == 0 {
		last := uint64(max(v.disk.Identity().Size-sampleBytes, 0))
		places := make([]uint64, spread)
		for i := range places {
			places[i] = last / (spread - 1) * uint64(i)
		}
		places[spread-1] = last
		v.samples = append(v.samples, v.look(places))
	}
	return v.samples[0]
}

func (v *Version) look(places []uint64) sample {
	size := uint64(v.disk.Identity().Size)
	h, b := sha256.New(), make([]byte, sampleBytes)
	for _, at := range places {
		n, err := v.disk.ReadAt(b[:min(sampleBytes, size-min(at, size))], int64(min(at, size)))
		if err != nil && !errors.Is(err, io.EOF) {
			return sample{places: places}
		}
		h.Write(binary.LittleEndian.AppendUint64(nil, at))
		h.Write(b[:n])
	}
	return sample{places, h.Sum(nil)}
}

// Holds tells whether no byte of the file is another one, as far as anybody knows: nothing was done to it, or nothing but to
// its mode, owner and links, and what was noted of it is the same.
func (v *Version) Holds() bool {
	switch v.disk.Change() {
	case blockio.Same:
		return true
	case blockio.Relinked:
		return v.disk.Accept(v.compare)
	}
	return false
}

// Grows tells whether the file is written to, and not shorter.
func (v *Version) Grows() bool { return v.disk.Change() == blockio.Grown }

func (v *Version) compare() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range v.samples {
		if s.digest == nil || !bytes.Equal(v.look(s.places).digest, s.digest) {
			return false
		}
	}
	return len(v.samples) > 0
}

// Sample is a digest of bytes from all over the file; "" where they could not be read.
func (v *Version) Sample() string { return string(v.whole().digest) }

// State names the version in a ticket: size, time of modification and the sample, nothing of one machine. growing: that the
// file has not become another one, nor shorter.
func (v *Version) State(growing bool) string {
	id := v.disk.Identity()
	if growing {
		return fmt.Sprintf("grows-%d-%s", id.Size, digest(v.kept))
	}
	return digest(fmt.Sprintf("%d %d %x", id.Size, id.Mtime, v.whole().digest))
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:15])
}

// Check refuses what is meant for another version than this one: fault.Changed. The empty state is any.
func (v *Version) Check(state string) error {
	if state == "" || v.Is(state) {
		return nil
	}
	return fault.New(fault.Changed, "the file is not the one that the ticket was issued for: ask GetFlightInfo for a new ticket "+
		"(copies on several servers need the same time of modification, as rsync -t and cp -p give it)")
}

// Is tells whether the version is one that a State named. Marks of others are for Expect.
func (v *Version) Is(state string) bool {
	state, marks, _ := strings.Cut(state, markSep)
	if !wellMarked(marks) {
		return false
	}
	rest, growing := strings.CutPrefix(state, "grows-")
	if !growing {
		return state == v.State(false)
	}
	size, kept, _ := strings.Cut(rest, "-")
	least, err := strconv.ParseInt(size, 10, 64)
	return err == nil && least <= v.disk.Identity().Size && kept == digest(v.kept)
}
