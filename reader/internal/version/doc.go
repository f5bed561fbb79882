// Package version says whether a file is still what it was, and names its versions in tickets.
//
// A Version is of one open file. What the file system says of it (blockio.Identity) comes first; where that alone does not
// tell, a sample of its bytes does. Safe for concurrent use.
package version
