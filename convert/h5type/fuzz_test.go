package h5type

import (
	"testing"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/stretchr/testify/require"
)

// FuzzParse proves that any bytes give a valid type or an error with a kind, and that everything asked of a type
// that Parse returned is safe.
func FuzzParse(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.msg)
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		typ, err := Parse(msg)
		if err != nil {
			kind := fault.Of(err)
			require.True(t, kind == fault.DataLoss || kind == fault.Unsupported, "%v", err)
			return
		}
		require.NoError(t, typ.Validate())
		require.NotEmpty(t, typ.String())
		again, err := Parse(append(msg[:len(msg):len(msg)], 0xff))
		require.NoError(t, err)
		require.True(t, typ.Equal(again))
		visit(typ)
	})
}

func visit(t *Type) {
	t.IsBoolEnum()
	t.IsComplexPair()
	t.HasVarLen()
	for _, m := range t.Members {
		visit(m.Type)
	}
	if t.Base != nil {
		visit(t.Base)
	}
}
