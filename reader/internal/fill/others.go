package fill

import (
	"context"
	"slices"
)

// Others opens the other files that elements of several reads lie in; nil: there are none.
func Others[S side](sides []S) func(context.Context) {
	if !slices.ContainsFunc(sides, func(p S) bool { return p.Scan().Dataset.Others != nil }) {
		return nil
	}
	return func(ctx context.Context) {
		for _, p := range sides {
			if meet := p.Scan().Dataset.Others; meet != nil {
				meet(ctx)
			}
		}
	}
}
