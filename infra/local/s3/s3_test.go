package s3_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"pixeltrack.io/platform/infra/local/guard"
	"pixeltrack.io/platform/infra/local/iam"
	"pixeltrack.io/platform/infra/local/identity"
	"pixeltrack.io/platform/infra/local/s3"
	"pixeltrack.io/platform/infra/local/simclock"
)

const keyARN = "arn:aws:kms:us-east-1:000000000000:key/k1"

// world is a server with four buckets, and its clock.
type world struct {
	*s3.Server
	url        string
	dir        string
	clock      *simclock.Clock
	identities *identity.Registry

	mu    sync.Mutex
	calls []guard.Call
	fault guard.Fault
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), clock: &simclock.Clock{}, identities: identity.New()}
	rules := []s3.Rule{{Prefix: "ledger/", ExpirationDays: 90}, {Prefix: "old/", ExpirationDays: 1, NoncurrentDays: 2}, {AbortDays: 1}}
	var err error
	w.Server, err = s3.New(s3.Options{Dir: w.dir, Identities: w.identities, Clock: w.clock,
		Buckets: []s3.Bucket{
			{Name: "files", Lifecycle: rules, CORS: []s3.CORSRule{{Origins: []string{"https://app.example.org"}, Methods: []string{"PUT"}, Headers: []string{"*"}, Expose: []string{"ETag"}}}},
			{Name: "heads", Versioning: true, Lifecycle: rules, Lock: &s3.Lock{Mode: "COMPLIANCE", Days: 30}},
			{Name: "versions", Versioning: true, Lifecycle: rules},
			{Name: "exports", Encryption: "aws:kms", KMSKeyID: keyARN},
		},
		Guard: guard.Guard{
			Judge: func(who identity.Identity, r iam.Request) error { return judge(who.Policy, r) },
			Plan: func(guard.Call) guard.Fault {
				w.mu.Lock()
				defer w.mu.Unlock()
				return w.fault
			},
			Note: func(c guard.Call) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.calls = append(w.calls, c)
			},
		}})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(w.Server)
	w.url = web.URL
	t.Cleanup(func() {
		web.Close()
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// judge allows what a statement names word for word, with a star at the end of resources.
func judge(p *iam.Policy, r iam.Request) error {
	for _, s := range p.Statements {
		for _, resource := range s.Resources {
			prefix, star := strings.CutSuffix(resource, "*")
			if slices.Contains(s.Actions, r.Action) && (r.Resource == resource || star && strings.HasPrefix(r.Resource, prefix)) {
				return nil
			}
		}
	}
	return errors.New("denied")
}

// root is a client that may do anything.
func (w *world) root() *client.Client { return w.client(identity.Root, identity.RootSecret) }

// as is a client of a function that may do some actions on a resource each: "s3:GetObject files/a/*".
func (w *world) as(allowed ...string) (*client.Client, identity.Identity) {
	p := &iam.Policy{}
	for _, line := range allowed {
		action, resource, _ := strings.Cut(line, " ")
		if !strings.HasPrefix(resource, "arn:") {
			resource = "arn:aws:s3:::" + resource
		}
		p.Statements = append(p.Statements, iam.Statement{Effect: "Allow", Actions: []string{action}, Resources: []string{resource}})
	}
	id := w.identities.Issue("BuildExport", p)
	return w.client(id.AccessKey, id.Secret), id
}

func (w *world) client(key, secret string) *client.Client {
	return client.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(w.url), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, "")},
		func(o *client.Options) { o.UsePathStyle = true })
}

// files counts the bodies on disk.
func (w *world) files(t *testing.T) int {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(w.dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func put(t *testing.T, c *client.Client, bucket, key, body string) *client.PutObjectOutput {
	t.Helper()
	out, err := c.PutObject(context.Background(), &client.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
	if err != nil {
		t.Fatalf("PutObject %s/%s: %v", bucket, key, err)
	}
	return out
}

func get(c *client.Client, bucket, key string) (string, error) {
	out, err := c.GetObject(context.Background(), &client.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return "", err
	}
	defer out.Body.Close()
	body, err := io.ReadAll(out.Body)
	return string(body), err
}

func TestPutAndGet(t *testing.T) {
	ctx := context.Background()
	w := start(t)
	c := w.root()
	for _, key := range []string{"a", "ORG/org_1/a b+c&d=e/ü%2F.txt", "a//b", strings.Repeat("k", 1024)} {
		for _, body := range []string{"", "hello", strings.Repeat("x", 3<<20)} {
			put(t, c, "files", key, body)
			if got, err := get(c, "files", key); err != nil || got != body {
				t.Fatalf("GetObject %.40q = %d bytes, %v; want %d", key, len(got), err, len(body))
			}
		}
	}
	_, err := c.PutObject(ctx, &client.PutObjectInput{Bucket: aws.String("files"), Key: aws.String("m"), Body: strings.NewReader("hello"),
		ContentType: aws.String("text/plain"), ContentDisposition: aws.String(`attachment; filename="a.txt"`), CacheControl: aws.String("no-store"),
		Metadata: map[string]string{"purpose": "export"}, ServerSideEncryption: types.ServerSideEncryptionAes256, Tagging: aws.String("state=clean")})
	if err != nil {
		t.Fatal(err)
	}
	h, err := c.HeadObject(ctx, &client.HeadObjectInput{Bucket: aws.String("files"), Key: aws.String("m")})
	if err != nil {
		t.Fatal(err)
	}
	if *h.ContentType != "text/plain" || *h.ContentDisposition != `attachment; filename="a.txt"` || h.Metadata["purpose"] != "export" ||
		h.ServerSideEncryption != "AES256" || *h.ContentLength != 5 || *h.ETag != `"5d41402abc4b2a76b9719d911017c592"` {
		t.Errorf("HeadObject = %+v; want what was put", h)
	}
	w.clock.Set(time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC))
	put(t, c, "files", "later", "x")
	h, err = c.HeadObject(ctx, &client.HeadObjectInput{Bucket: aws.String("files"), Key: aws.String("later")})
	if err != nil || h.LastModified.Year() != 2031 {
		t.Errorf("LastModified = %v, %v; want the stack's time", h.LastModified, err)
	}
}

func TestRange(t *testing.T) {
	w := start(t)
	c := w.root()
	put(t, c, "files", "a", "0123456789")
	for r, want := range map[string]string{"bytes=0-0": "0", "bytes=2-4": "234", "bytes=7-": "789", "bytes=-3": "789", "bytes=5-99": "56789", "bytes=-99": "0123456789", "lines=1-2": "0123456789"} {
		out, err := c.GetObject(context.Background(), &client.GetObjectInput{Bucket: aws.String("files"), Key: aws.String("a"), Range: &r})
		if err != nil {
			t.Errorf("%s: %v", r, err)
			continue
		}
		got, err := io.ReadAll(out.Body)
		if err != nil || string(got) != want {
			t.Errorf("%s = %q, %v; want %q", r, got, err, want)
		}
	}
	_, err := c.GetObject(context.Background(), &client.GetObjectInput{Bucket: aws.String("files"), Key: aws.String("a"), Range: aws.String("bytes=10-")})
	if code(err) != "InvalidRange" {
		t.Errorf("a range behind the end: %v; want InvalidRange", err)
	}
}

func TestConditions(t *testing.T) {
	ctx := context.Background()
	w := start(t)
	c := w.root()
	create := func() error {
		_, err := c.PutObject(ctx, &client.PutObjectInput{Bucket: aws.String("files"), Key: aws.String("once"), Body: strings.NewReader("1"), IfNoneMatch: aws.String("*")})
		return err
	}
	if err := create(); err != nil {
		t.Fatal(err)
	}
	files := w.files(t)
	if err := create(); code(err) != "PreconditionFailed" {
		t.Errorf("the second write = %v; want PreconditionFailed", err)
	}
	if w.files(t) != files {
		t.Error("the refused write left its body")
	}
	var wg sync.WaitGroup
	won := make(chan bool, 8)
	for range 8 {
		wg.Go(func() {
			_, err := c.PutObject(ctx, &client.PutObjectInput{Bucket: aws.String("files"), Key: aws.String("race"), Body: strings.NewReader("1"), IfNoneMatch: aws.String("*")})
			won <- err == nil
		})
	}
	wg.Wait()
	close(won)
	n := 0
	for ok := range won {
		if ok {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d of 8 writers at once won; want 1", n)
	}
	etag := put(t, c, "files", "a", "1").ETag
	_, err := c.GetObject(ctx, &client.GetObjectInput{Bucket: aws.String("files"), Key: aws.String("a"), IfNoneMatch: etag})
	var answer interface{ HTTPStatusCode() int }
	if !errors.As(err, &answer) || answer.HTTPStatusCode() != http.StatusNotModified {
		t.Errorf("GetObject of a known version = %v; want 304", err)
	}
	if _, err = c.PutObject(ctx, &client.PutObjectInput{Bucket: aws.String("files"), Key: aws.String("a"), Body: strings.NewReader("2"), IfMatch: aws.String(`"other"`)}); code(err) != "PreconditionFailed" {
		t.Errorf("PutObject over another version = %v; want PreconditionFailed", err)
	}
}

func TestChecksums(t *testing.T) {
	ctx := context.Background()
	w := start(t)
	c := w.root()
	for _, a := range []types.ChecksumAlgorithm{types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmCrc32c, types.ChecksumAlgorithmCrc64nvme, types.ChecksumAlgorithmSha1, types.ChecksumAlgorithmSha256} {
		if _, err := c.PutObject(ctx, &client.PutObjectInput{Bucket: aws.String("files"), Key: aws.String("a"), Body: strings.NewReader("hello"), ChecksumAlgorithm: a}); err != nil {
			t.Errorf("%s: %v", a, err)
			continue
		}
		if got, err := get(c, "files", "a"); err != nil || got != "hello" {
			t.Errorf("%s: read back %q, %v", a, got, err)
		}
	}
	files := w.files(t)
	_, err := c.PutObject(ctx, &client.PutObjectInput{Bucket: aws.String("files"), Key: aws.String("a"), Body: strings.NewReader("hello"),
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(make([]byte, 32)))})
	if code(err) != "BadDigest" {
		t.Errorf("a wrong checksum = %v; want BadDigest", err)
	}
	if got, err := get(c, "files", "a"); err != nil || got != "hello" || w.files(t) != files {
		t.Errorf("after the refusal: %q, %v, %d files; want the old object alone", got, err, w.files(t))
	}
}

func TestRoles(t *testing.T) {
	ctx := context.Background()
	w := start(t)
	put(t, w.root(), "files", "org_1/a", "1")
	put(t, w.root(), "exports", "org_1/a", "1")
	version := put(t, w.root(), "versions", "a", "1").VersionId
	tests := []struct {
		name    string
		allowed []string
		do      func(*client.Client) error
		want    string
	}{
		{"reads what it may", []string{"s3:GetObject files/org_1/*"}, func(c *client.Client) error { _, err := get(c, "files", "org_1/a"); return err }, ""},
		{"reads nothing else", []string{"s3:GetObject files/org_2/*"}, func(c *client.Client) error { _, err := get(c, "files", "org_1/a"); return err }, "AccessDenied"},
		{"a missing key is hidden from who may not list", []string{"s3:GetObject files/*"}, func(c *client.Client) error { _, err := get(c, "files", "none"); return err }, "AccessDenied"},
		{"a missing key is told to who may list", []string{"s3:GetObject files/*", "s3:ListBucket files"}, func(c *client.Client) error { _, err := get(c, "files", "none"); return err }, "NoSuchKey"},
		{"a bucket that is none", []string{"s3:GetObject *"}, func(c *client.Client) error { _, err := get(c, "none", "a"); return err }, "NoSuchBucket"},
		{"a version needs a permission of its own", []string{"s3:GetObject versions/*"}, func(c *client.Client) error {
			_, err := c.GetObject(ctx, &client.GetObjectInput{Bucket: aws.String("versions"), Key: aws.String("a"), VersionId: version})
			return err
		}, "AccessDenied"},
		{"deleting a version does, too", []string{"s3:DeleteObject versions/*"}, func(c *client.Client) error {
			_, err := c.DeleteObject(ctx, &client.DeleteObjectInput{Bucket: aws.String("versions"), Key: aws.String("a"), VersionId: version})
			return err
		}, "AccessDenied"},
		{"an encrypted object without the key", []string{"s3:GetObject exports/*"}, func(c *client.Client) error { _, err := get(c, "exports", "org_1/a"); return err }, "AccessDenied"},
		{"an encrypted object with the key", []string{"s3:GetObject exports/*", "kms:Decrypt " + keyARN}, func(c *client.Client) error { _, err := get(c, "exports", "org_1/a"); return err }, ""},
		{"a copy needs to read its source", []string{"s3:PutObject files/*"}, func(c *client.Client) error {
			_, err := c.CopyObject(ctx, &client.CopyObjectInput{Bucket: aws.String("files"), Key: aws.String("b"), CopySource: aws.String("files/org_1/a")})
			return err
		}, "AccessDenied"},
		{"listing", []string{"s3:GetObject files/*"}, func(c *client.Client) error {
			_, err := c.ListObjectsV2(ctx, &client.ListObjectsV2Input{Bucket: aws.String("files")})
			return err
		}, "AccessDenied"},
		{"listing versions", []string{"s3:ListBucket versions"}, func(c *client.Client) error {
			_, err := c.ListObjectVersions(ctx, &client.ListObjectVersionsInput{Bucket: aws.String("versions")})
			return err
		}, "AccessDenied"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := w.as(tt.allowed...)
			if got := code(tt.do(c)); got != tt.want {
				t.Errorf("error = %q; want %q", got, tt.want)
			}
		})
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if last := w.calls[len(w.calls)-1]; last.Operation != "ListObjectVersions" || last.Resource != "versions" || last.Function != "BuildExport" || last.Status != 403 || last.Error != "AccessDenied" {
		t.Errorf("the last call is recorded as %+v", last)
	}
}

func TestSignatures(t *testing.T) {
	w := start(t)
	put(t, w.root(), "files", "a", "1")
	wrong := w.client(identity.Root, "another secret")
	if _, err := get(wrong, "files", "a"); code(err) != "SignatureDoesNotMatch" {
		t.Errorf("a wrong secret = %v; want SignatureDoesNotMatch", err)
	}
	if _, err := get(w.client("NOBODY", "x"), "files", "a"); code(err) != "InvalidAccessKeyId" {
		t.Errorf("an unknown key = %v; want InvalidAccessKeyId", err)
	}
	c, id := w.as("s3:GetObject files/*")
	w.identities.Revoke(id.AccessKey)
	if _, err := get(c, "files", "a"); code(err) != "InvalidAccessKeyId" {
		t.Errorf("a revoked key = %v; want InvalidAccessKeyId", err)
	}
	answer, err := http.Get(w.url + "/files/a")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("no signature = %d; want 403", answer.StatusCode)
	}
	w.clock.Advance(20000 * time.Hour)
	if _, err := get(w.root(), "files", "a"); err != nil {
		t.Errorf("signed by the machine's clock while the stack's is far ahead: %v", err)
	}
}

// dated signs links at another time than now.
type dated struct {
	at func() time.Time
}

func (d dated) PresignHTTP(ctx context.Context, c aws.Credentials, r *http.Request, hash, service, region string, _ time.Time, opts ...func(*v4.SignerOptions)) (string, http.Header, error) {
	opts = append(opts, func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	return v4.NewSigner().PresignHTTP(ctx, c, r, hash, service, region, d.at(), opts...)
}

func (w *world) presign(c *client.Client) *client.PresignClient {
	return client.NewPresignClient(c, func(o *client.PresignOptions) { o.Presigner = dated{w.clock.Now} })
}

func fetch(t *testing.T, method, url, body string, header http.Header) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		if name != "Host" && name != "Content-Length" {
			r.Header[name] = values
		}
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func TestPresignedGet(t *testing.T) {
	w := start(t)
	put(t, w.root(), "files", "org 1/a+b", "hello")
	c, id := w.as("s3:GetObject files/*")
	w.clock.Set(time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC))
	link, err := w.presign(c).PresignGetObject(context.Background(), &client.GetObjectInput{Bucket: aws.String("files"), Key: aws.String("org 1/a+b"),
		ResponseContentDisposition: aws.String(`attachment; filename="a.zip"`)}, client.WithPresignExpires(5*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	check := func(what, url string, status int, want string) {
		t.Helper()
		if got, text := fetch(t, http.MethodGet, url, "", nil); got != status || !strings.Contains(text, want) {
			t.Errorf("%s = %d %s; want %d with %q", what, got, text, status, want)
		}
	}
	check("the link", link.URL, 200, "hello")
	check("another key", strings.Replace(link.URL, "a%2Bb", "a%2Bc", 1), 403, "SignatureDoesNotMatch")
	check("another file name", strings.Replace(link.URL, "a.zip", "b.zip", 1), 403, "SignatureDoesNotMatch")
	check("a longer life", strings.Replace(link.URL, "X-Amz-Expires=300", "X-Amz-Expires=3000", 1), 403, "SignatureDoesNotMatch")
	if got, _ := fetch(t, http.MethodDelete, link.URL, "", nil); got != 403 {
		t.Errorf("another method = %d; want 403", got)
	}
	w.identities.Revoke(id.AccessKey)
	check("after its process has ended", link.URL, 200, "hello")
	w.clock.Advance(4 * time.Minute)
	check("within its life", link.URL, 200, "hello")
	w.clock.Advance(61 * time.Second)
	check("after its life by the stack's clock", link.URL, 403, "Request has expired")
	w.clock.Advance(-time.Hour)
	check("before its time", link.URL, 403, "not yet valid")

	none, _ := w.as()
	link, err = w.presign(none).PresignGetObject(context.Background(), &client.GetObjectInput{Bucket: aws.String("files"), Key: aws.String("org 1/a+b")})
	if err != nil {
		t.Fatal(err)
	}
	check("signed by who may not read", link.URL, 403, "AccessDenied")
}

func TestPresignedPut(t *testing.T) {
	w := start(t)
	c, _ := w.as("s3:PutObject files/in/*")
	sum := sha256.Sum256([]byte("hello"))
	link, err := w.presign(c).PresignPutObject(context.Background(), &client.PutObjectInput{Bucket: aws.String("files"), Key: aws.String("in/a"),
		ContentLength: aws.Int64(5), ContentType: aws.String("text/plain"), ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum[:]))})
	if err != nil {
		t.Fatal(err)
	}
	with := func(name, value string) http.Header {
		h := link.SignedHeader.Clone()
		h.Set(name, value)
		return h
	}
	tests := []struct {
		name   string
		url    string
		body   string
		header http.Header
		status int
		want   string
	}{
		{"another body of the same size", link.URL, "jello", link.SignedHeader, 400, "BadDigest"},
		{"a longer body", link.URL, "hello!", link.SignedHeader, 403, "SignatureDoesNotMatch"},
		{"another type", link.URL, "hello", with("Content-Type", "text/html"), 403, "SignatureDoesNotMatch"},
		{"another checksum", link.URL, "jello", with("X-Amz-Checksum-Sha256", "x"), 403, "SignatureDoesNotMatch"},
		{"a header that was not signed", link.URL, "hello", with("X-Amz-Meta-Owner", "x"), 403, "not signed"},
		{"another key", strings.Replace(link.URL, "in/a", "in/b", 1), "hello", link.SignedHeader, 403, "SignatureDoesNotMatch"},
		{"what was agreed", link.URL, "hello", link.SignedHeader, 200, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, text := fetch(t, http.MethodPut, tt.url, tt.body, tt.header); got != tt.status || !strings.Contains(text, tt.want) {
				t.Errorf("PUT = %d %s; want %d with %q", got, text, tt.status, tt.want)
			}
		})
	}
	if list := w.Objects(); len(list) != 1 || list[0].Key != "in/a" || list[0].ContentType != "text/plain" {
		t.Errorf("Objects = %+v; want the one upload", list)
	}
}

func TestChunkedBodies(t *testing.T) {
	w := start(t)
	c := w.root()
	// Over plain HTTP the client signs bodies whole, so a body in chunks is signed here by hand, as over TLS.
	const body = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n"
	send := func(crc string) (int, string) {
		text := strings.Replace(body, "%s", crc, 1)
		r, err := http.NewRequest(http.MethodPut, w.url+"/files/chunked", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
		r.Header.Set("X-Amz-Trailer", "x-amz-checksum-crc32")
		r.Header.Set("X-Amz-Decoded-Content-Length", "5")
		r.Header.Set("Content-Encoding", "aws-chunked")
		err = v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: identity.Root, SecretAccessKey: identity.RootSecret}, r,
			"STREAMING-UNSIGNED-PAYLOAD-TRAILER", "s3", "us-east-1", time.Now(), func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		message, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(message)
	}
	if status, text := send("NhCmhg=="); status != 200 {
		t.Fatalf("a body in chunks = %d %s; want 200", status, text)
	}
	if got, err := get(c, "files", "chunked"); err != nil || got != "hello" {
		t.Errorf("read back %q, %v; want hello", got, err)
	}
	if status, text := send("AAAAAA=="); status != 400 || !strings.Contains(text, "BadDigest") {
		t.Errorf("a wrong trailer = %d %s; want BadDigest", status, text)
	}
}

func TestVersions(t *testing.T) {
	ctx := context.Background()
	w := start(t)
	c := w.root()
	first := put(t, c, "versions", "a", "1")
	put(t, c, "versions", "a", "2")
	out, err := c.DeleteObject(ctx, &client.DeleteObjectInput{Bucket: aws.String("versions"), Key: aws.String("a")})
	if err != nil || !aws.ToBool(out.DeleteMarker) {
		t.Fatalf("DeleteObject = %+v, %v; want a delete marker", out, err)
	}
	if _, err := get(c, "versions", "a"); code(err) != "NoSuchKey" {
		t.Errorf("GetObject after the delete = %v; want NoSuchKey", err)
	}
	old, err := c.GetObject(ctx, &client.GetObjectInput{Bucket: aws.String("versions"), Key: aws.String("a"), VersionId: first.VersionId})
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(old.Body); err != nil || string(body) != "1" {
		t.Errorf("the first version = %q, %v; want 1", body, err)
	}
	list, err := c.ListObjectVersions(ctx, &client.ListObjectVersionsInput{Bucket: aws.String("versions")})
	if err != nil || len(list.Versions) != 2 || len(list.DeleteMarkers) != 1 || !*list.DeleteMarkers[0].IsLatest || *list.Versions[1].VersionId != *first.VersionId {
		t.Fatalf("ListObjectVersions = %+v, %v; want two versions under a marker", list, err)
	}
	var all []types.ObjectIdentifier
	for _, v := range list.Versions {
		all = append(all, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
	}
	all = append(all, types.ObjectIdentifier{Key: list.DeleteMarkers[0].Key, VersionId: list.DeleteMarkers[0].VersionId}, types.ObjectIdentifier{Key: aws.String("none")})
	done, err := c.DeleteObjects(ctx, &client.DeleteObjectsInput{Bucket: aws.String("versions"), Delete: &types.Delete{Objects: all}})
	if err != nil || len(done.Deleted) != 4 || len(done.Errors) != 0 {
		t.Errorf("DeleteObjects = %+v, %v; want four done", done, err)
	}
	if n := w.files(t); n != 0 {
		t.Errorf("%d bodies are left; want none", n)
	}
}

func TestListPages(t *testing.T) {
	ctx := context.Background()
	w := start(t)
	c := w.root()
	var keys []string
	for _, key := range []string{"a/1", "a/2", "b", "c/1", "c/2", "c/d/3", "e"} {
		put(t, c, "versions", key, key)
		keys = append(keys, key)
	}
	for size := int32(1); size <= 8; size++ {
		var got []string
		pages := client.NewListObjectsV2Paginator(c, &client.ListObjectsV2Input{Bucket: aws.String("versions"), MaxKeys: &size})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range page.Contents {
				got = append(got, *o.Key)
			}
		}
		if !slices.Equal(got, keys) {
			t.Errorf("pages of %d = %v; want %v", size, got, keys)
		}
		got = nil
		versions := client.NewListObjectVersionsPaginator(c, &client.ListObjectVersionsInput{Bucket: aws.String("versions"), MaxKeys: &size, Prefix: aws.String("c/")})
		for versions.HasMorePages() {
			page, err := versions.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range page.Versions {
				got = append(got, *o.Key)
			}
		}
		if want := keys[3:6]; !slices.Equal(got, want) {
			t.Errorf("versions in pages of %d = %v; want %v", size, got, want)
		}
		got = nil
		folders := client.NewListObjectsV2Paginator(c, &client.ListObjectsV2Input{Bucket: aws.String("versions"), MaxKeys: &size, Delimiter: aws.String("/")})
		for folders.HasMorePages() {
			page, err := folders.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range page.CommonPrefixes {
				got = append(got, *p.Prefix)
			}
			for _, o := range page.Contents {
				got = append(got, *o.Key)
			}
		}
		slices.Sort(got)
		if want := []string{"a/", "b", "c/", "e"}; !slices.Equal(got, want) {
			t.Errorf("folders in pages of %d = %v; want %v", size, got, want)
		}
	}
}

func TestMultipart(t *testing.T) {
	ctx := context.Background()
	w := start(t)
	c, _ := w.as("s3:PutObject files/*", "s3:GetObject files/*", "s3:AbortMultipartUpload files/*", "s3:ListBucketMultipartUploads files")
	whole := make([]byte, 11<<20)
	rand.Read(whole)
	begin := func(a types.ChecksumAlgorithm) *string {
		out, err := c.CreateMultipartUpload(ctx, &client.CreateMultipartUploadInput{Bucket: aws.String("files"), Key: aws.String("big"), ChecksumAlgorithm: a, ContentType: aws.String("application/zip")})
		if err != nil {
			t.Fatal(err)
		}
		return out.UploadId
	}
	part := func(id *string, n int32, body []byte, a types.ChecksumAlgorithm) types.CompletedPart {
		out, err := c.UploadPart(ctx, &client.UploadPartInput{Bucket: aws.String("files"), Key: aws.String("big"), UploadId: id, PartNumber: &n, Body: bytes.NewReader(body), ChecksumAlgorithm: a})
		if err != nil {
			t.Fatal(err)
		}
		return types.CompletedPart{ETag: out.ETag, PartNumber: &n, ChecksumCRC32: out.ChecksumCRC32, ChecksumSHA256: out.ChecksumSHA256, ChecksumCRC64NVME: out.ChecksumCRC64NVME}
	}
	complete := func(id *string, parts ...types.CompletedPart) error {
		_, err := c.CompleteMultipartUpload(ctx, &client.CompleteMultipartUploadInput{Bucket: aws.String("files"), Key: aws.String("big"), UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
		return err
	}
	for _, a := range []types.ChecksumAlgorithm{types.ChecksumAlgorithmCrc32, types.ChecksumAlgorithmSha256, types.ChecksumAlgorithmCrc64nvme} {
		id := begin(a)
		two := part(id, 2, whole[10<<20:], a)
		one := part(id, 1, whole[:10<<20], a)
		if err := complete(id, two, one); code(err) != "InvalidPartOrder" {
			t.Errorf("parts out of order = %v; want InvalidPartOrder", err)
		}
		if err := complete(id, one, two); err != nil {
			t.Fatal(err)
		}
		if got, err := get(c, "files", "big"); err != nil || got != string(whole) {
			t.Fatalf("%s: read back %d bytes, %v; want the whole", a, len(got), err)
		}
	}
	r, err := c.GetObject(ctx, &client.GetObjectInput{Bucket: aws.String("files"), Key: aws.String("big"), Range: aws.String("bytes=10485750-10485769")})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r.Body); err != nil || !bytes.Equal(got, whole[10485750:10485770]) {
		t.Errorf("a range over two parts = %x, %v", got, err)
	}
	id := begin(types.ChecksumAlgorithmCrc32)
	small := part(id, 1, whole[:1<<20], types.ChecksumAlgorithmCrc32)
	last := part(id, 2, whole[:1], types.ChecksumAlgorithmCrc32)
	if err := complete(id, small, last); code(err) != "EntityTooSmall" {
		t.Errorf("a small part = %v; want EntityTooSmall", err)
	}
	list, err := c.ListMultipartUploads(ctx, &client.ListMultipartUploadsInput{Bucket: aws.String("files")})
	if err != nil || len(list.Uploads) != 1 || *list.Uploads[0].UploadId != *id {
		t.Errorf("ListMultipartUploads = %+v, %v; want the open one", list, err)
	}
	if _, err := c.AbortMultipartUpload(ctx, &client.AbortMultipartUploadInput{Bucket: aws.String("files"), Key: aws.String("big"), UploadId: id}); err != nil {
		t.Fatal(err)
	}
	if err := complete(id, small); code(err) != "NoSuchUpload" {
		t.Errorf("completing an aborted upload = %v; want NoSuchUpload", err)
	}
	if n := w.files(t); n != 2 {
		t.Errorf("%d bodies on disk; want the two parts of the object", n)
	}
}

// etag is the tag of an object.
func etag(t *testing.T, c *client.Client, bucket, key string) string {
	t.Helper()
	out, err := c.HeadObject(context.Background(), &client.HeadObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	return *out.ETag
}

func TestCopy(t *testing.T) {
	ctx := context.Background()
	w := start(t)
	c := w.root()
	key := "in/a b+ü"
	_, err := c.PutObject(ctx, &client.PutObjectInput{Bucket: aws.String("files"), Key: &key, Body: strings.NewReader("hello"), ContentType: aws.String("image/png"), Metadata: map[string]string{"a": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CopyObject(ctx, &client.CopyObjectInput{Bucket: aws.String("versions"), Key: aws.String("kept"), CopySource: aws.String("files/in/a%20b%2B%C3%BC"),
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ tag, want string }{{`"0123"`, "PreconditionFailed"}, {etag(t, c, "files", "in/a b+ü"), ""}} {
		if _, err := c.CopyObject(ctx, &client.CopyObjectInput{Bucket: aws.String("versions"), Key: aws.String("pinned"), CopySource: aws.String("files/in/a%20b%2B%C3%BC"),
			CopySourceIfMatch: &tt.tag}); code(err) != tt.want {
			t.Errorf("CopyObject of the object with tag %s = %v; want %q", tt.tag, err, tt.want)
		}
	}
	if _, err := c.DeleteObject(ctx, &client.DeleteObjectInput{Bucket: aws.String("files"), Key: &key}); err != nil {
		t.Fatal(err)
	}
	out, err := c.GetObject(ctx, &client.GetObjectInput{Bucket: aws.String("versions"), Key: aws.String("kept"), ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(out.Body)
	if err != nil || string(body) != "hello" || *out.ContentType != "image/png" || out.Metadata["a"] != "1" || out.ChecksumSHA256 == nil {
		t.Errorf("the copy = %q, %+v, %v; want body, type, metadata and checksum", body, out, err)
	}
	if _, err := c.CopyObject(ctx, &client.CopyObjectInput{Bucket: aws.String("versions"), Key: aws.String("kept"), CopySource: aws.String("files/none")}); code(err) != "NoSuchKey" {
		t.Errorf("CopyObject of nothing = %v; want NoSuchKey", err)
	}
}

func TestObjectLock(t *testing.T) {
	ctx := context.Background()
	w := start(t)
	c := w.root()
	v := put(t, c, "heads", "a", "1").VersionId
	remove := func() error {
		_, err := c.DeleteObject(ctx, &client.DeleteObjectInput{Bucket: aws.String("heads"), Key: aws.String("a"), VersionId: v, BypassGovernanceRetention: aws.Bool(true)})
		return err
	}
	if err := remove(); code(err) != "AccessDenied" {
		t.Errorf("deleting a locked version = %v; want AccessDenied", err)
	}
	if _, err := c.DeleteObject(ctx, &client.DeleteObjectInput{Bucket: aws.String("heads"), Key: aws.String("a")}); err != nil {
		t.Errorf("a marker over a locked version: %v", err)
	}
	w.clock.Advance(30*24*time.Hour + time.Minute)
	if err := remove(); err != nil {
		t.Errorf("deleting it after its time: %v", err)
	}
	if _, err := c.PutObject(ctx, &client.PutObjectInput{Bucket: aws.String("files"), Key: aws.String("a"), Body: strings.NewReader("1"), ObjectLockLegalHoldStatus: types.ObjectLockLegalHoldStatusOn}); code(err) != "InvalidRequest" {
		t.Errorf("a lock in a bucket without = %v; want InvalidRequest", err)
	}
}

func TestSweep(t *testing.T) {
	ctx := context.Background()
	w := start(t)
	c := w.root()
	noon := time.Date(2031, 1, 2, 12, 0, 0, 0, time.UTC)
	w.clock.Set(noon)
	put(t, c, "files", "ledger/a", "1")
	put(t, c, "files", "old/a", "1")
	put(t, c, "files", "kept", "1")
	put(t, c, "versions", "old/a", "1")
	put(t, c, "versions", "old/a", "2")
	put(t, c, "heads", "old/a", "1")
	if _, err := c.CreateMultipartUpload(ctx, &client.CreateMultipartUploadInput{Bucket: aws.String("files"), Key: aws.String("big")}); err != nil {
		t.Fatal(err)
	}
	day := func(n int) time.Time { return time.Date(2031, 1, 2+n, 0, 0, 1, 0, time.UTC) }
	steps := []struct {
		name string
		at   time.Time
		want s3.Swept
		left []string
	}{
		{"the day after, before midnight", noon.Add(24 * time.Hour), s3.Swept{}, []string{"files/kept", "files/ledger/a", "files/old/a", "heads/old/a", "versions/old/a", "versions/old/a"}},
		{"the midnight after one day", day(2), s3.Swept{Expired: 3, Aborted: 1}, []string{"files/kept", "files/ledger/a", "heads/old/a", "heads/old/a", "versions/old/a", "versions/old/a", "versions/old/a"}},
		{"the midnight after two days", day(3), s3.Swept{Removed: 1}, []string{"files/kept", "files/ledger/a", "heads/old/a", "heads/old/a", "versions/old/a", "versions/old/a"}},
		{"then the version under the marker, and the marker with it", day(5), s3.Swept{Removed: 2}, []string{"files/kept", "files/ledger/a", "heads/old/a", "heads/old/a"}},
		{"a locked version after its lock", day(32), s3.Swept{Removed: 2}, []string{"files/kept", "files/ledger/a"}},
		{"the ledger after ninety days", day(91), s3.Swept{Expired: 1}, []string{"files/kept"}},
		{"and again", day(92), s3.Swept{}, []string{"files/kept"}},
	}
	for _, step := range steps {
		w.clock.Set(step.at)
		if got := w.Sweep(w.clock.Now()); got != step.want {
			t.Errorf("%s: Sweep = %+v; want %+v", step.name, got, step.want)
		}
		var left []string
		for _, o := range w.Objects() {
			left = append(left, o.Bucket+"/"+o.Key)
		}
		if !slices.Equal(left, step.left) {
			t.Errorf("%s: left %v; want %v", step.name, left, step.left)
		}
	}
	if n := w.files(t); n != 1 {
		t.Errorf("%d bodies on disk; want 1", n)
	}
}

func TestReadWhileDeleted(t *testing.T) {
	ctx := context.Background()
	w := start(t)
	c := w.root()
	body := strings.Repeat("x", 16<<20) // more than fits into the buffers on the way
	put(t, c, "files", "a", body)
	out, err := c.GetObject(ctx, &client.GetObjectInput{Bucket: aws.String("files"), Key: aws.String("a")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteObject(ctx, &client.DeleteObjectInput{Bucket: aws.String("files"), Key: aws.String("a")}); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(out.Body); err != nil || len(got) != len(body) {
		t.Errorf("read %d bytes, %v; want the whole object", len(got), err)
	}
}

func TestFaults(t *testing.T) {
	w := start(t)
	c, _ := w.as("s3:PutObject files/*", "s3:GetObject files/*")
	fault := func(f guard.Fault) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.fault = f
	}
	tests := []struct {
		name    string
		fault   guard.Fault
		create  *string // If-None-Match
		want    string
		objects int
	}{
		{"throttled", guard.Throttle, nil, "SlowDown", 0},
		{"failed", guard.Unavailable, nil, "InternalError", 0},
		{"met another writer", guard.Conflict, aws.String("*"), "ConditionalRequestConflict", 0},
		{"met another writer without a condition", guard.Conflict, nil, "InternalError", 0},
		{"lost before", guard.TimeoutBefore, nil, "", 0},
		{"lost after", guard.TimeoutAfter, nil, "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fault(tt.fault)
			_, err := c.PutObject(context.Background(), &client.PutObjectInput{Bucket: aws.String("files"), Key: aws.String("a"), Body: strings.NewReader("1"), IfNoneMatch: tt.create})
			if err == nil || tt.want != "" && code(err) != tt.want {
				t.Errorf("PutObject = %v; want %s", err, tt.want)
			}
			if n := len(w.Objects()); n != tt.objects {
				t.Errorf("%d objects; want %d", n, tt.objects)
			}
		})
	}
}

func TestCORS(t *testing.T) {
	w := start(t)
	tests := []struct {
		name, origin, method string
		status               int
	}{
		{"the app's origin", "https://app.example.org", "PUT", 200},
		{"another origin", "https://evil.example.com", "PUT", 403},
		{"another method", "https://app.example.org", "DELETE", 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := fetch(t, http.MethodOptions, w.url+"/files/a", "", http.Header{"Origin": {tt.origin}, "Access-Control-Request-Method": {tt.method}, "Access-Control-Request-Headers": {"content-type"}})
			if got != tt.status {
				t.Errorf("preflight = %d; want %d", got, tt.status)
			}
		})
	}
}

func TestCloseRemovesBodies(t *testing.T) {
	dir := t.TempDir()
	s, err := s3.New(s3.Options{Dir: dir, Clock: &simclock.Clock{}, Identities: identity.New()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 0 {
		t.Errorf("left %v, %v; want nothing", list, err)
	}
}
