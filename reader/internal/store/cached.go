package store

import (
	"context"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/reader/internal/chunkcache"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// pending are the chunks of a load that the cache could not give.
type pending struct {
	mine   map[uint64]*chunkcache.Load // by linear number: to be decoded here
	others []stored                    // being decoded by others
	loads  []*chunkcache.Load          // of others
}

// end gives up the loads that did not come to their end.
func (p *pending) end() {
	for _, l := range p.mine {
		l.End(nil, 0)
	}
}

// cached uses what the cache has of chunks that are wanted in part, and gives the others, which are to be decoded.
func (c *chunked) cached(s *Scratch, found []stored, use func(int, convert.Elems, bool) error) ([]stored, *pending, error) {
	p := &pending{mine: map[uint64]*chunkcache.Load{}}
	if c.Cache == nil || c.Filters == nil || s.Partial == nil || !c.Cache.Fits(c.bytes()) {
		return found, p, nil
	}
	rest := found[:0:0]
	for _, f := range found {
		if !s.Partial(f.i) {
			rest = append(rest, f)
			continue
		}
		chunk, load, mine := c.Cache.Begin(c.key(f))
		switch {
		case chunk != nil:
			if err := c.useCached(f, chunk, use); err != nil {
				p.end()
				return nil, nil, err
			}
		case mine:
			p.mine[f.linear] = load
			rest = append(rest, f)
		default:
			p.others, p.loads = append(p.others, f), append(p.loads, load)
		}
	}
	return rest, p, nil
}

func (c *chunked) key(f stored) chunkcache.Key {
	return chunkcache.Key{File: c.Serial, Object: c.Object, Chunk: f.linear}
}

func (c *chunked) useCached(f stored, chunk *chunkcache.Chunk, use func(int, convert.Elems, bool) error) error {
	defer chunk.Release()
	n := int(rows.Product(c.Chunk))
	return use(f.i, convert.Elems{Data: chunk.Data, N: n, Size: c.ElemSize, Planes: chunk.Planes}, false)
}

// await uses the chunks that others decode; those that failed there are left to the caller.
func (c *chunked) await(ctx context.Context, p *pending, use func(int, convert.Elems, bool) error) (failed []stored, err error) {
	for i, load := range p.loads {
		chunk, err := load.Wait(ctx)
		if err != nil {
			return nil, err
		}
		if chunk == nil {
			failed = append(failed, p.others[i])
			continue
		}
		if err := c.useCached(p.others[i], chunk, use); err != nil {
			return nil, err
		}
	}
	return failed, nil
}
