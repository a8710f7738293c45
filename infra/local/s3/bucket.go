package s3

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"pixeltrack.io/platform/infra/local/iam"
)

// Bucket is what the template says of one bucket.
type Bucket struct {
	Name       string
	Versioning bool
	Encryption string // the default: AES256 or aws:kms; empty is AES256
	KMSKeyID   string // beside aws:kms
	Lifecycle  []Rule
	Lock       *Lock       // default retention of Object Lock, nil without
	Policy     *iam.Policy // the bucket's policy; only what it denies counts, for the roles allow
	CORS       []CORSRule
}

// Rule is one lifecycle rule. Zero days switch a part off.
type Rule struct {
	Prefix                    string
	Tags                      map[string]string // all of them, when there are any
	ExpirationDays            int               // after creation, of the current version
	NoncurrentDays            int               // after a version was replaced or deleted
	AbortDays                 int               // after a multipart upload was begun
	ExpiredObjectDeleteMarker bool
}

// Lock is a bucket's default retention.
type Lock struct {
	Mode string // GOVERNANCE or COMPLIANCE
	Days int
}

// CORSRule lets pages of other origins use the bucket.
type CORSRule struct {
	Origins, Methods, Headers, Expose []string
}

// segment is one file that holds a piece of a body.
type segment struct {
	path string
	size int64
}

// version is one version of an object, or a delete marker.
type version struct {
	key         string
	id          string // null in a bucket without versioning
	marker      bool
	size        int64
	etag        string // with its quotes
	created     time.Time
	replaced    time.Time // when it stopped being the current version
	header      http.Header
	tags        map[string]string
	checksums   map[string]string // by algorithm, in base64
	composite   bool              // the checksums are of the parts' checksums
	lockMode    string
	lockedUntil time.Time
	legalHold   bool
	segments    []segment
	readers     int
	gone        bool
}

func (v *version) locked(now time.Time) bool { return v.legalHold || now.Before(v.lockedUntil) }

// upload is a multipart upload that has not ended.
type upload struct {
	id        string
	key       string
	begun     time.Time
	template  version // header, tags and lock of the object to be
	algorithm string  // of the parts' checksums
	whole     bool    // the checksum is of the whole object
	parts     map[int]*part
}

type part struct {
	segment
	md5       []byte
	etag      string
	checksums map[string]string
	at        time.Time
}

type bucket struct {
	Bucket
	objects map[string][]*version // oldest first
	uploads map[string]*upload
}

// current is the newest version of a key, nil when there is none or when it is a delete marker.
func (b *bucket) current(key string) *version {
	versions := b.objects[key]
	if len(versions) == 0 || versions[len(versions)-1].marker {
		return nil
	}
	return versions[len(versions)-1]
}

func (b *bucket) find(key, id string) *version {
	for _, v := range b.objects[key] {
		if v.id == id {
			return v
		}
	}
	return nil
}

// isVersion says whether a text can be the id of a version.
func isVersion(id string) bool {
	_, err := hex.DecodeString(id)
	return id == "null" || len(id) == 32 && err == nil
}

// shelf holds all buckets: what is known of an object in memory, its bytes in files.
type shelf struct {
	mu      sync.Mutex
	dir     string
	buckets map[string]*bucket
	written uint64 // versions so far
}

func newShelf(dir string, buckets []Bucket) *shelf {
	s := &shelf{dir: dir, buckets: map[string]*bucket{}}
	for _, b := range buckets {
		if b.Encryption == "" {
			b.Encryption = "AES256"
		}
		s.buckets[b.Name] = &bucket{Bucket: b, objects: map[string][]*version{}, uploads: map[string]*upload{}}
	}
	return s
}

// put makes v the current version. The caller holds the lock.
func (s *shelf) put(b *bucket, v *version) {
	versions := b.objects[v.key]
	if !b.Versioning {
		for _, old := range versions {
			s.discard(old)
		}
		v.id = "null"
		b.objects[v.key] = []*version{v}
		return
	}
	if n := len(versions); n > 0 {
		versions[n-1].replaced = v.created
	}
	s.written++
	v.id = fmt.Sprintf("%012x%s", s.written, token(10)) // in order, so that a list can go on after a version that is gone
	b.objects[v.key] = append(versions, v)
}

// remove takes one version away for good. The caller holds the lock.
func (s *shelf) remove(b *bucket, v *version) {
	versions := slices.DeleteFunc(slices.Clone(b.objects[v.key]), func(o *version) bool { return o == v })
	s.discard(v)
	if len(versions) == 0 {
		delete(b.objects, v.key)
		return
	}
	versions[len(versions)-1].replaced = time.Time{}
	b.objects[v.key] = versions
}

// discard frees the files of a version as soon as nobody reads them. The caller holds the lock.
func (s *shelf) discard(v *version) {
	v.gone = true
	if v.readers == 0 {
		erase(v.segments)
	}
}

// hold keeps the files of a version while they are read. The caller holds the lock.
func (s *shelf) hold(v *version) { v.readers++ }

// release ends a hold.
func (s *shelf) release(v *version) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v.readers--
	if v.gone && v.readers == 0 {
		erase(v.segments)
	}
}

func erase(segments []segment) {
	for _, g := range segments {
		os.Remove(g.path) // a file that is left behind goes with the directory
	}
}

func (s *shelf) newFile() string { return filepath.Join(s.dir, token(16)) }

// copyRange writes n bytes of the segments from an offset on.
func copyRange(w io.Writer, segments []segment, offset, n int64) error {
	for _, g := range segments {
		if offset >= g.size {
			offset -= g.size
			continue
		}
		if n == 0 {
			return nil
		}
		take := min(n, g.size-offset)
		if err := copyFile(w, g.path, offset, take); err != nil {
			return err
		}
		offset, n = 0, n-take
	}
	return nil
}

func copyFile(w io.Writer, path string, offset, n int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	_, err = io.CopyN(w, f, n)
	return err
}

func token(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
