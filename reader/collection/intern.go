package collection

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// interner keeps one variant of those that are the same, so that what is held of ten thousand like files is their names and states.
type interner struct {
	mu   sync.Mutex
	all  map[string]*variant
	same map[*variant]*variant // by that of a Memory
}

func (n *interner) intern(l looked) member {
	key := l.variant.key()
	n.mu.Lock()
	defer n.mu.Unlock()
	v, ok := n.all[key]
	if !ok {
		v = &l.variant
		n.all[key] = v
	}
	v.row = max(v.row, l.row) // a file of no rows does not tell, and which comes first is not told
	l.member.variant = v
	return l.member
}

// again is a member whose variant is a Memory's, which is of no file.
func (n *interner) again(m member, row int64) member {
	n.mu.Lock()
	defer n.mu.Unlock()
	v := n.same[m.variant]
	if v == nil {
		own := *m.variant
		own.name = m.loc.Name
		key := own.key()
		if v = n.all[key]; v == nil {
			v = &own
			n.all[key] = v
		}
		n.same[m.variant] = v
	}
	v.row = max(v.row, row)
	m.variant = v
	return m
}

// key is the same for files whose batches look the same. Categories of a frame are in no type, so that each frame has its own.
func (v *variant) key() string {
	var b strings.Builder
	fmt.Fprintln(&b, v.schema.Fields(), v.info.Type, v.info.Kind, v.info.Layout == "frame", len(v.info.Shape), v.meanings)
	for _, name := range slices.Sorted(maps.Keys(v.types)) {
		fmt.Fprintf(&b, "%q %q ", name, v.types[name])
	}
	if len(v.info.Shape) > 1 {
		fmt.Fprint(&b, v.info.Shape[1:])
	}
	if v.info.Layout == "frame" {
		fmt.Fprintf(&b, "%q", v.name)
	}
	return b.String()
}
