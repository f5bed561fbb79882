// Package reload reads again, while a server runs, what it was started with: certificates, tokens, rules, the configuration.
// A Set knows the parts; Reload reads all of them again, Watch those of which a file has changed. A part that cannot be read keeps
// what it had, and the log says why.
package reload

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
	"go.uber.org/zap"
)

// Set is the parts that can be read again. The zero value has none. Parts are added before Watch begins; Reload may be called
// at any time, by any goroutine: parts are read one after the other.
type Set struct {
	Log *zap.Logger

	mu    sync.Mutex
	parts []*part
}

type part struct {
	name  string
	load  func() error
	files []string
	seen  []state // of the files, when they were last read
}

// Add notes a part that has just been read. load reads it again and changes nothing where it fails; it is called by one goroutine
// at a time. The part is also read when one of its files changes.
func (s *Set) Add(name string, load func() error, files ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts = append(s.parts, &part{name, load, files, states(files)})
}

// Reload reads every part again and gives the errors of those that keep what they had.
func (s *Set) Reload() error { return s.reload(true) }

func (s *Set) reload(all bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, p := range s.parts {
		now := states(p.files)
		if !all && slices.Equal(p.seen, now) {
			continue
		}
		p.seen = now
		if err := p.load(); err != nil {
			s.Log.Error("not read again: what was read before stays", zap.String("what", p.name), zap.Error(err))
			errs = append(errs, fmt.Errorf("%s: %w", p.name, err))
			continue
		}
		s.Log.Info("read again", zap.String("what", p.name))
	}
	return errors.Join(errs...)
}

// settle is how long files have to be at rest: a certificate and its key are written one after the other.
const settle = 250 * time.Millisecond

// longest is how long that may put off a look, where something beside the files is written to all the time.
const longest = 8 * settle

// Watch reads parts again as their files change, until ctx ends. The directories of the files are watched, since most programs replace a
// file by another one, and Kubernetes the directory that links lead to. What cannot be watched is said in the log: Reload still reads it.
func (s *Set) Watch(ctx context.Context) {
	directories := s.directories()
	if len(directories) == 0 {
		return
	}
	w, err := fsnotify.NewWatcher()
	if err != nil {
		s.Log.Warn("changes of files are not seen: SIGHUP reads them again", zap.Error(err))
		return
	}
	defer w.Close()
	for dir := range directories {
		if err := w.Add(dir); err != nil {
			s.Log.Warn("changes of its files are not seen: SIGHUP reads them again", zap.String("directory", dir), zap.Error(err))
		}
	}
	s.follow(ctx, w)
}

// follow looks at the files a while after anything happened beside them.
func (s *Set) follow(ctx context.Context, w *fsnotify.Watcher) {
	rest := time.NewTimer(settle) // at once, too: they may have changed before they were watched
	defer rest.Stop()
	var since time.Time // nothing has happened that was not looked at
	later := func() {
		if since.IsZero() {
			since = time.Now()
		}
		rest.Reset(min(settle, time.Until(since.Add(longest))))
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.Events:
			later()
		case err := <-w.Errors:
			s.Log.Warn("changes of files may have been missed: looking at all of them", zap.Error(err))
			later()
		case <-rest.C:
			since = time.Time{}
			_ = s.reload(false)
		}
	}
}

// directories are those of the files, and of what they are links to.
func (s *Set) directories() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]bool{}
	for _, p := range s.parts {
		for _, file := range p.files {
			all[filepath.Dir(file)] = true
			if real, err := filepath.EvalSymlinks(file); err == nil {
				all[filepath.Dir(real)] = true
			}
		}
	}
	return all
}

// state is what tells one content of a file from another.
type state struct {
	path  string // where links lead to
	size  int64
	mode  os.FileMode
	mtime time.Time
}

func states(files []string) []state {
	all := make([]state, len(files))
	for i, file := range files {
		all[i] = stateOf(file)
	}
	return all
}

// stateOf is the zero state of a file that is not there.
func stateOf(file string) state {
	path, err := filepath.EvalSymlinks(file)
	if err != nil {
		return state{}
	}
	info, err := os.Stat(path)
	if err != nil {
		return state{}
	}
	return state{path, info.Size(), info.Mode(), info.ModTime()}
}
