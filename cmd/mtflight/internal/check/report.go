package check

// Report is what was found in one file.
type Report struct {
	File       string      `json:"file"`
	State      string      `json:"state"`      // Sound, Damaged, Partial, Unreadable
	Groups     int         `json:"groups"`     // committed types too
	Attributes int         `json:"attributes"` // that were read
	Datasets   []Dataset   `json:"datasets"`   // each once
	Damage     []Damage    `json:"damage"`     // of the file, its groups, frames and attributes
	Unchecked  []Unchecked `json:"unchecked"`  // what could not be read for other reasons
	kind       error       // of the first of Unchecked
}

// The states of a file.
const (
	Sound   = "sound"   // all of it was read
	Damaged = "damaged" // some of it is lost
	Partial = "partial" // nothing that was read is damaged, but not all could be

	Unreadable = "unreadable" // as a whole
)

// Dataset is what was found in a dataset.
type Dataset struct {
	Path      string     `json:"path"`
	Rows      int64      `json:"rows"`
	Lost      int64      `json:"rows_lost"`
	Readable  [][2]int64 `json:"readable"`  // ranges of rows, start and stop
	Chunks    int64      `json:"chunks"`    // stored; 0 without chunks
	Checksums []string   `json:"checksums"` // filters that have one for each chunk; none: a changed value cannot be seen
	Damage    []Damage   `json:"damage"`
}

// Damage is something that is lost.
type Damage struct {
	What      string  `json:"what"` // chunk, rows, dataset, group, frame, attribute, file
	Path      string  `json:"path,omitempty"`
	Attribute string  `json:"attribute,omitempty"`
	Chunk     []int64 `json:"chunk,omitempty"`   // along the axes, in the grid of chunks
	Number    *uint64 `json:"number,omitempty"`  // row-major, in that grid
	Address   *uint64 `json:"address,omitempty"` // in the file
	Start     int64   `json:"start"`             // first row
	Stop      int64   `json:"stop"`              // behind the last row
	Reason    string  `json:"reason"`
}

// Unchecked is something that could not be read, though nothing says that it is damaged.
type Unchecked struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

func (r *Report) damaged(d Damage) { r.Damage = append(r.Damage, d) }

func (r *Report) unchecked(path string, kind, err error) {
	if r.kind == nil {
		r.kind = kind
	}
	r.Unchecked = append(r.Unchecked, Unchecked{path, err.Error()})
}

// settle decides about the state.
func (r *Report) settle() {
	r.State = Sound
	if len(r.Unchecked) > 0 {
		r.State = Partial
	}
	if len(r.Damage) > 0 {
		r.State = Damaged
	}
	for i := range r.Datasets {
		d := &r.Datasets[i]
		d.settle()
		if len(d.Damage) > 0 {
			r.State = Damaged
		}
	}
}

// settle counts the rows that are lost: damage comes in the order of rows but for chunks side by side.
func (d *Dataset) settle() {
	d.Readable = [][2]int64{}
	next := int64(0)
	for _, x := range d.Damage {
		if x.Start > next {
			d.Readable = append(d.Readable, [2]int64{next, x.Start})
		}
		if x.Stop > next {
			d.Lost += x.Stop - max(next, x.Start)
			next = x.Stop
		}
	}
	if next < d.Rows {
		d.Readable = append(d.Readable, [2]int64{next, d.Rows})
	}
}
