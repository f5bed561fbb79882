package reader

// geometry says how the chunks of a dataset and the elements of a result lie to each other. One axis of the dataset
// gives the result's rows; what is taken of the others is the same for all rows.
type geometry struct {
	shape  []int64 // of the dataset; a scalar is one row
	chunk  []int64 // extents of a chunk
	axes   []axis  // what is taken of each axis; that of rows is only known batch by batch
	rows   int     // the axis of the rows
	inner  []int   // extents of the result's axes after the rows
	across [][]piece

	srcStride []int64 // elements between neighbours along an axis inside a chunk
	dstStride []int64 // and in the result
	unit      int64   // elements that lie together in both, behind axis last
	last      int     // the last axis to walk
}

// piece is what one chunk along an axis contributes: src counts from the chunk's origin.
type piece struct {
	chunk int64
	runs  []run
}

// newGeometry for the rows of the first axis that stays.
func newGeometry(shape, chunk []int64, axes []axis) *geometry {
	g := &geometry{shape: shape, chunk: chunk, axes: axes, rows: rowsAxis(axes)}
	for _, a := range axes[g.rows+1:] {
		if !a.drop {
			g.inner = append(g.inner, int(a.n))
		}
	}
	g.strides()
	g.merge()
	g.across = make([][]piece, len(shape))
	for i, a := range axes {
		if i != g.rows {
			g.across[i] = split(a.runs, chunk[i])
		}
	}
	return g
}

// rowsAxis is the first axis that stays.
func rowsAxis(axes []axis) (i int) {
	for i < len(axes)-1 && axes[i].drop {
		i++
	}
	return i
}

func (g *geometry) strides() {
	k := len(g.shape)
	g.srcStride, g.dstStride = make([]int64, k), make([]int64, k)
	src, dst := int64(1), int64(1)
	for i := k - 1; i >= 0; i-- {
		g.srcStride[i], g.dstStride[i] = src, dst
		src *= g.chunk[i]
		if !g.axes[i].drop && i > g.rows {
			dst *= g.axes[i].n
		}
	}
}

// merge finds the trailing axes that are taken whole and lie the same way in chunk and result.
func (g *geometry) merge() {
	g.last, g.unit = len(g.shape)-1, 1
	for g.last > g.rows && g.full(g.last) {
		g.unit *= g.chunk[g.last]
		g.last--
	}
}

func (g *geometry) full(i int) bool {
	a := g.axes[i]
	return !a.drop && len(a.runs) == 1 && a.runs[0].src == 0 && a.runs[0].step == 1 && a.n == g.shape[i] && g.chunk[i] == a.n
}

// split cuts runs at the chunks' boundaries, in ascending order of the chunks.
func split(runs []run, extent int64) []piece {
	var out []piece
	at := map[int64]int{}
	for _, r := range runs {
		cut(r, extent, func(chunk int64, part run) {
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

// cut calls use for each chunk a run goes through, src relative to the chunk.
func cut(r run, extent int64, use func(chunk int64, part run)) {
	for r.n > 0 {
		chunk := r.src / extent
		n := min(within(r, chunk*extent, extent), r.n)
		use(chunk, run{dst: r.dst, src: r.src - chunk*extent, step: r.step, n: n})
		r = run{dst: r.dst + n, src: r.src + n*r.step, step: r.step, n: r.n - n}
	}
}

// within counts the places of a run from its first on that lie in the chunk at origin, where its first lies.
func within(r run, origin, extent int64) int64 {
	switch {
	case r.step > 0:
		return (origin+extent-1-r.src)/r.step + 1
	case r.step < 0:
		if r.step == -1<<63 {
			return 1
		}
		return (r.src-origin)/-r.step + 1
	}
	return r.n
}

// walk calls put for every stretch of elements that goes from a chunk to the result.
func (g *geometry) walk(parts [][]run, put func(dst, src, dstStep, srcStep, n int64) error) error {
	w := walker{g: g, parts: parts, put: put}
	return w.axis(0, 0, 0)
}

type walker struct {
	g     *geometry
	parts [][]run
	put   func(dst, src, dstStep, srcStep, n int64) error
}

func (w *walker) axis(i int, dst, src int64) error {
	ds, ss := w.g.dstStride[i], w.g.srcStride[i]
	if i < w.g.rows || w.g.axes[i].drop {
		ds = 0
	}
	for _, r := range w.parts[i] {
		if i == w.g.last {
			if err := w.line(dst+r.dst*ds, src+r.src*ss, ds, ss, r); err != nil {
				return err
			}
			continue
		}
		for k := range r.n {
			if err := w.axis(i+1, dst+(r.dst+k)*ds, src+(r.src+k*r.step)*ss); err != nil {
				return err
			}
		}
	}
	return nil
}

// line puts a run along the last axis to walk.
func (w *walker) line(dst, src, ds, ss int64, r run) error {
	unit := w.g.unit
	if unit == 1 {
		if r.n == 1 {
			return w.put(dst, src, 1, 1, 1)
		}
		return w.put(dst, src, ds, r.step*ss, r.n)
	}
	if r.step == 1 && ds == unit && ss == unit {
		return w.put(dst, src, 1, 1, r.n*unit)
	}
	for k := range r.n {
		if err := w.put(dst+k*ds, src+k*r.step*ss, 1, 1, unit); err != nil {
			return err
		}
	}
	return nil
}

// wholeRows tells whether a row is all of the other axes, in their order.
func (g *geometry) wholeRows() bool {
	if len(g.shape) == 0 || g.rows != 0 {
		return false
	}
	for i := 1; i < len(g.shape); i++ {
		a := g.axes[i]
		if a.drop || len(a.runs) != 1 || a.runs[0].src != 0 || a.runs[0].step != 1 || a.n != g.shape[i] {
			return false
		}
	}
	return true
}

// wide is how many chunks a row is made of.
func (g *geometry) wide() int64 {
	n := int64(1)
	for i, pieces := range g.across {
		if i != g.rows {
			n = times(n, int64(len(pieces)))
		}
	}
	return max(1, n)
}

// chunks is how many there are, stored or not.
func (g *geometry) chunks() int64 {
	n := int64(1)
	for i, extent := range g.shape {
		n *= (extent + g.chunk[i] - 1) / g.chunk[i]
	}
	return n
}

// eachAcross calls use for every chunk that lies beside a band of rows, with its numbers along the axes and the runs of all
// axes but that of the rows. Both are valid during the call.
func (g *geometry) eachAcross(band int64, use func(at []int64, parts [][]run)) {
	at := make([]int64, len(g.shape))
	at[g.rows] = band
	g.across1(0, at, make([][]run, len(at)), use)
}

func (g *geometry) across1(axis int, at []int64, parts [][]run, use func(at []int64, parts [][]run)) {
	switch {
	case axis == len(at):
		use(at, parts)
	case axis == g.rows:
		g.across1(axis+1, at, parts, use)
	default:
		for _, p := range g.across[axis] {
			at[axis], parts[axis] = p.chunk, p.runs
			g.across1(axis+1, at, parts, use)
		}
	}
}
