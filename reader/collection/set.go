package collection

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/where"
)

// set is the files of a collection, and what their rows have in common.
type set struct {
	eng     *reader.Engine
	members []member
	like    []other // files without which the columns would be others: those of the ticket, or of the members
	columns []column
	schema  *arrow.Schema
	total   int64 // rows
	names   []string
	block   int64 // rows of a batch where the request says nothing of it
	made    []*made
	out     int // files that were left out unopened
	ask     asking
	skipped []protocol.Skipped
}

// newSet looks into the files of a request.
func newSet(ctx context.Context, eng *reader.Engine, of Files, added []*made, r reader.Request) (*set, error) {
	files, like := of.All, of.Like
	was, err := statesOf(r.State)
	if err != nil {
		return nil, err
	}
	if err := was.check(len(files), len(like)); err != nil {
		return nil, err
	}
	s := &set{eng: eng, made: added}
	own := r
	own.Fields = ownFields(r, added)
	all := was.files
	if all != nil {
		all = nil
		for _, o := range was.like {
			all = append(all, o.state)
		}
		all = append(all, was.files...)
	}
	skips := newSkips(of.Tell, r)
	s.ask = of.Memory.asking(own)
	looked, err := survey(ctx, eng, slices.Concat(like, files), all, own, skips, s.ask)
	if err != nil {
		return nil, err
	}
	s.skipped = skips.told
	s.members = looked[len(like):]
	var which []int
	if s.columns, which, err = columnsOf(looked, own); err != nil {
		return nil, err
	}
	if err := s.add(added, r); err != nil {
		return nil, err
	}
	for _, i := range which {
		if len(like) > 0 && i >= len(like) {
			return nil, fault.New(fault.Changed, "%s has other columns than those that the ticket was issued for: ask GetFlightInfo for a new ticket", looked[i].loc.Name)
		}
		s.like = append(s.like, other{looked[i].loc.Name, looked[i].state})
	}
	if err := s.checkCondition(r); err != nil {
		return nil, err
	}
	return s, s.settle(ctx, looked[0], r)
}

// add adds the columns that no file has, and refuses those that one has.
func (s *set) add(added []*made, r reader.Request) error {
	for _, m := range added {
		for v := range s.variants() {
			if v.types[m.name] != "" || slices.ContainsFunc(s.columns, func(c column) bool { return c.Name == m.name }) {
				what := "options.file_column"
				if m.key {
					what = "options.partitions"
				}
				return fault.New(fault.Invalid, "%s: there is a column %s in %s: choose another name, or leave the option out", what, spell.Quote(m.name), v.name)
			}
		}
	}
	s.columns = withMade(s.columns, added, r)
	return nil
}

// settle counts the rows, and makes the schema with what is said of the first file.
func (s *set) settle(ctx context.Context, first member, r reader.Request) error {
	for i := range s.members {
		m := &s.members[i]
		m.first = s.total
		if s.total += m.rows; s.total > rows.End62 {
			return fault.New(fault.Unsupported, "more than 2^62 rows in all files")
		}
		s.names = append(s.names, m.loc.Name)
	}
	if err := s.merge(ctx, r); err != nil {
		return err
	}
	if s.block = r.BatchRows; s.block == 0 {
		s.block = s.blockRows(first, r)
	}
	meta := first.variant.schema.Metadata().ToMap()
	meta["hdf5.file"], meta["hdf5.dataset"], meta["hdf5.shape"] = first.loc.Name, r.Target(), s.shape(first.variant.info)
	if r.Stream != nil && r.Stream.BlockRows == 0 {
		meta["stream.block_rows"] = fmt.Sprint(s.block)
	}
	if len(s.skipped) > 0 {
		text, _ := json.Marshal(s.skipped) // texts always have a form
		meta[protocol.SkippedKey] = string(text)
	}
	fields := make([]arrow.Field, len(s.columns))
	for i, c := range s.columns {
		fields[i] = c.Field
	}
	m := arrow.MetadataFrom(meta)
	s.schema = arrow.NewSchema(fields, &m)
	for v := range s.variants() {
		v.from = make([]int, len(s.columns))
		for i, c := range s.columns {
			v.from[i] = slices.IndexFunc(v.schema.Fields(), func(f arrow.Field) bool { return f.Name == c.Name && c.made == nil })
		}
	}
	return nil
}

// shape is that of all files joined, as schemas have it.
func (s *set) shape(of reader.Info) string {
	if of.Layout == "frame" || of.Layout == "sparse" {
		return "null"
	}
	text, _ := json.Marshal(append([]int64{s.total}, tail(of.Shape)...)) // numbers always have a form
	return string(text)
}

// variants are those of the members, each once.
func (s *set) variants() map[*variant]int {
	out := map[*variant]int{}
	for i, m := range s.members {
		if _, ok := out[m.variant]; !ok {
			out[m.variant] = i
		}
	}
	return out
}

// rowBytes is about how many bytes a row takes.
func (s *set) rowBytes() int64 {
	n := int64(1)
	for v := range s.variants() {
		n = max(n, v.row)
	}
	for _, c := range s.columns {
		if c.made != nil {
			n += 8
		}
	}
	return n
}

const (
	defaultBatch = 7 << 19
	maxBatch     = 64 << 20
)

// blockRows is whole chunks of the first file up to 3.5 MiB.
func (s *set) blockRows(first member, r reader.Request) int64 {
	most := int64(defaultBatch)
	if r.BatchBytes > 0 {
		most = min(r.BatchBytes, maxBatch)
	}
	n := max(1, most/s.rowBytes())
	var chunks []int64
	if err := json.Unmarshal([]byte(first.variant.schema.Metadata().ToMap()["hdf5.chunks"]), &chunks); err == nil && len(chunks) > 0 && chunks[0] > 0 && n >= chunks[0] {
		n = n / chunks[0] * chunks[0]
	}
	return n
}

// at is the file that a row of all is in.
func (s *set) at(row int64) int {
	return sort.Search(len(s.members), func(i int) bool { return s.members[i].first+s.members[i].rows > row })
}

// checkCondition refuses conditions whose answer would depend on which file a row is in: on columns that some files lack, or whose types
// differ in more than how wide numbers are.
func (s *set) checkCondition(r reader.Request) error {
	if r.Where == nil {
		return nil
	}
	types := map[string]string{}
	for v := range s.variants() {
		maps.Copy(types, v.types)
	}
	named, computed, err := where.Names(*r.Where, slices.Sorted(maps.Keys(types)))
	if err != nil {
		return err
	}
	if err := s.checkKeys(*r.Where); err != nil {
		return err
	}
	for _, name := range named {
		if _, variable := r.Vars[name]; variable || types[name] == "" {
			continue
		}
		if err := s.checkOperand(name, slices.Contains(computed, name)); err != nil {
			return err
		}
	}
	return nil
}

// checkKeys refuses conditions on keys of folders that some file has no value of.
func (s *set) checkKeys(condition string) error {
	for _, key := range s.made {
		named, _, err := where.Names(condition, []string{key.name})
		if err != nil {
			return err
		}
		for i := 0; i < len(s.members) && slices.Contains(named, key.name); i++ {
			if of := s.members[i].loc; key.value(of) == nil {
				return fault.New(fault.Unsupported, "where: %s is null for %s: ask for the files where it is not", spell.Quote(key.name), of.Name)
			}
		}
	}
	return nil
}

func (s *set) checkOperand(name string, computed bool) error {
	first := s.members[0]
	if strings.HasPrefix(first.variant.types[name], "dictionary") {
		return fault.New(fault.Unsupported, "where: column %s is of categories, which conditions see as each file's own numbers: ask each file by itself", spell.Quote(name))
	}
	for _, m := range s.members {
		a, b := first.variant.types[name], m.variant.types[name]
		switch {
		case b == "":
			return fault.New(fault.Unsupported, "where: %s has no column %s, which other files have: ask for the files that have it", m.loc.Name, spell.Quote(name))
		case a == "":
			return fault.New(fault.Unsupported, "where: %s has no column %s, which other files have: ask for the files that have it", first.loc.Name, spell.Quote(name))
		case a == b || !computed && strings.HasPrefix(a, "#") && strings.HasPrefix(b, "#"):
		default:
			return fault.New(fault.Unsupported, "where: column %s is %s in %s and %s in %s: such columns are compared only where all are numbers, and nothing is computed of them", spell.Quote(name), strings.Trim(a, "#"), first.loc.Name, strings.Trim(b, "#"), m.loc.Name)
		}
	}
	return nil
}
