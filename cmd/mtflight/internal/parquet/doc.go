// Package parquet writes Arrow records as a Parquet file that pyarrow reads back as it would one of its own: with the
// Arrow schema beside Parquet's, and by the same rules for what Parquet has no type for.
//
// Writer is what there is to know. It copies what it needs of a record before Write returns.
//
// Pages, encodings, statistics and the footer are package parquet/file's of arrow-go v18. Its pqarrow, which does the
// rest, cannot be linked: it imports Arrow's Flight messages, which arrow/go v15 registers already, and two of one name
// end a program at its start. What it would do is here: schema.go gives the Parquet type of an Arrow one, levels.go takes
// nested values apart into Dremel's levels, values.go hands over what lies in the leaves.
package parquet
