package convert

// Options are the choices of protocol section 4. Empty members are their defaults.
type Options struct {
	Strings string // "utf8", "binary"
	Enum    string // "dictionary", "int"
	Time    string // "timestamp", "numeric"
	Tensors string // "tensor", "nested"
	Layout  string // "columns", "rows"
	Plain   bool   // only types that every engine reads
}
