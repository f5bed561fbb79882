package collection

import (
	"context"
	"maps"
	"slices"

	"github.com/mtflight/mtflight/reader"
	"github.com/mtflight/mtflight/reader/where"
)

// maxJudged bounds what is spent on leaving files out: parts of a condition, by files. Beyond it they are all opened.
const maxJudged = 20_000_000

// left are the files that may have rows which meet the condition, by what is known of them without opening them: the values of the columns that no file has.
// Where row numbers of the whole are asked for every file counts. It is one file at least, which tells the columns.
func left(ctx context.Context, files []reader.Location, all []*made, r reader.Request) ([]reader.Location, error) {
	if r.Where == nil || len(all) == 0 || r.Start != nil || r.Stop != nil || r.Step != nil {
		return files, nil
	}
	var names []string
	for _, m := range all {
		names = append(names, m.name)
	}
	parts, err := where.PartsOf(*r.Where, names, slices.Collect(maps.Keys(r.Vars)))
	if err != nil || parts.Size() == 0 || parts.Size() > maxJudged/len(files) {
		return files, err
	}
	var out []reader.Location
	for _, f := range files {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if parts.May(known(f, all, r.Vars)) {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		out = files[:1]
	}
	return out, nil
}

// known are the variables of a condition over a file; what is null is none.
func known(f reader.Location, all []*made, vars map[string]any) map[string]any {
	out := maps.Clone(vars)
	if out == nil {
		out = map[string]any{}
	}
	for _, m := range all {
		if v := m.value(f); v != nil {
			out[m.name] = v
		}
	}
	return out
}

// judge lets bounds of the files' values decide which of them are asked, if the condition is of those alone.
func (p *plan) judge(ways map[*variant]*reader.Plan) {
	if p.req.Where == nil || p.req.Index == reader.IndexOnly || p.req.Index == reader.IndexOff {
		return
	}
	types := map[string]string{}
	for v := range ways {
		maps.Copy(types, v.types)
	}
	for _, m := range p.made {
		types[m.name] = "made"
	}
	named := ofCondition(p.req, types)
	if !slices.ContainsFunc(p.made, func(m *made) bool { return slices.Contains(named, m.name) }) {
		p.ways, p.named = ways, named
	}
}

// none tells whether no row of a file can meet the condition, by what is known of its values.
func (p *plan) none(file int) bool {
	m := p.members[file]
	way := p.ways[m.variant]
	return way != nil && len(m.bounds) > 0 && !way.May(m.bounds)
}

// likely are the pieces of files that may have rows which meet the condition.
func (p *plan) likely(all []piece) []piece {
	return slices.DeleteFunc(all, func(one piece) bool { return p.none(one.file) })
}

// learn remembers what is known of a file's values once its condition was asked.
func (p *plan) learn(of member, asked *reader.Plan) {
	news := slices.ContainsFunc(p.named, func(name string) bool { _, known := of.bounds[name]; return !known })
	if id, stands := asked.Stands(of.loc); stands && news {
		p.ask.learn(of.loc, id, asked.Bounds(p.named))
	}
}
