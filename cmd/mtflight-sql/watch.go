package main

import (
	"bytes"
	"fmt"
	"os"
	"time"
)

// glance is how often memory is looked at: what is written in that time is what it may take too much.
const glance = 2 * time.Millisecond

// watch has this process end as soon as it takes more memory than it may: DuckDB's own limit knows neither of the values of texts in a
// vector, of which one may have gigabytes, nor of what functions allocate.
func watch(memory int64) error {
	f, err := os.Open("/proc/self/statm")
	if err != nil {
		return err
	}
	go func() {
		for range time.Tick(glance) {
			if private(f) > memory {
				fmt.Fprintln(os.Stderr, "out of memory")
				os.Exit(1)
			}
		}
	}()
	return nil
}

// private is how many bytes this process has that no file has.
func private(statm *os.File) int64 {
	var text [128]byte
	n, _ := statm.ReadAt(text[:], 0) // which is short, and ends with EOF
	var size, resident, shared int64
	if _, err := fmt.Fscan(bytes.NewReader(text[:n]), &size, &resident, &shared); err != nil {
		return 0
	}
	return (resident - shared) * int64(os.Getpagesize())
}
