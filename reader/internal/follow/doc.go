// Package follow reads a dataset that grows: the rows there are, then those that are appended, until it is stopped.
//
// A Run polls the file ten times a second. Each poll that finds new rows becomes a scan of its own over just them (a segment);
// one that ends early because the file changed under it is begun again where it stopped, so that each row comes once. A Dataset
// is what a Run has to know of what it follows.
//
// Batches are the segment's, valid until the next call of Next.
package follow
