package main

// pushed is what all scans of a table may be asked for.
type pushed struct {
	where      []string
	countsOnly bool
	most       int64 // rows; 0: all
}

func (p pushed) limit() int64 {
	if p.most == 0 {
		return -1
	}
	return p.most
}

// push looks what of a statement its scans can be asked for.
func (d *database) push(string) {}
