package sigv4_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/sigv4"
)

// The keys and the moment of the examples in the documentation of S3 ("Authenticating Requests: Using the Authorization
// Header" and "Using Query Parameters").
const (
	accessKey = "AKIAIOSFODNN7EXAMPLE"
	secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	scope     = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
	empty     = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	stream    = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
	unsigned  = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
)

var documented = time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC)

func verifier() *sigv4.Verifier {
	identities := identity.New()
	identities.Add(identity.Identity{AccessKey: accessKey, Secret: secretKey})
	return &sigv4.Verifier{Identities: identities, Now: func() time.Time { return documented }, Scope: sigv4.Scope{Region: "us-east-1", Service: "s3"}}
}

func request(t testing.TB, method, target string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	return r
}

func authorization(headers, signature string) string {
	return "Authorization: AWS4-HMAC-SHA256 Credential=" + scope + ",SignedHeaders=" + headers + ",Signature=" + signature
}

// read is the documented GET of an object, signed in the header.
func read(t testing.TB) *http.Request {
	return request(t, http.MethodGet, "https://examplebucket.s3.amazonaws.com/test.txt", "Range: bytes=0-9", "X-Amz-Content-Sha256: "+empty, "X-Amz-Date: 20130524T000000Z",
		authorization("host;range;x-amz-content-sha256;x-amz-date", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"))
}

// list is the documented GET of a bucket, signed in the header.
func list(t testing.TB) *http.Request {
	return request(t, http.MethodGet, "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", "X-Amz-Content-Sha256: "+empty, "X-Amz-Date: 20130524T000000Z",
		authorization("host;x-amz-content-sha256;x-amz-date", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"))
}

// link is the documented presigned GET.
func link(t testing.TB) *http.Request {
	return request(t, http.MethodGet, "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="+url.QueryEscape(scope)+
		"&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404")
}

// upload is the documented PUT in signed chunks; its body is given by whoever sends it.
func upload(t testing.TB, body string) *http.Request {
	r := request(t, http.MethodPut, "https://s3.amazonaws.com/examplebucket/chunkObject.txt", "Content-Encoding: aws-chunked", "X-Amz-Content-Sha256: "+stream, "X-Amz-Date: 20130524T000000Z",
		"X-Amz-Decoded-Content-Length: 66560", "X-Amz-Storage-Class: REDUCED_REDUNDANCY",
		authorization("content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class", "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"))
	r.ContentLength, r.Body = 66824, io.NopCloser(strings.NewReader(body))
	return r
}

func chunk(size, signature, body string) string {
	return size + ";chunk-signature=" + signature + "\r\n" + body + "\r\n"
}

// chunks is the documented body.
func chunks() string {
	return chunk("10000", "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648", strings.Repeat("a", 65536)) +
		chunk("400", "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497", strings.Repeat("a", 1024)) +
		chunk("0", "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9", "")
}

func TestDocumentedSignatures(t *testing.T) {
	for name, r := range map[string]*http.Request{"read": read(t), "list": list(t), "link": link(t), "upload": upload(t, "")} {
		s, err := verifier().Verify(r, "")
		if err != nil || s.Identity.AccessKey != accessKey || s.Presigned != (name == "link") {
			t.Errorf("Verify(%s) = %+v, %v; want it accepted", name, s, err)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	change := func(r *http.Request, do func(*http.Request)) *http.Request {
		do(r)
		return r
	}
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	query := func(name, value string) func(*http.Request) {
		return func(r *http.Request) {
			q := r.URL.Query()
			q.Set(name, value)
			r.URL.RawQuery = q.Encode()
		}
	}
	tests := []struct {
		name string
		r    *http.Request
		want string
	}{
		{"another range", change(read(t), set("Range", "bytes=0-99")), "SignatureDoesNotMatch"},
		{"another key", change(read(t), func(r *http.Request) { r.URL.Path = "/other.txt" }), "SignatureDoesNotMatch"},
		{"another host", change(read(t), func(r *http.Request) { r.Host = "other" }), "SignatureDoesNotMatch"},
		{"another method", change(read(t), func(r *http.Request) { r.Method = http.MethodDelete }), "SignatureDoesNotMatch"},
		{"another body", change(read(t), set("X-Amz-Content-Sha256", strings.Repeat("0", 64))), "SignatureDoesNotMatch"},
		{"another query", change(list(t), query("prefix", "K")), "SignatureDoesNotMatch"},
		{"a header that is not signed", change(read(t), set("X-Amz-Acl", "public-read")), "AccessDenied"},
		{"no date", change(read(t), set("X-Amz-Date", "")), "AccessDenied"},
		{"a date of another day than the scope", change(read(t), set("X-Amz-Date", "20130525T000000Z")), "AccessDenied"},
		{"no signature", request(t, http.MethodGet, "https://s3.local/b"), "AccessDenied"},
		{"another scheme", request(t, http.MethodGet, "https://s3.local/b", "Authorization: Bearer x"), "AuthorizationHeaderMalformed"},
		{"another region", change(read(t), set("Authorization", strings.Replace(read(t).Header.Get("Authorization"), "us-east-1", "eu-west-1", 1))), "AuthorizationHeaderMalformed"},
		{"another service", change(read(t), set("Authorization", strings.Replace(read(t).Header.Get("Authorization"), "/s3/", "/sqs/", 1))), "AuthorizationHeaderMalformed"},
		{"an unknown key", change(read(t), set("Authorization", strings.Replace(read(t).Header.Get("Authorization"), "AKIA", "AKIB", 1))), "InvalidAccessKeyId"},
		{"a link with a longer life", change(link(t), query("X-Amz-Expires", "86401")), "SignatureDoesNotMatch"},
		{"a link with too long a life", change(link(t), query("X-Amz-Expires", "604801")), "AuthorizationQueryParametersError"},
		{"a link that ends before it begins", change(link(t), query("X-Amz-Expires", "-1")), "AuthorizationQueryParametersError"},
		{"a link of another region", change(link(t), query("X-Amz-Credential", strings.Replace(scope, "us-east-1", "eu-west-1", 1))), "AuthorizationQueryParametersError"},
		{"a link without its signature", change(link(t), query("X-Amz-Signature", "")), "AuthorizationQueryParametersError"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := verifier().Verify(tt.r, "")
			var e *sigv4.Error
			if !errors.As(err, &e) || e.Code != tt.want {
				t.Errorf("Verify = %v; want %s", err, tt.want)
			}
		})
	}
}

func TestDates(t *testing.T) {
	tests := []struct {
		name string
		now  time.Time
		r    *http.Request
		want string
	}{
		{"a quarter of an hour later", documented.Add(sigv4.Skew), read(t), ""},
		{"later", documented.Add(sigv4.Skew + time.Second), read(t), "RequestTimeTooSkewed"},
		{"earlier", documented.Add(-sigv4.Skew - time.Second), read(t), "RequestTimeTooSkewed"},
		{"a link on its last second", documented.Add(24 * time.Hour), link(t), ""},
		{"a link after it", documented.Add(24*time.Hour + time.Second), link(t), "AccessDenied"},
		{"a link long before", documented.Add(-sigv4.Skew - time.Second), link(t), "AccessDenied"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := verifier()
			v.Now = func() time.Time { return tt.now }
			_, err := v.Verify(tt.r, "")
			var e *sigv4.Error
			if errors.As(err, &e); (err == nil) != (tt.want == "") || e != nil && e.Code != tt.want {
				t.Errorf("Verify = %v; want %q", err, tt.want)
			}
		})
	}
}

// content reads the body of an upload.
func content(t testing.TB, body string) (string, error) {
	t.Helper()
	r := upload(t, body)
	s, err := verifier().Verify(r, "")
	if err != nil {
		t.Fatal(err)
	}
	content, err := s.Body(r, http.Header{})
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(content)
	return string(text), err
}

func TestChunks(t *testing.T) {
	if got, err := content(t, chunks()); err != nil || got != strings.Repeat("a", 66560) {
		t.Errorf("the documented body = %d bytes, %v; want 66,560", len(got), err)
	}
	tests := []struct {
		name, body, want string
	}{
		{"another byte", strings.Replace(chunks(), "\r\naa", "\r\nab", 1), "SignatureDoesNotMatch"},
		{"another signature", strings.Replace(chunks(), "ad80", "ad81", 1), "SignatureDoesNotMatch"},
		{"without its last chunk", chunks()[:strings.Index(chunks(), "\r\n0;")+2], "unexpected EOF"},
		{"within a chunk", chunks()[:1000], "unexpected EOF"},
		{"without its first chunk", chunks()[strings.Index(chunks(), "400;"):], "SignatureDoesNotMatch"},
		{"no size", ";chunk-signature=0\r\n\r\n", "malformed"},
		{"a size that is none", "zz\r\n", "malformed"},
		{"too big a chunk", "ffffffff\r\n", "malformed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := content(t, tt.body); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("read = %v; want %s", err, tt.want)
			}
		})
	}
}

// FuzzVerify: whatever a caller sends, a request is the one that was signed or is refused by the caller's fault.
func FuzzVerify(f *testing.F) {
	f.Add(read(f).Header.Get("Authorization"), "20130524T000000Z", empty, "/test.txt", "", "bytes=0-9")
	f.Add("", "", "", "/test.txt", link(f).URL.RawQuery, "")
	f.Add("AWS4-HMAC-SHA256 Credential=////,SignedHeaders=;,Signature=x", "2013", "x", "/%2F%zz", "a=%zz&a&=&X-Amz-Signature", "")
	v := verifier()
	f.Fuzz(func(t *testing.T, authorization, date, hash, path, query, bytes string) {
		r := &http.Request{Method: http.MethodGet, Host: "examplebucket.s3.amazonaws.com", URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{}}
		for name, value := range map[string]string{"Authorization": authorization, "X-Amz-Date": date, "X-Amz-Content-Sha256": hash, "Range": bytes} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		s, err := v.Verify(r, "")
		var e *sigv4.Error
		switch {
		case err == nil && (s.Identity.AccessKey != accessKey || path != "/test.txt"):
			t.Errorf("accepted %q", path)
		case err != nil && (!errors.As(err, &e) || e.Status < 400 || e.Status > 403):
			t.Errorf("Verify = %v; want a refusal", err)
		}
	})
}

// FuzzChunks: a body in chunks ends, holds no more than was sent, and nothing that was not signed.
func FuzzChunks(f *testing.F) {
	f.Add("5;chunk-signature=0\r\nhello\r\n0;chunk-signature=0\r\n\r\n")
	f.Add("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n")
	f.Add("\r\n0\r\nx\r\n")
	f.Fuzz(func(t *testing.T, body string) {
		if got, err := content(t, body); err == nil && got != "" && got != strings.Repeat("a", 66560) {
			t.Errorf("read %d bytes that nobody signed", len(got))
		}
		r := request(t, http.MethodPut, "https://s3.local/b/k")
		r.Body = io.NopCloser(strings.NewReader(body))
		plain, err := (&sigv4.Signed{PayloadHash: unsigned}).Body(r, http.Header{})
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(plain)
		var e *sigv4.Error
		if len(text) > len(body) || err != nil && !errors.Is(err, sigv4.ErrChunks) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) && !errors.As(err, &e) {
			t.Errorf("read %d of %d bytes, %v", len(text), len(body), err)
		}
	})
}
