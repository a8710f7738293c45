package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/simclock"
)

// FuzzRange: a range lies in the object and is not empty, or there is none.
func FuzzRange(f *testing.F) {
	for _, text := range []string{"", "bytes=0-0", "bytes=2-", "bytes=-3", "bytes=-0", "bytes=9-1", "bytes=1-2,4-5", "bytes=99999999999999999999-", "bytes=-9223372036854775808", "bytes=+1-+2"} {
		f.Add(text, int64(10))
	}
	f.Add("bytes=-1", int64(0))
	f.Fuzz(func(t *testing.T, text string, size int64) {
		if size < 0 {
			return
		}
		first, length, partial, err := parseRange(text, size)
		switch {
		case err != nil && !errors.Is(err, errInvalidRange):
			t.Errorf("parseRange(%q, %d) = %v", text, size, err)
		case err == nil && partial && (first < 0 || length < 1 || length > size || first > size-length):
			t.Errorf("parseRange(%q, %d) = %d and %d more", text, size, first, length)
		case err == nil && !partial && (first != 0 || length != size):
			t.Errorf("parseRange(%q, %d) = %d and %d more; want the whole", text, size, first, length)
		}
	})
}

// FuzzRequest: whatever a caller signs, the server answers, and nothing is the server's fault.
func FuzzRequest(f *testing.F) {
	for _, seed := range [][]string{
		{"GET", "/files/a?versionId=null", "Range", "bytes=0-1", ""},
		{"GET", "/versions?versions&key-marker=a&version-id-marker=null&max-keys=1&delimiter=/", "Origin", "x", ""},
		{"GET", "/files?list-type=2&continuation-token=YQ&encoding-type=url&prefix=a&start-after=b", "", "", ""},
		{"GET", "/files/a?response-content-type=x&partNumber=1", "If-Modified-Since", "Wed, 01 Jan 2020 00:00:00 GMT", ""},
		{"PUT", "/files/b", "X-Amz-Copy-Source", "/files/a?versionId=null", ""},
		{"PUT", "/heads/b", "X-Amz-Object-Lock-Retain-Until-Date", "2040-01-01T00:00:00Z", "x"},
		{"PUT", "/files/b", "X-Amz-Tagging", "a=1&b=%20", "x"},
		{"PUT", "/files/b", "X-Amz-Checksum-Crc32", "NhCmhg==", "hello"},
		{"PUT", "/files/big?uploadId=u&partNumber=1", "Content-Md5", "XUFAKrxLKna5cZ2REBfFkg==", "hello"},
		{"POST", "/files?delete", "X-Amz-Checksum-Crc32", "AAAAAA==", "<Delete><Object><Key>a</Key><VersionId>null</VersionId></Object></Delete>"},
		{"POST", "/files?delete", "Content-Md5", "XUFAKrxLKna5cZ2REBfFkg==", "<Delete>"},
		{"POST", "/files/big?uploads", "X-Amz-Checksum-Algorithm", "SHA256", ""},
		{"POST", "/files/big?uploadId=u", "", "", "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>x</ETag></Part></CompleteMultipartUpload>"},
		{"DELETE", "/versions/a?versionId=%zz", "If-Match", "*", ""},
		{"OPTIONS", "/files/%00", "Access-Control-Request-Headers", ",,", ""},
		{"HEAD", "/", "", "", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4])
	}
	f.Fuzz(func(t *testing.T, method, target, name, value, body string) {
		r, err := http.NewRequest(method, "http://s3.local"+target, strings.NewReader(body))
		if err != nil || strings.ContainsAny(name+value, "\r\n\x00") {
			return // no such request comes in
		}
		if name != "" {
			r.Header.Set(name, value)
		}
		serve(t, r, body)
	})
}

// serve signs a request and gives it to a server that knows an object and an upload.
func serve(t *testing.T, r *http.Request, body string) {
	t.Helper()
	s, err := New(Options{Dir: t.TempDir(), Identities: identity.New(), Clock: &simclock.Clock{}, Buckets: []Bucket{
		{Name: "files", CORS: []CORSRule{{Origins: []string{"*"}, Methods: []string{"GET"}, Headers: []string{"x-*"}}}},
		{Name: "versions", Versioning: true},
		{Name: "heads", Versioning: true, Lock: &Lock{Mode: "GOVERNANCE", Days: 1}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }() // the directory is the test's
	file := func() segment {
		g := segment{path: s.shelf.newFile(), size: 1}
		if err := os.WriteFile(g.path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		return g
	}
	for _, name := range []string{"files", "versions"} {
		s.shelf.put(s.shelf.buckets[name], &version{key: "a", size: 1, etag: `"x"`, created: time.Now(), header: http.Header{}, segments: []segment{file()}})
	}
	s.shelf.buckets["files"].uploads["u"] = &upload{id: "u", key: "big", parts: map[int]*part{1: {segment: file(), etag: `"x"`}}, template: version{key: "big", header: http.Header{}}}
	sum := sha256.Sum256([]byte(body))
	hash := hex.EncodeToString(sum[:])
	r.Header.Set("X-Amz-Content-Sha256", hash)
	err = v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: identity.Root, SecretAccessKey: identity.RootSecret}, r, hash, "s3", "us-east-1", time.Now(),
		func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err != nil {
		return
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if w.Code >= 500 && w.Code != http.StatusNotImplemented {
		t.Errorf("%s %s = %d: %s", r.Method, r.URL, w.Code, w.Body)
	}
}
