package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"pixeltrack.io/platform/infra/local/guard"
	"pixeltrack.io/platform/infra/local/iam"
	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/s3"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/blob/bucket"
)

// open opens a bucket of the stand-in by the machine's clock, moved by an offset.
func open(t *testing.T, versioned bool, offset time.Duration) *bucket.Bucket {
	t.Helper()
	clock := &simclock.Clock{}
	clock.Advance(offset)
	return bucket.New(standIn(t, clock, s3.Bucket{Name: "b", Versioning: versioned}), "b", clock.Now)
}

// standIn starts a stand-in with some buckets, and says how the stack itself reaches it.
func standIn(t *testing.T, clock *simclock.Clock, buckets ...s3.Bucket) aws.Config {
	t.Helper()
	cfg, _ := serve(t, s3.Options{Identities: identity.New(), Clock: clock, Buckets: buckets})
	cfg.Credentials = credentials.NewStaticCredentialsProvider(identity.Root, identity.RootSecret, "")
	return cfg
}

// serve starts a stand-in, and says where it is.
func serve(t *testing.T, o s3.Options) (aws.Config, *s3.Server) {
	t.Helper()
	o.Dir = t.TempDir()
	server, err := s3.New(o)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		web.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(web.URL)}, server
}

func TestPutOpenCreate(t *testing.T) {
	ctx := context.Background()
	b := open(t, false, 0)
	if _, err := b.Open(ctx, "a"); !errors.Is(err, blob.ErrMissing) {
		t.Errorf("Open of nothing = %v; want ErrMissing", err)
	}
	if err := b.Create(ctx, "a", "text/plain", strings.NewReader("one")); err != nil {
		t.Fatal(err)
	}
	if err := b.Create(ctx, "a", "text/plain", strings.NewReader("two")); !errors.Is(err, blob.ErrExists) {
		t.Errorf("a second Create = %v; want ErrExists", err)
	}
	if got := read(t, b, "a"); got != "one" {
		t.Errorf("after a refused Create = %q; want one", got)
	}
	if err := b.Put(ctx, "a", "text/plain", strings.NewReader("two")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, b, "a"); got != "two" {
		t.Errorf("after Put = %q; want two", got)
	}
}

func read(t *testing.T, b *bucket.Bucket, key string) string {
	t.Helper()
	r, err := b.Open(context.Background(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLinksFollowTheProductsClock(t *testing.T) {
	for _, offset := range []time.Duration{0, 400 * 24 * time.Hour} {
		b := open(t, false, offset)
		if err := b.Put(context.Background(), "USER/u/a b.zip", "application/zip", strings.NewReader("one")); err != nil {
			t.Fatal(err)
		}
		link, err := b.Link(context.Background(), "USER/u/a b.zip", "mine.zip", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK || string(text) != "one" {
			t.Errorf("the link, %v from now = %d %q, %v; want the object", offset, res.StatusCode, text, err)
		}
		if got := res.Header.Get("Content-Disposition"); got != `attachment; filename="mine.zip"` {
			t.Errorf("Content-Disposition = %q", got)
		}
	}
}

func TestPurge(t *testing.T) {
	for _, versioned := range []bool{false, true} {
		ctx := context.Background()
		b := open(t, versioned, 0)
		for _, key := range []string{"USER/u1/a", "USER/u1/a", "USER/u1/b", "USER/u2/a"} {
			if err := b.Put(ctx, key, "text/plain", strings.NewReader(key)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.Purge(ctx, "USER/u1/"); err != nil {
			t.Fatal(err)
		}
		if n, err := b.Purge(ctx, "USER/u1/"); n != 0 || err != nil {
			t.Errorf("a second Purge (versioned: %v) = %d, %v; want nothing left", versioned, n, err)
		}
		if got := read(t, b, "USER/u2/a"); got != "USER/u2/a" {
			t.Errorf("somebody else's object = %q", got)
		}
		if _, err := b.Purge(ctx, ""); err == nil {
			t.Error("Purge of everything was allowed")
		}
	}
}

// A meeting with another writer was once taken for an object that exists, so that an erasure could go on without its
// line in the vault.
func TestCreateTriesAMeetingAgain(t *testing.T) {
	for _, tt := range []struct {
		meetings int64
		written  bool
	}{{1, true}, {2, true}, {99, false}} {
		var calls atomic.Int64
		b, _ := brokenBucket(t, func(guard.Call) guard.Fault {
			if calls.Add(1) <= tt.meetings {
				return guard.Conflict
			}
			return guard.None
		})
		err := b.Create(context.Background(), "a", "text/plain", strings.NewReader("one"))
		if errors.Is(err, blob.ErrExists) || (err == nil) != tt.written {
			t.Errorf("Create that meets %d others = %v; want it written: %t, and never ErrExists", tt.meetings, err, tt.written)
		}
	}
}

// brokenBucket opens a bucket of the stand-in as a function whose calls go wrong as planned.
func brokenBucket(t *testing.T, plan func(guard.Call) guard.Fault) (*bucket.Bucket, *s3.Server) {
	t.Helper()
	clock, identities := &simclock.Clock{}, identity.New()
	cfg, server := serve(t, s3.Options{Identities: identities, Clock: clock, Buckets: []s3.Bucket{{Name: "b"}},
		Guard: guard.Guard{Judge: func(identity.Identity, iam.Request) error { return nil }, Plan: plan}})
	who := identities.Issue("F", nil)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(who.AccessKey, who.Secret, "")
	cfg.Retryer = func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 4, time.Millisecond })
	}
	return bucket.New(cfg, "b", clock.Now), server
}

// TestWriteUnderFaults lets each call of a long object go wrong once and always: the object is there whole, or not at
// all, and nothing is left of it where it could be given up.
func TestWriteUnderFaults(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 17<<16)
	for _, operation := range []string{"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"} {
		for name, fault := range map[string]guard.Fault{"timeout before": guard.TimeoutBefore, "timeout after": guard.TimeoutAfter, "throttle": guard.Throttle, "error": guard.Unavailable} {
			for _, times := range []int64{1, 99} {
				t.Run(fmt.Sprintf("%s of %s, %d times", name, operation, times), func(t *testing.T) {
					var calls atomic.Int64
					b, server := brokenBucket(t, func(c guard.Call) guard.Fault {
						if c.Operation == operation && calls.Add(1) <= times {
							return fault
						}
						return guard.None
					})
					err := b.Write(context.Background(), "a", "text/plain", func(w io.Writer) error {
						_, err := w.Write(body)
						return err
					})
					lost := operation == "CompleteMultipartUpload" && fault == guard.TimeoutAfter // done, though nobody was told
					if (err == nil) != (times == 1 && !lost) {
						t.Errorf("Write = %v", err)
					}
					objects := server.Objects()
					if whole := len(objects) == 1 && objects[0].Size == int64(len(body)); whole != (err == nil || lost) || !whole && len(objects) > 0 {
						t.Errorf("objects after %v = %+v", err, objects)
					}
					if err == nil && read(t, b, "a") != string(body) {
						t.Error("the object is another")
					}
				})
			}
		}
	}
}

func TestListGivesEveryKeyInOrder(t *testing.T) {
	b := open(t, false, 0)
	ctx := context.Background()
	put := func(key string) {
		t.Helper()
		if err := b.Put(ctx, key, "text/plain", strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	const many = 1003 // more than a page
	for n := range many {
		put(fmt.Sprintf("ledger/%04d.json", n))
	}
	put("keys/one")
	put("ledgers/other")
	n := 0
	for key, err := range b.List(ctx, "ledger/") {
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("ledger/%04d.json", n); key != want {
			t.Fatalf("key %d = %q; want %q", n, key, want)
		}
		n++
	}
	if n != many {
		t.Errorf("%d keys; want %d", n, many)
	}
	for _, err := range b.List(ctx, "ledger/") {
		if err != nil {
			t.Error(err)
		}
		break // asks for no page more
	}
}
