package colcache

import (
	"github.com/apache/arrow/go/v15/arrow/array"
)

// answerShare is how much of the cache one answer may take: one in so many.
const answerShare = 8

// Answer gives the rows that a question about the first seen rows has found, an array of the caller's to release; nil where none are kept.
func (d Dataset) Answer(question string) (rows *array.Int64, seen int64) {
	if d.Cache == nil {
		return nil, 0
	}
	c := d.Cache
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.at(d.answers(question), 0)
	if k == nil {
		c.answerMisses++
		return nil, 0
	}
	c.answerHits++
	c.policy.GetIfPresent(k.extent) // counts as a use
	k.values.Retain()
	return k.values.(*array.Int64), k.n
}

// KeepAnswer keeps the rows that a question about the first seen rows has found, instead of those of fewer.
func (d Dataset) KeepAnswer(question string, rows *array.Int64, seen int64) {
	c := d.Cache
	c.mu.Lock()
	defer c.mu.Unlock()
	if seen > 0 {
		c.insert(&kept{extent: extent{d.answers(question), 0, seen}, values: rows, bytes: sizeOf(rows.Data())})
	}
}

// MostAnswered is how many rows an answer may have to be kept.
func (d Dataset) MostAnswered() int64 {
	if d.Cache == nil {
		return 0
	}
	return d.Cache.limit / answerShare / 8
}

// answers is the series in which the one answer to a question is.
func (d Dataset) answers(question string) Series {
	return Series{d.File, d.Object, "rows: " + question}
}

// Answered is how often Answer found something, and how often not.
func (c *Cache) Answered() (hits, misses int64) {
	if c == nil {
		return 0, 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.answerHits, c.answerMisses
}
