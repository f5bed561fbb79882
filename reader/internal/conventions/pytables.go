package conventions

import "github.com/mtflight/mtflight/reader/internal/meta"

// FormatVersion is the attribute of the root group in every file that PyTables wrote (PyTables User's Guide, "Internal
// File Format").
const FormatVersion = "PYTABLES_FORMAT_VERSION"

// PseudoAtom is PyTables' atom of a VLARRAY that is stored as a sequence of something else.
func PseudoAtom(attrs meta.Attrs, class string) (string, error) {
	if class != "VLARRAY" {
		return "", nil
	}
	atom, err := attrs.Text("PSEUDOATOM")
	if atom == "" && err == nil {
		atom, err = attrs.Text("FLAVOR")
		atom = map[string]string{"VLString": "vlstring", "Object": "object"}[atom]
	}
	switch atom {
	case "vlstring", "vlunicode", "object":
		return atom, err
	}
	return "", err
}
