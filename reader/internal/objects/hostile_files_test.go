package objects

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"strings"

	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/h5test"
)

// grouped is a root group's header of one symbol table of links to objects.
func grouped(f *h5test.File, names []byte, all []h5test.Symbol) uint64 {
	var leaves []uint64
	for len(all) > 0 {
		n := min(len(all), 60_000)
		leaves = append(leaves, f.Symbols(all[:n]...))
		all = all[n:]
	}
	return f.Header(h5test.SymbolTable(f.Node(0, leaves...), f.LocalHeap(names)))
}

// hostile are files by what is wrong with them.
var hostile = map[string]func() []byte{
	"a thousand children are one leaf": func() []byte {
		f := h5test.New()
		target := f.Header()
		all := make([]h5test.Symbol, 1000)
		for i := range all {
			all[i] = h5test.Symbol{Name: uint64(i), Addr: target}
		}
		leaf := f.Symbols(all...)
		return f.Finish(f.Header(h5test.SymbolTable(f.Node(0, repeat(leaf, 1000)...), f.LocalHeap(long(64<<10)))), h5test.Undefined)
	},
	"levels of nodes that are all one": func() []byte {
		f := h5test.New()
		next := f.Symbols()
		for level := range 200 {
			next = f.Node(byte(level), repeat(next, 500)...)
		}
		return f.Finish(f.Header(h5test.SymbolTable(next, f.LocalHeap(long(100)))), h5test.Undefined)
	},
	"a node below itself": func() []byte {
		f := h5test.New()
		return f.Finish(f.Header(h5test.SymbolTable(f.Node(5, f.Next(), f.Next()), f.LocalHeap(long(100)))), h5test.Undefined)
	},
	"names that lie in one another": func() []byte {
		f := h5test.New()
		target := f.Header()
		return f.Finish(grouped(f, long(1<<20), entries(20_000, func(i int) h5test.Symbol { return h5test.Symbol{Name: uint64(i), Addr: target} })), h5test.Undefined)
	},
	"groups that share a giant heap": func() []byte {
		f := h5test.New()
		heap := f.LocalHeap(append(long(1<<20), 0))
		leaf := f.Symbols()
		groups := entries(3000, func(i int) h5test.Symbol {
			return h5test.Symbol{Name: uint64(i + 1<<20 - 3000), Addr: f.Header(h5test.SymbolTable(f.Node(0, leaf), heap))}
		})
		return f.Finish(f.Header(h5test.SymbolTable(f.Node(0, f.Symbols(groups...)), heap)), h5test.Undefined)
	},
	"groups that share all links": func() []byte {
		f := h5test.New()
		heap := f.LocalHeap(long(20_000))
		tree := f.Next() + 2000*40 // behind the groups
		groups := entries(2000, func(i int) h5test.Symbol {
			return h5test.Symbol{Name: uint64(i), Addr: f.Header(h5test.SymbolTable(tree, heap))}
		})
		at := f.Next() + 48
		f.Put(h5test.Join([]byte("TREE\x00\x00"), h5test.U16(1), h5test.U64(h5test.Undefined, h5test.Undefined, 0, at, 0)))
		f.Symbols(groups...)
		return f.Finish(groups[0].Addr, h5test.Undefined)
	},
	"links all to one object": func() []byte {
		f := h5test.New()
		target := f.Header(h5test.Message(h5file.MsgComment, 0, long(60_000)))
		return f.Finish(grouped(f, long(100), entries(100_000, func(i int) h5test.Symbol { return h5test.Symbol{Name: uint64(i % 90), Addr: target} })), h5test.Undefined)
	},
	"a link to every byte": func() []byte {
		f := h5test.New()
		at := f.Put(bytes.Repeat([]byte{1}, 60_000))
		return f.Finish(grouped(f, long(100), entries(60_000, func(i int) h5test.Symbol { return h5test.Symbol{Name: uint64(i % 90), Addr: at + uint64(i)} })), h5test.Undefined)
	},
	"headers that share a continuation": func() []byte {
		f := h5test.New()
		block := h5test.Message(h5file.MsgComment, 0, long(60_000))
		at := f.Put(block)
		return f.Finish(grouped(f, long(100), entries(20_000, func(i int) h5test.Symbol {
			return h5test.Symbol{Name: uint64(i % 90), Addr: f.Header(h5test.Message(0x10, 0, h5test.U64(at, uint64(len(block)))))}
		})), h5test.Undefined)
	},
	"a header of continuations": func() []byte {
		f := h5test.New()
		at := f.Put(bytes.Repeat(h5test.Message(h5file.MsgComment, 0, nil), 100_000))
		var messages [][]byte
		for i := range 2000 {
			messages = append(messages, h5test.Message(0x10, 0, h5test.U64(at+8*uint64(i), 700_000)))
		}
		return f.Finish(f.Header(messages...), h5test.Undefined)
	},
	"attributes that share a type of thousands of members": func() []byte {
		f := h5test.New()
		typ := f.Header(h5test.Message(h5file.MsgType, 0, many(3000)))
		messages := [][]byte{h5test.SymbolTable(f.Node(0), f.LocalHeap(long(10)))}
		for range 20_000 {
			messages = append(messages, h5test.Message(h5file.MsgAttribute, 0, h5test.Attribute("a", 1, h5test.Join([]byte{3, 2}, h5test.U64(typ)), []byte{2, 0, 0, 2}, nil)))
		}
		return f.Finish(f.Header(messages...), h5test.Undefined)
	},
	"names of members in every element": func() []byte {
		f := h5test.New()
		typ := h5test.Join([]byte("\x36\x01\x00\x00\x01\x00\x00\x00"), bytes.Repeat([]byte("n"), 50_000), []byte{0, 0}, h5test.Int8)
		at := f.Header(h5test.Message(h5file.MsgType, 0, typ))
		var messages [][]byte
		for i := range 50 {
			messages = append(messages, h5test.Message(h5file.MsgAttribute, 0, h5test.Attribute(strings.Repeat("a", i+1), 1, h5test.Join([]byte{3, 2}, h5test.U64(at)), h5test.Space(16_000), make([]byte, 16_000))))
		}
		return f.Finish(f.Header(append(messages, h5test.SymbolTable(f.Node(0), f.LocalHeap(long(10))))...), h5test.Undefined)
	},
	"values to and fro between two collections": func() []byte {
		f := h5test.New()
		a, b := f.Collection(long(2<<20)), f.Collection(long(2<<20))
		data := bytes.Repeat(h5test.Join(h5test.Element(0, a), h5test.Element(0, b)), 500)
		return f.Finish(f.Header(attributed(f, 300, h5test.VarString, h5test.Space(1000), data)...), h5test.Undefined)
	},
	"values that all are one object": func() []byte {
		f := h5test.New()
		big := f.Collection(bytes.Repeat([]byte("x"), 4<<20))
		inner := f.Collection(bytes.Repeat(h5test.Element(4<<20, big), 1000))
		short := f.Collection([]byte("xy"))
		pairs := f.Collection(bytes.Repeat(h5test.Element(1, short), 50_000))
		messages := attributed(f, 1000, h5test.VarLen(h5test.VarString), h5test.Space(1), h5test.Element(1000, inner))
		for i := range 2000 { // whose size nothing tells before
			messages = append(messages, h5test.Message(h5file.MsgAttribute, 0, h5test.Attribute(string(binary.BigEndian.AppendUint32(nil, uint32(i))), 0, h5test.VarLen(h5test.VarString), h5test.Space(1), h5test.Element(50_000, pairs))))
		}
		return f.Finish(f.Header(messages...), h5test.Undefined)
	},
	"dense attributes that all are one": func() []byte {
		f := h5test.New()
		heap, tree := heapOf(f, 8, 17, 60_000, h5test.Attribute("a", 0, h5test.Int8, h5test.Space(1<<20), make([]byte, 1<<20)), func(id []byte) []byte { return h5test.Join(id, []byte{0}, h5test.U32(0, 0)) })
		return f.Finish(f.Header(h5test.SymbolTable(f.Node(0), f.LocalHeap(long(10))), h5test.AttributeInfo(heap, tree)), h5test.Undefined)
	},
	"dense links that all are one": func() []byte {
		f := h5test.New()
		heap, tree := heapOf(f, 5, 11, 60_000, h5test.Link(strings.Repeat("n", 1<<20), 0), func(id []byte) []byte { return h5test.Join(h5test.U32(0), id) })
		return f.Finish(f.Header(h5test.LinkInfo(heap, tree)), h5test.Undefined)
	},
	"an indirect block that is its own child": func() []byte {
		f := h5test.New()
		at := f.Next()
		block := h5test.Join([]byte("FHIB\x00"), h5test.U64(0), make([]byte, 4), h5test.U64(repeat(at, 4*40)...))
		f.Put(h5test.Checked(block))
		heap := f.Heap(h5test.Heap{Width: 4, Rows: 40, IDLength: 7, Start: 512, Most: 1024, Root: at, Huge: h5test.Undefined})
		tree := f.Tree2(5, 11, h5test.Join(h5test.U32(0), h5test.Managed(1<<31, 20, 7)))
		return f.Finish(f.Header(h5test.LinkInfo(heap, tree)), h5test.Undefined)
	},
	"blocks that inflate": func() []byte {
		f := h5test.New()
		return f.Finish(f.Header(bomb(f, 60_000)), h5test.Undefined)
	},
	"a B-tree of empty nodes": func() []byte {
		f := h5test.New()
		next := f.Put(h5test.Checked([]byte("BTLF\x00\x05")))
		pointer := h5test.Join(h5test.U64(next), make([]byte, 3)) // an address and no records, in nodes of 1 MiB
		for _, width := range []int{0, 5, 6} {                    // bytes of the count of what is below
			one := h5test.Join(pointer, make([]byte, width))
			next = f.Put(h5test.Checked(h5test.Join([]byte("BTIN\x00\x05"), make([]byte, 11*8000), bytes.Repeat(one, 8001))))
			pointer = h5test.Join(h5test.U64(next), h5test.U32(8000)[:3])
		}
		return f.Finish(f.Header(h5test.LinkInfo(f.Heap(h5test.Heap{Width: 4, IDLength: 7, Start: 512, Most: 512, Root: next, Huge: h5test.Undefined}), f.Tree2Header(5, 11, 3, next, 8000, 1<<20))), h5test.Undefined)
	},
	"shared messages of shared messages": func() []byte {
		f := h5test.New()
		at := f.Next()
		f.Header(h5test.Message(h5file.MsgType, h5file.SharedFlag, h5test.Join([]byte{3, 2}, h5test.U64(at))))
		return f.Finish(f.Header(h5test.SymbolTable(f.Node(0), f.LocalHeap(long(9))), h5test.Message(h5file.MsgAttribute, 0, h5test.Attribute("a", 1, h5test.Join([]byte{3, 2}, h5test.U64(at)), h5test.Space(), []byte{1}))), h5test.Undefined)
	},
	"one shared attribute in many objects": func() []byte {
		f := h5test.New()
		extension, id := shareds(f, h5file.MsgAttribute, h5test.Attribute("a", 0, h5test.Int8, h5test.Space(16_000), make([]byte, 16_000)))
		message := h5test.Message(h5file.MsgAttribute, h5file.SharedFlag, id)
		return f.Finish(grouped(f, long(100), entries(200, func(i int) h5test.Symbol {
			return h5test.Symbol{Name: uint64(i % 90), Addr: f.Header(repeatMessage(message, 20)...)}
		})), extension)
	},
	"one shared pipeline in many datasets": func() []byte {
		f := h5test.New()
		filter := h5test.Join([]byte{2, 1}, h5test.U16(300, 0, 0, 12_000), make([]byte, 48_000))
		extension, id := shareds(f, h5file.MsgFilters, filter)
		return f.Finish(grouped(f, long(100), entries(20_000, func(i int) h5test.Symbol {
			return h5test.Symbol{Name: uint64(i % 90), Addr: f.Header(h5test.Message(h5file.MsgType, 0, h5test.Int8), h5test.Message(h5file.MsgSpace, 0, h5test.Space(4)),
				h5test.Message(h5file.MsgLayout, 0, h5test.Join([]byte{3, 1}, h5test.U64(h5test.Undefined, 4))), h5test.Message(h5file.MsgFilters, h5file.SharedFlag, id))}
		})), extension)
	},
	"external files of one long name": func() []byte {
		f := h5test.New()
		heap := f.LocalHeap(long(1 << 20))
		external := h5test.Join([]byte{1, 0, 0, 0}, h5test.U16(2000, 2000), h5test.U64(heap), bytes.Repeat(h5test.U64(5, 0, 1), 2000))
		return f.Finish(grouped(f, long(100), entries(50, func(i int) h5test.Symbol {
			return h5test.Symbol{Name: uint64(i), Addr: f.Header(h5test.Message(h5file.MsgType, 0, h5test.Int8), h5test.Message(h5file.MsgSpace, 0, h5test.Space(4)),
				h5test.Message(h5file.MsgLayout, 0, h5test.Join([]byte{3, 1}, h5test.U64(h5test.Undefined, 4))), h5test.Message(h5file.MsgExternal, 0, external))}
		})), h5test.Undefined)
	},
	"groups in groups with long names": func() []byte {
		f := h5test.New()
		heap := f.LocalHeap(long(60_000))
		next := f.Header(h5test.SymbolTable(f.Node(0), heap))
		for range 600 {
			next = f.Header(h5test.SymbolTable(f.Node(0, f.Symbols(h5test.Symbol{Name: 0, Addr: next})), heap))
		}
		return f.Finish(next, h5test.Undefined)
	},
	"dead links": func() []byte {
		f := h5test.New()
		entries := make([]byte, 0, 40*60_000)
		for i := range 60_000 {
			entries = append(entries, h5test.U64(uint64(i%90), 0, 2, 0, 0)...)
		}
		leaf := f.Put([]byte("SNOD\x01\x00"), h5test.U16(60_000), entries)
		return f.Finish(f.Header(h5test.SymbolTable(f.Node(0, repeat(leaf, 17)...), f.LocalHeap(long(100)))), h5test.Undefined)
	},
	"extents without elements": func() []byte {
		f := h5test.New()
		messages := [][]byte{h5test.SymbolTable(f.Node(0), f.LocalHeap(long(9)))}
		for i, dims := range [][]uint64{{0, 1 << 62}, {1 << 62, 0}, {1 << 62}, {1 << 62, 1 << 62, 0, 1 << 62}} {
			messages = append(messages, h5test.Message(h5file.MsgAttribute, 0, h5test.Attribute(string(rune('a'+i)), 0, h5test.Int8, h5test.Space(dims...), []byte{1})))
		}
		return f.Finish(f.Header(messages...), h5test.Undefined)
	},
	"an extension that is its own continuation": func() []byte {
		f := h5test.New()
		at := f.Next()
		f.Header(h5test.Message(0x10, 0, h5test.U64(at+16, 24)))
		return f.Finish(at, at)
	},
	"an image of overlapping entries": func() []byte {
		f := h5test.New()
		entry := func(addr, size uint64) []byte {
			return h5test.Join(make([]byte, 14), h5test.U64(addr, size), make([]byte, size))
		}
		image := h5test.Checked(h5test.Join([]byte("MDCI\x00\x00"), h5test.U64(0), h5test.U32(4), entry(0, 4000), entry(8, 5000), entry(8, 0), entry(1<<63, 100)))
		at := f.Put(image)
		root := f.Header(h5test.SymbolTable(f.Node(0), f.LocalHeap(long(9))))
		return f.Finish(root, f.Header(h5test.Message(h5file.MsgImage, 0, h5test.Join([]byte{0}, h5test.U64(at, uint64(len(image)))))))
	},
}

func repeat(addr uint64, n int) []uint64 {
	out := make([]uint64, n)
	for i := range out {
		out[i] = addr
	}
	return out
}

// long is n bytes of text that ends at the last.
func long(n int) []byte { return append(bytes.Repeat([]byte("x"), n-1), 0) }

func entries(n int, one func(int) h5test.Symbol) []h5test.Symbol {
	out := make([]h5test.Symbol, n)
	for i := range out {
		out[i] = one(i)
	}
	return out
}

// many is a compound of n bytes.
func many(n int) []byte {
	b := h5test.Join([]byte{0x36}, h5test.U32(uint32(n))[:3], h5test.U32(uint32(n)))
	for i := range n {
		b = h5test.Join(b, []byte{byte('a' + i%26), byte('a' + i/26%26), byte('a' + i/676), 0}, h5test.U16(uint16(i)), h5test.Int8)
	}
	return b
}

// attributed are the messages of a group with n attributes of one value.
func attributed(f *h5test.File, n int, typ, space, data []byte) [][]byte {
	out := [][]byte{h5test.SymbolTable(f.Node(0), f.LocalHeap(long(9)))}
	for i := range n {
		out = append(out, h5test.Message(h5file.MsgAttribute, 0, h5test.Attribute(string(binary.BigEndian.AppendUint16([]byte("a"), uint16(i))), 0, typ, space, data)))
	}
	return out
}

// heapOf is a heap of one huge object and a B-tree of n records that all lead to it.
func heapOf(f *h5test.File, typ byte, size uint16, n int, object []byte, record func(id []byte) []byte) (heap, tree uint64) {
	at := f.Put(object)
	huge := f.Tree2(1, 24, h5test.U64(at, uint64(len(object)), 1))
	length := 7
	if typ == 8 {
		length = 8
	}
	heap = f.Heap(h5test.Heap{Width: 4, IDLength: uint16(length), Start: 512, Most: 65536, Root: h5test.Undefined, Huge: huge})
	records := make([][]byte, n)
	for i := range records {
		records[i] = record(h5test.HugeID(1, length))
	}
	return heap, f.Tree2(typ, size, records...)
}

// bomb is a group with links in a heap whose blocks are mebibytes of nothing, with n records to and fro.
func bomb(f *h5test.File, n int) []byte {
	const blocks = 1000
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	_, _ = w.Write(append([]byte("\x01\x00\x01n\x30\x00\x00\x00\x00\x00\x00\x00"), make([]byte, 1<<20-12)...))
	_ = w.Close()
	var entries []byte
	for range blocks {
		entries = h5test.Join(entries, h5test.U64(f.Put(z.Bytes()), uint64(z.Len())), h5test.U32(0))
	}
	root := f.Put(h5test.Checked(h5test.Join([]byte("FHIB\x00"), h5test.U64(0), make([]byte, 4), entries)))
	heap := f.Heap(h5test.Heap{Width: blocks, Rows: 1, IDLength: 7, Start: 1 << 20, Most: 1 << 20, Root: root, Huge: h5test.Undefined, Pipeline: h5test.Join([]byte{2, 1}, h5test.U16(1, 0, 1), h5test.U32(6)), RootStored: 1})
	records := make([][]byte, n)
	for i := range records {
		records[i] = h5test.Join(h5test.U32(0), h5test.Managed(uint64(i%blocks)<<20, 12, 7))
	}
	return h5test.LinkInfo(heap, f.Tree2(5, 11, records...))
}

// shareds is a superblock extension with a heap of one shared message, and the message that refers to it.
func shareds(f *h5test.File, typ h5file.MessageType, message []byte) (extension uint64, reference []byte) {
	at := f.Put(message)
	huge := f.Tree2(1, 24, h5test.U64(at, uint64(len(message)), 1))
	heap := f.Heap(h5test.Heap{Width: 4, IDLength: 8, Start: 512, Most: 65536, Root: h5test.Undefined, Huge: huge})
	table := f.Put(h5test.Checked(h5test.Join([]byte("SMTB"), []byte{0, 0}, h5test.U16(1<<typ), make([]byte, 10), h5test.U64(h5test.Undefined, heap))))
	return f.Header(h5test.Message(h5file.MsgSharedTable, 0, h5test.Join([]byte{0}, h5test.U64(table), []byte{1}))), h5test.Join([]byte{3, 1}, h5test.HugeID(1, 8))
}

func repeatMessage(m []byte, n int) (out [][]byte) {
	for range n {
		out = append(out, m)
	}
	return out
}
