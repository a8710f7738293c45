// Package blobtest is a bucket in memory that behaves as a bucket does: versions, conditions, links.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"pixeltrack.io/platform/pkg/blob"
)

// Bucket is a versioned bucket. The zero value is empty and ready. It is safe for concurrent use.
type Bucket struct {
	mu       sync.Mutex
	versions map[string][][]byte
	fail     error
}

// Fail makes every call fail with an error, until it is called with nil.
func (b *Bucket) Fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = err
}

// Put adds a version.
func (b *Bucket) Put(_ context.Context, key, _ string, body io.ReadSeeker) error {
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
		b.versions = map[string][][]byte{}
	}
	b.versions[key] = append(b.versions[key], text)
	return nil
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
