package rows

// Geometry says how the chunks of a dataset and the elements of a result lie to each other. One axis of the dataset
// gives the result's rows; what is taken of the others is the same for all rows.
type Geometry struct {
	Shape  []int64 // of the dataset; a scalar is one row
	Chunk  []int64 // extents of a chunk
	Axes   []Axis  // what is taken of each axis; that of rows is only known batch by batch
	Rows   int     // the axis of the rows
	Inner  []int   // extents of the result's axes after the rows
	across [][]piece

	srcStride []int64 // elements between neighbours along an axis inside a chunk
	dstStride []int64 // and in the result
	unit      int64   // elements that lie together in both, behind axis last
	last      int     // the last axis to walk
}

// piece is what one chunk along an axis contributes: src counts from the chunk's origin.
type piece struct {
	chunk int64
	runs  []Run
}

// NewGeometry takes the rows from the first axis that the result keeps.
func NewGeometry(shape, chunk []int64, axes []Axis) *Geometry {
	g := &Geometry{Shape: shape, Chunk: chunk, Axes: axes, Rows: AxisOfRows(axes)}
	for _, a := range axes[g.Rows+1:] {
		if !a.drop {
			g.Inner = append(g.Inner, int(a.n))
		}
	}
	g.strides()
	g.merge()
	g.across = make([][]piece, len(shape))
	for i, a := range axes {
		if i != g.Rows {
			g.across[i] = split(a.runs, chunk[i])
		}
	}
	return g
}

// AxisOfRows is the first axis that the result keeps.
func AxisOfRows(axes []Axis) (i int) {
	for i < len(axes)-1 && axes[i].drop {
		i++
	}
	return i
}

func (g *Geometry) strides() {
	k := len(g.Shape)
	g.srcStride, g.dstStride = make([]int64, k), make([]int64, k)
	src, dst := int64(1), int64(1)
	for i := k - 1; i >= 0; i-- {
		g.srcStride[i], g.dstStride[i] = src, dst
		src *= g.Chunk[i]
		if !g.Axes[i].drop && i > g.Rows {
			dst *= g.Axes[i].n
		}
	}
}

// merge finds the trailing axes that are taken whole and lie the same way in chunk and result.
func (g *Geometry) merge() {
	g.last, g.unit = len(g.Shape)-1, 1
	for g.last > g.Rows && g.full(g.last) {
		g.unit *= g.Chunk[g.last]
		g.last--
	}
}

func (g *Geometry) full(i int) bool {
	a := g.Axes[i]
	return !a.drop && len(a.runs) == 1 && a.runs[0].Src == 0 && a.runs[0].Step == 1 && a.n == g.Shape[i] && g.Chunk[i] == a.n
}

// split cuts runs at the chunks' boundaries, in ascending order of the chunks.
func split(runs []Run, extent int64) []piece {
	var out []piece
	at := map[int64]int{}
	for _, r := range runs {
		EachChunk(r, extent, func(chunk int64, part Run) {
			i, ok := at[chunk]
			if !ok {
				i = len(out)
				at[chunk] = i
				out = append(out, piece{chunk: chunk})
			}
			out[i].runs = append(out[i].runs, part)
		})
	}
	return out
}

// EachChunk calls use for each chunk a run goes through, src relative to the chunk.
func EachChunk(r Run, extent int64, use func(chunk int64, part Run)) {
	for r.N > 0 {
		chunk := r.Src / extent
		n := min(within(r, chunk*extent, extent), r.N)
		use(chunk, Run{Dst: r.Dst, Src: r.Src - chunk*extent, Step: r.Step, N: n})
		r = Run{Dst: r.Dst + n, Src: r.Src + n*r.Step, Step: r.Step, N: r.N - n}
	}
}

// within counts the places of a run from its first on that lie in the chunk at origin, where its first lies.
func within(r Run, origin, extent int64) int64 {
	switch {
	case r.Step > 0:
		return (origin+extent-1-r.Src)/r.Step + 1
	case r.Step < 0:
		if r.Step == -1<<63 {
			return 1
		}
		return (r.Src-origin)/-r.Step + 1
	}
	return r.N
}

// Walk calls put for every stretch of elements that goes from a chunk to the result.
func (g *Geometry) Walk(parts [][]Run, put func(dst, src, dstStep, srcStep, n int64) error) error {
	w := walker{g: g, parts: parts, put: put}
	return w.axis(0, 0, 0)
}

type walker struct {
	g     *Geometry
	parts [][]Run
	put   func(dst, src, dstStep, srcStep, n int64) error
}

func (w *walker) axis(i int, dst, src int64) error {
	ds, ss := w.g.dstStride[i], w.g.srcStride[i]
	if i < w.g.Rows || w.g.Axes[i].drop {
		ds = 0
	}
	for _, r := range w.parts[i] {
		if i == w.g.last {
			if err := w.line(dst+r.Dst*ds, src+r.Src*ss, ds, ss, r); err != nil {
				return err
			}
			continue
		}
		for k := range r.N {
			if err := w.axis(i+1, dst+(r.Dst+k)*ds, src+(r.Src+k*r.Step)*ss); err != nil {
				return err
			}
		}
	}
	return nil
}

// line puts a run along the last axis to walk.
func (w *walker) line(dst, src, ds, ss int64, r Run) error {
	unit := w.g.unit
	if unit == 1 {
		if r.N == 1 {
			return w.put(dst, src, 1, 1, 1)
		}
		return w.put(dst, src, ds, r.Step*ss, r.N)
	}
	if r.Step == 1 && ds == unit && ss == unit {
		return w.put(dst, src, 1, 1, r.N*unit)
	}
	for k := range r.N {
		if err := w.put(dst+k*ds, src+k*r.Step*ss, 1, 1, unit); err != nil {
			return err
		}
	}
	return nil
}

// WholeRows tells whether a row is all of the other axes, in their order.
func (g *Geometry) WholeRows() bool {
	if len(g.Shape) == 0 || g.Rows != 0 {
		return false
	}
	for i := 1; i < len(g.Shape); i++ {
		a := g.Axes[i]
		if a.drop || len(a.runs) != 1 || a.runs[0].Src != 0 || a.runs[0].Step != 1 || a.n != g.Shape[i] {
			return false
		}
	}
	return true
}

// ChunksPerRow is how many chunks a row is made of.
func (g *Geometry) ChunksPerRow() int64 {
	n := int64(1)
	for i, pieces := range g.across {
		if i != g.Rows {
			n = Times(n, int64(len(pieces)))
		}
	}
	return max(1, n)
}

// Chunks is how many there are, stored or not.
func (g *Geometry) Chunks() int64 {
	n := int64(1)
	for i, extent := range g.Shape {
		n *= (extent + g.Chunk[i] - 1) / g.Chunk[i]
	}
	return n
}

// Across is for going through the chunks that lie beside bands of rows: numbers along the axes, and the runs of all axes but that
// of the rows.
func (g *Geometry) Across() (at []int64, parts [][]Run) {
	return make([]int64, len(g.Shape)), make([][]Run, len(g.Shape))
}

// EachAcross calls use for every chunk beside a band, with at and parts set to those of the chunk.
func (g *Geometry) EachAcross(band int64, at []int64, parts [][]Run, use func()) {
	at[g.Rows] = band
	g.eachAcross(0, at, parts, use)
}

func (g *Geometry) eachAcross(axis int, at []int64, parts [][]Run, use func()) {
	switch {
	case axis == len(at):
		use()
	case axis == g.Rows:
		g.eachAcross(axis+1, at, parts, use)
	default:
		for _, p := range g.across[axis] {
			at[axis], parts[axis] = p.chunk, p.runs
			g.eachAcross(axis+1, at, parts, use)
		}
	}
}
