// Package location says where files are that another one names, and whether they may be opened: only what lies inside the roots
// that are served.
package location
