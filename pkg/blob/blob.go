// Package blob is what the product knows of objects in buckets: their keys, which start with whom the object belongs to, so
// that a purge is a prefix, and what a bucket says of them. Package bucket reaches one.
package blob

import (
	"errors"
	"strings"

	"pixeltrack.io/platform/pkg/store"
)

// What a call may be refused for.
var (
	ErrMissing = errors.New("blob: no such object")
	ErrExists  = errors.New("blob: the object exists")
	ErrChanged = errors.New("blob: the object is no longer the one that was looked at")
)

// KeyPrefix is where the objects of a scope lie, ending in a slash: USER/usr_…/.
func KeyPrefix(s store.Scope) string { return strings.Join(store.Parts(s.String()), "/") + "/" }

// Upload is the one object that a grant lets in.
type Upload struct {
	Size      int64  // bytes
	MediaType string // its Content-Type
	SHA256    []byte
}

// Grant lets its holder put one object into a bucket, once.
type Grant struct {
	URL     string
	Headers map[string]string // to be sent as they are; by lower-case name
}

// Stat is what a bucket knows of an object.
type Stat struct {
	Size   int64
	SHA256 []byte // nil when the object came without one
	ETag   string // names these very bytes
}

// Named is a bucket that objects can be copied from.
type Named interface{ Name() string }
