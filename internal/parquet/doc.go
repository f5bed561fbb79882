// Package parquet writes Arrow records as a Parquet file that pyarrow reads back as it would one of its own: with the
// Arrow schema beside Parquet's, and by the same rules for what Parquet has no type for, for dictionaries, pages, row groups
// and the statistics of column chunks. There are none in the headers of pages, which readers do not look at.
//
// Writer is what there is to know. It copies what it needs of a record before Write returns.
//
// Headers of pages, the footer and the order of values in statistics are arrow-go v18's. Its pqarrow, which does the rest,
// cannot be linked: it imports Arrow's Flight messages, which arrow/go v15 registers already, and two of one name end a
// program at its start. Its column writers, which could be, spend most of their time in memory that is touched for the
// first time. What they would do is here: schema.go gives the Parquet type of an Arrow one, levels.go takes nested values
// apart into Dremel's levels, values.go and encoders.go encode what lies in the leaves, dictionary.go and hybrid.go look it
// up and pack it, column.go makes pages of it, and arena.go keeps them until a row group is complete.
package parquet
