package reader

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	MaybeServeHelper()
	goleak.VerifyTestMain(m)
}
