// Package where is the condition language of requests: PyTables' (that is numexpr's) expressions over columns, with
// and, or, not, in, is null, exact uint64, times and names of enumerations as text, and elements of lists beside them.
// docs/conditions.md describes it.
//
// Compile turns a text, the columns in scope and the variables into a Program; Program.Columns says which columns have
// to be decoded, Program.Inputs which vectors are made of them; an Eval holds one goroutine's scratch vectors and fills one byte, 0 or 1, for every row. A Program is
// immutable and may be shared. Vectors belong to the caller and are only read during Eval. May and Ranges answer, from
// the program alone, whether rows between given bounds can match and which simple comparisons every match satisfies.
//
// The pipeline is lex.go, parse.go, check.go (numexpr's rules of building an expression), types.go (its choice of
// operand types), compile.go and the kernels. What a value means is decided by numexpr 2.14: 32-bit integers wrap, / of
// integers is a float64 division, a constant power is multiplied out, bytes compare as signed characters.
//
// Functions are the C library's where there is one, as numexpr's are; without, Go's, whose last bit may differ.
//
// The package knows neither HDF5 nor Arrow, does no I/O, and starts no goroutine. Every error is fault.Invalid and
// says line and column, that of an unknown name the names in scope, too.
package where
