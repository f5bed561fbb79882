// Package objectstore reads byte ranges of objects: of buckets that speak S3's protocol, and of files behind an HTTP server.
//
// A Root is what an operator named: a bucket, a prefix of its keys or one object. It is made of a URL by Parse, never of what a client
// sends. A Place is how this program calls an object, as if it were a path; it has no credentials, and no disk has such a path. An
// Object is one version of an object: every range is asked for by its ETag, so that bytes of two versions never meet.
// Blocks keeps what is read of metadata.
//
// A store is not trusted: what it answers has to be exactly what was asked for. Signatures and credentials are minio-go's. No error has a
// URL, a header or a text of the store's in it, but for S3's codes.
//
// All types are safe for concurrent use. Memory that is passed in is the caller's.
package objectstore
