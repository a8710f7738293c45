package bucket_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/local/s3"
	"pixeltrack.io/platform/infra/local/simclock"
	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/blob/bucket"
)

// pair opens two buckets of one stand-in, of which the second keeps versions.
func pair(t *testing.T) (incoming, files *bucket.Bucket, clock *simclock.Clock) {
	t.Helper()
	clock = &simclock.Clock{}
	cfg := standIn(t, clock, s3.Bucket{Name: "incoming"}, s3.Bucket{Name: "files", Versioning: true})
	return bucket.New(cfg, "incoming", clock.Now), bucket.New(cfg, "files", clock.Now), clock
}

const content = "%PDF-1.7 what somebody wants to keep"

func announced() blob.Upload {
	sum := sha256.Sum256([]byte(content))
	return blob.Upload{Size: int64(len(content)), MediaType: "application/pdf", SHA256: sum[:]}
}

// send uploads as a client does.
func send(t *testing.T, link string, headers map[string]string, body string) (status int) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPut, link, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		if name != "content-length" {
			r.Header.Set(name, value)
		}
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode
}

func TestAGrantLetsInWhatItWasGivenFor(t *testing.T) {
	other := sha256.Sum256([]byte("other"))
	tests := []struct {
		name   string
		change func(g *blob.Grant, body *string, clock *simclock.Clock)
		want   int
	}{
		{"what was announced", func(*blob.Grant, *string, *simclock.Clock) {}, http.StatusOK},
		{"a byte more", func(_ *blob.Grant, b *string, _ *simclock.Clock) { *b += "x" }, http.StatusForbidden},
		{"a byte less", func(_ *blob.Grant, b *string, _ *simclock.Clock) { *b = (*b)[1:] }, http.StatusForbidden},
		{"other bytes", func(_ *blob.Grant, b *string, _ *simclock.Clock) { *b = strings.ToUpper(*b) }, http.StatusBadRequest},
		{"another type", func(g *blob.Grant, _ *string, _ *simclock.Clock) { g.Headers["content-type"] = "text/html" }, http.StatusForbidden},
		{"another checksum", func(g *blob.Grant, _ *string, _ *simclock.Clock) {
			g.Headers["x-amz-checksum-sha256"] = base64.StdEncoding.EncodeToString(other[:])
		}, http.StatusForbidden},
		{"no checksum", func(g *blob.Grant, _ *string, _ *simclock.Clock) { delete(g.Headers, "x-amz-checksum-sha256") }, http.StatusForbidden},
		{"no condition", func(g *blob.Grant, _ *string, _ *simclock.Clock) { delete(g.Headers, "if-none-match") }, http.StatusForbidden},
		{"tags of its own", func(g *blob.Grant, _ *string, _ *simclock.Clock) { g.Headers["x-amz-tagging"] = "a=b" }, http.StatusForbidden},
		{"another key", func(g *blob.Grant, _ *string, _ *simclock.Clock) { g.URL = strings.Replace(g.URL, "fil_1", "fil_2", 1) }, http.StatusForbidden},
		{"too late", func(_ *blob.Grant, _ *string, c *simclock.Clock) { c.Advance(15*time.Minute + time.Second) }, http.StatusForbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			incoming, _, clock := pair(t)
			g, err := incoming.Grant(context.Background(), "ORG/o/fil_1", announced(), 15*time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			body := content
			tt.change(&g, &body, clock)
			if got := send(t, g.URL, g.Headers, body); got != tt.want {
				t.Errorf("the upload = %d; want %d", got, tt.want)
			}
			_, err = incoming.Stat(context.Background(), "ORG/o/fil_1")
			if there := err == nil; there != (tt.want == http.StatusOK) {
				t.Errorf("Stat after it = %v", err)
			}
			if tt.want == http.StatusOK {
				if got := send(t, g.URL, g.Headers, body); got != http.StatusPreconditionFailed {
					t.Errorf("the same upload again = %d; want 412", got)
				}
			}
		})
	}
}

func TestWhatArrivedIsLookedAtAndCopied(t *testing.T) {
	ctx := context.Background()
	incoming, files, _ := pair(t)
	key := "ORG/o/a file + more.pdf"
	if _, err := incoming.Stat(ctx, key); !errors.Is(err, blob.ErrMissing) {
		t.Errorf("Stat of nothing = %v; want ErrMissing", err)
	}
	if _, err := incoming.Head(ctx, key, `"x"`, 8); !errors.Is(err, blob.ErrMissing) {
		t.Errorf("Head of nothing = %v; want ErrMissing", err)
	}
	if err := files.Copy(ctx, incoming, key, `"x"`, "k", "application/pdf"); !errors.Is(err, blob.ErrMissing) {
		t.Errorf("Copy of nothing = %v; want ErrMissing", err)
	}
	g, err := incoming.Grant(ctx, key, announced(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if got := send(t, g.URL, g.Headers, content); got != http.StatusOK {
		t.Fatalf("the upload = %d", got)
	}
	seen, err := incoming.Stat(ctx, key)
	if err != nil || seen.Size != int64(len(content)) || !bytes.Equal(seen.SHA256, announced().SHA256) || seen.ETag == "" {
		t.Fatalf("Stat = %+v, %v", seen, err)
	}
	for _, tt := range []struct {
		n    int64
		want string
	}{{8, content[:8]}, {512, content}} {
		if got, err := incoming.Head(ctx, key, seen.ETag, tt.n); string(got) != tt.want || err != nil {
			t.Errorf("Head(%d) = %q, %v; want %q", tt.n, got, err, tt.want)
		}
	}
	if err := files.Copy(ctx, incoming, key, seen.ETag, "ORG/o/kept", "application/pdf"); err != nil {
		t.Fatal(err)
	}
	kept, err := files.Stat(ctx, "ORG/o/kept")
	if err != nil || !bytes.Equal(kept.SHA256, seen.SHA256) || read(t, files, "ORG/o/kept") != content {
		t.Errorf("the copy = %+v, %v", kept, err)
	}

	if err := incoming.Put(ctx, key, "application/pdf", strings.NewReader("something else")); err != nil {
		t.Fatal(err)
	}
	if _, err := incoming.Head(ctx, key, seen.ETag, 8); !errors.Is(err, blob.ErrChanged) {
		t.Errorf("Head of what has changed = %v; want ErrChanged", err)
	}
	if err := files.Copy(ctx, incoming, key, seen.ETag, "ORG/o/kept", "application/pdf"); !errors.Is(err, blob.ErrChanged) {
		t.Errorf("Copy of what has changed = %v; want ErrChanged", err)
	}
	if now, err := incoming.Stat(ctx, key); err != nil || now.SHA256 != nil {
		t.Errorf("Stat of what came without a checksum of this kind = %+v, %v", now, err)
	}
	if got := read(t, files, "ORG/o/kept"); got != content {
		t.Errorf("after a refused copy = %q", got)
	}
}

func TestRemoveTakesEveryVersionOfOneObject(t *testing.T) {
	ctx := context.Background()
	incoming, files, _ := pair(t)
	for _, b := range []*bucket.Bucket{incoming, files} {
		for _, key := range []string{"ORG/o/fil_1", "ORG/o/fil_1", "ORG/o/fil_10"} {
			if err := b.Put(ctx, key, "text/plain", strings.NewReader(key)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.Remove(ctx, "ORG/o/fil_1"); err != nil {
			t.Fatal(err)
		}
		if n, err := b.Purge(ctx, "ORG/o/fil_1"); n != 1 || err != nil {
			t.Errorf("%s: %d versions are left of both, %v; want the one of the other object", b.Name(), n, err)
		}
		if n, err := b.Remove(ctx, "ORG/o/fil_1"); n != 0 || err != nil {
			t.Errorf("a second Remove = %d, %v; want 0", n, err)
		}
	}
}

func FuzzDisposition(f *testing.F) {
	for _, name := range []string{"Offer.pdf", `a"b`, "ö\r\n", "\\", "''%"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		header := blob.Disposition(name)
		if kind, p, err := mime.ParseMediaType(header); kind != "attachment" || err != nil || strings.ContainsAny(p["filename"], "/\\\r\n") {
			t.Errorf("Disposition(%q) = %q: %v, %q", name, header, err, p["filename"])
		}
		for _, c := range []byte(header) {
			if c < ' ' || c > '~' {
				t.Errorf("Disposition(%q) = %q", name, header)
			}
		}
	})
}

func TestWhatIsWrittenIsStoredWhole(t *testing.T) {
	ctx := context.Background()
	b, _, _ := pair(t)
	for _, size := range []int{0, 1, 16 << 20, 16<<20 + 1, 40 << 20} {
		whole := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		err := b.Write(ctx, "k", "text/plain", func(w io.Writer) error {
			_, err := io.Copy(w, struct{ io.Reader }{bytes.NewReader(whole)})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, b, "k"); got != string(whole) {
			t.Errorf("of %d bytes %d came back", size, len(got))
		}
	}
	broken := errors.New("no more")
	for _, size := range []int{0, 20 << 20} {
		err := b.Write(ctx, "broken", "text/plain", func(w io.Writer) error {
			if _, err := w.Write(make([]byte, size)); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Errorf("Write = %v; want %v", err, broken)
		}
		if _, err := b.Stat(ctx, "broken"); !errors.Is(err, blob.ErrMissing) {
			t.Errorf("after a failure Stat = %v; want ErrMissing", err)
		}
	}
}
