package location

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// Visit is which places other files were looked for at on the way to something that is kept: it is kept from whom may not read one
// of them.
type Visit struct {
	mu     sync.Mutex
	places map[string]bool
}

type visitKey struct{}

// Begin has a Visit note what is looked for under a context. What it notes is noted by the one around it too.
func Begin(ctx context.Context) (context.Context, *Visit) {
	v := &Visit{}
	return context.WithValue(ctx, visitKey{}, append(visits(ctx), v)), v
}

func visits(ctx context.Context) []*Visit {
	all, _ := ctx.Value(visitKey{}).([]*Visit)
	return slices.Clip(all)
}

func note(ctx context.Context, disk string) {
	for _, v := range visits(ctx) {
		v.mu.Lock()
		if v.places == nil {
			v.places = map[string]bool{}
		}
		v.places[disk] = true
		v.mu.Unlock()
	}
}

// Open tells whether whom the context's call is for may use what was kept, and notes its places again. A nil Visit has none.
func (v *Visit) Open(ctx context.Context, l Location) bool {
	if v == nil || l.May == nil {
		return true
	}
	v.mu.Lock()
	places := slices.Collect(maps.Keys(v.places))
	v.mu.Unlock() // ctx may be the one that it notes for
	for _, disk := range places {
		if !l.May(ctx, disk) {
			return false
		}
	}
	for _, disk := range places {
		note(ctx, disk)
	}
	return true
}

// Kept is what is kept by name, each with what its opening visited. The zero value is empty. Safe for concurrent use.
type Kept[T any] struct {
	mu  sync.Mutex
	all map[string]kept[T]
}

type kept[T any] struct {
	value T
	visit *Visit
}

// Get gives what is kept, if whom the context's call is for may read all that it is made of.
func (k *Kept[T]) Get(ctx context.Context, l Location, name string) (value T, ok bool) {
	k.mu.Lock()
	found, ok := k.all[name]
	k.mu.Unlock()
	if !ok || !found.visit.Open(ctx, l) {
		return value, false
	}
	return found.value, true
}

// Put keeps a value, unless a place that was visited for it was closed.
func (k *Kept[T]) Put(ctx context.Context, l Location, name string, value T, visit *Visit) {
	if !visit.Open(ctx, l) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all == nil {
		k.all = map[string]kept[T]{}
	}
	k.all[name] = kept[T]{value, visit}
}
