// Package blobtest is a bucket in memory that behaves as a bucket does: versions, conditions, links.
package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"pixeltrack.io/platform/pkg/blob"
)

// Bucket is a versioned bucket, unless it overwrites. The zero value is empty and ready. It is safe for concurrent use.
type Bucket struct {
	Overwrites bool // keeps one version of each object

	mu       sync.Mutex
	versions map[string][][]byte
	sums     map[string][]byte // of objects that came with one, of the newest version
	grants   map[string]granted
	fail     error
	before   func(call string)
}

type granted struct {
	key string
	blob.Upload
}

// Before calls a function before each call of the bucket, with the call's name, until it is called with nil.
func (b *Bucket) Before(do func(call string)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.before = do
}

// enter begins a call.
func (b *Bucket) enter(call string) {
	b.mu.Lock()
	do := b.before
	b.mu.Unlock()
	if do != nil {
		do(call)
	}
}

// Fail makes every call fail with an error, until it is called with nil.
func (b *Bucket) Fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = err
}

// Put adds a version.
func (b *Bucket) Put(_ context.Context, key, _ string, body io.ReadSeeker) error {
	b.enter("Put")
	return b.write(key, body, false)
}

// Create adds the first version, else blob.ErrExists.
func (b *Bucket) Create(_ context.Context, key, _ string, body io.ReadSeeker) error {
	return b.write(key, body, true)
}

func (b *Bucket) write(key string, body io.Reader, first bool) error {
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	if first && len(b.versions[key]) > 0 {
		return blob.ErrExists
	}
	if b.versions == nil {
		b.versions, b.sums = map[string][][]byte{}, map[string][]byte{}
	}
	b.add(key, text)
	delete(b.sums, key)
	return nil
}

// Write adds a version of what a function writes, or none when it fails.
func (b *Bucket) Write(_ context.Context, key, _ string, write func(io.Writer) error) error {
	var body bytes.Buffer
	if err := write(&body); err != nil {
		return err
	}
	return b.write(key, &body, false)
}

// Open reads the newest version.
func (b *Bucket) Open(_ context.Context, key string) (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return nil, b.fail
	}
	v := b.versions[key]
	if len(v) == 0 {
		return nil, blob.ErrMissing
	}
	return io.NopCloser(bytes.NewReader(v[len(v)-1])), nil
}

// List gives the keys that begin with a prefix, in order.
func (b *Bucket) List(_ context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		b.mu.Lock()
		failed := b.fail
		b.mu.Unlock()
		if failed != nil {
			yield("", failed)
			return
		}
		for _, key := range b.Keys() {
			if strings.HasPrefix(key, prefix) && !yield(key, nil) {
				return
			}
		}
	}
}

// Link gives a link that Fetch understands.
func (b *Bucket) Link(_ context.Context, key, fileName string, life time.Duration) (string, error) {
	if life <= 0 {
		return "", errors.New("blobtest: a link without a life")
	}
	return fmt.Sprintf("https://bucket.example.com/%s?name=%s&life=%d", key, fileName, int(life.Seconds())), nil
}

// Fetch reads what a link leads to.
func (b *Bucket) Fetch(link string) ([]byte, error) {
	key, _, _ := strings.Cut(strings.TrimPrefix(link, "https://bucket.example.com/"), "?")
	r, err := b.Open(context.Background(), key)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// Grant gives a grant that Send understands.
func (b *Bucket) Grant(_ context.Context, key string, u blob.Upload, life time.Duration) (blob.Grant, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return blob.Grant{}, b.fail
	}
	if life <= 0 {
		return blob.Grant{}, errors.New("blobtest: a grant without a life")
	}
	if b.grants == nil {
		b.grants = map[string]granted{}
	}
	g := blob.Grant{URL: fmt.Sprintf("https://bucket.example.com/%s?upload=%d", key, len(b.grants)), Headers: map[string]string{"content-type": u.MediaType}}
	b.grants[g.URL] = granted{key, u}
	return g, nil
}

// ErrRefused is what an upload ends with that no grant is for.
var ErrRefused = errors.New("blobtest: not what the grant is for")

// Send uploads with a grant's link, as often as nothing lies there.
func (b *Bucket) Send(link string, body []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	g, ok := b.grants[link]
	sum := sha256.Sum256(body)
	if !ok || int64(len(body)) != g.Size || !bytes.Equal(sum[:], g.SHA256) || len(b.versions[g.key]) > 0 {
		return ErrRefused
	}
	b.arrive(g.key, body)
	return nil
}

// Arrive makes an object that came with its checksum the newest, whatever was there, as nobody outside can.
func (b *Bucket) Arrive(key string, body []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.arrive(key, body)
}

func (b *Bucket) arrive(key string, body []byte) {
	if b.versions == nil {
		b.versions, b.sums = map[string][][]byte{}, map[string][]byte{}
	}
	sum := sha256.Sum256(body)
	b.add(key, body)
	b.sums[key] = sum[:]
}

func (b *Bucket) add(key string, body []byte) {
	if b.Overwrites {
		b.versions[key] = nil
	}
	b.versions[key] = append(b.versions[key], body)
}

// newest is the newest version, and the tag that names its bytes. The caller holds the lock.
func (b *Bucket) newest(key string) (body []byte, etag string, err error) {
	v := b.versions[key]
	if b.fail != nil {
		return nil, "", b.fail
	}
	if len(v) == 0 {
		return nil, "", blob.ErrMissing
	}
	body = v[len(v)-1]
	return body, fmt.Sprintf("%x", sha256.Sum256(body)), nil
}

// Stat looks at the newest version.
func (b *Bucket) Stat(_ context.Context, key string) (blob.Stat, error) {
	b.enter("Stat")
	b.mu.Lock()
	defer b.mu.Unlock()
	body, etag, err := b.newest(key)
	if err != nil {
		return blob.Stat{}, err
	}
	return blob.Stat{Size: int64(len(body)), SHA256: b.sums[key], ETag: etag}, nil
}

// Earliest reads the first version of the object whose key sorts first among those that begin with a prefix and sort behind
// another key.
func (b *Bucket) Earliest(_ context.Context, prefix, after string) ([]byte, error) {
	for _, key := range b.Keys() {
		if !strings.HasPrefix(key, prefix) || key <= after {
			continue
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.fail != nil {
			return nil, b.fail
		}
		return b.versions[key][0], nil
	}
	return nil, blob.ErrMissing
}

// Head reads the first bytes of the newest version, if it is still the one named, else blob.ErrChanged.
func (b *Bucket) Head(_ context.Context, key, etag string, n int64) ([]byte, error) {
	b.enter("Head")
	b.mu.Lock()
	defer b.mu.Unlock()
	body, now, err := b.newest(key)
	if err != nil {
		return nil, err
	}
	if now != etag {
		return nil, blob.ErrChanged
	}
	return body[:min(n, int64(len(body)))], nil
}

// Name is the same for all buckets of this package.
func (b *Bucket) Name() string { return "bucket" }

// Copy adds a version made of another bucket's newest, if that is still the one named, else blob.ErrChanged.
func (b *Bucket) Copy(_ context.Context, from blob.Named, fromKey, etag, key, _ string) error {
	b.enter("Copy")
	source, ok := from.(*Bucket)
	if !ok {
		return errors.New("blobtest: a copy from another kind of bucket")
	}
	source.mu.Lock()
	body, now, err := source.newest(fromKey)
	source.mu.Unlock()
	if err != nil {
		return err
	}
	if now != etag {
		return blob.ErrChanged
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	b.arrive(key, body)
	return nil
}

// Remove deletes every version of one object.
func (b *Bucket) Remove(_ context.Context, key string) (int, error) {
	b.enter("Remove")
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return 0, b.fail
	}
	n := len(b.versions[key])
	delete(b.versions, key)
	return n, nil
}

// Purge deletes every version of what begins with a prefix.
func (b *Bucket) Purge(_ context.Context, prefix string) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return 0, b.fail
	}
	n := 0
	for key, versions := range b.versions {
		if strings.HasPrefix(key, prefix) {
			n += len(versions)
			delete(b.versions, key)
		}
	}
	return n, nil
}

// Keys lists the keys in order.
func (b *Bucket) Keys() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	keys := make([]string, 0, len(b.versions))
	for k := range b.versions {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// All is everything in the bucket, keys and all versions, for looking for what must not be there.
func (b *Bucket) All() string {
	var all strings.Builder
	for _, k := range b.Keys() {
		b.mu.Lock()
		all.WriteString(k + "\n")
		for _, v := range b.versions[k] {
			all.Write(v)
		}
		b.mu.Unlock()
	}
	return all.String()
}
