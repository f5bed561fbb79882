package fill

import "context"

// Others opens the other files that elements of several reads lie in; nil: there are none.
func Others[S side](sides []S) func(context.Context) {
	var all []func(context.Context)
	for _, p := range sides {
		if meet := p.Scan().Dataset.Others; meet != nil {
			all = append(all, meet)
		}
	}
	if all == nil {
		return nil
	}
	return func(ctx context.Context) {
		for _, meet := range all {
			meet(ctx)
		}
	}
}
