package stage

import "encoding/binary"

const metadataV5 = 4

// footerOf is the flatbuffer of a Footer (File.fbs). The schema table is the one inside the given schema message, which
// is put behind as it is: positions in a flatbuffer are relative.
//
//	0 position of the table        16 table: vtable, schema, dictionaries, batches, version
//	4 vtable: sizes, fields        36 number of dictionaries, 40 their blocks, then the same for batches, then the message
func footerOf(schema []byte, dictionaries, batches []fileBlock) []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 16)
	for _, v := range []uint16{12, 20, 16, 4, 8, 12} { // sizes of vtable and table; version, schema, dictionaries, batches
		b = le.AppendUint16(b, v)
	}
	atBatches := 40 + 24*len(dictionaries) + 4
	atSchema := atBatches + 4 + 24*len(batches)
	b = le.AppendUint32(b, 12)
	b = le.AppendUint32(b, uint32(atSchema+child(schema, root(schema), 2)-20))
	b = le.AppendUint32(b, 36-24)
	b = le.AppendUint32(b, uint32(atBatches-28))
	b = le.AppendUint32(b, metadataV5) // 16 bits and padding
	b = appendBlocks(b, dictionaries)
	b = le.AppendUint32(b, 0) // padding, so that blocks begin at multiples of 8
	b = appendBlocks(b, batches)
	return append(b, schema...)
}

func appendBlocks(b []byte, blocks []fileBlock) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, uint32(len(blocks)))
	for _, k := range blocks {
		b = le.AppendUint64(b, uint64(k.at))
		b = le.AppendUint32(b, uint32(k.head))
		b = le.AppendUint32(b, 0)
		b = le.AppendUint64(b, uint64(k.body))
	}
	return b
}
